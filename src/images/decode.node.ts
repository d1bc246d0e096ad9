import type { Sharp, Metadata, SharpOptions } from 'sharp';
import { DovecoteError, ImageError, reasonOf, throwIfAborted } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { DecodeOptions, EncodedImage } from '../platform.ts';
import { decodeBmp } from './decode-bmp.ts';
import { type EncodedFormat, headerSize, sniffFormat } from './encoded-format.ts';
import { cmykToRgb, toRgb } from './flatten.ts';
import { checkPixelLimit, emptyImage, unreadableImage, wrongSource } from './image-errors.ts';
import { inDecodeRoom } from './decode-room.node.ts';
import { resizePixels } from './resize.ts';

type SharpFunction = (input: Uint8Array, options: SharpOptions) => Sharp;

const READABLE = 'JPEG, PNG, GIF, WebP, AVIF, TIFF or BMP';

/**
 * Decodes an encoded picture with sharp (libvips): upright (EXIF orientation applied), 8 bits a channel, RGB.
 *
 * | input | what becomes of it |
 * |---|---|
 * | RGB with an ICC profile | the numbers are kept, the profile is ignored, as Pillow and Keras do |
 * | CMYK with an ICC profile | converted to sRGB through it |
 * | CMYK without one | `(255 - ink) * (255 - black) / 255`, as Pillow and Keras do; Adobe's inverted JPEGs too |
 * | alpha, also a palette's | flattened on white |
 * | 16 bits | the high byte |
 * | animated GIF, WebP; several pages | the first frame or page |
 * | SVG, PDF | refused: they have no pixels of their own, and could name other files |
 *
 * What is cut off or damaged is refused, as Pillow does by default. Decoded pixels equal Pillow's bit for bit on
 * JPEG, PNG, GIF, WebP and TIFF. Only the decoders named in the message for unknown formats are ever reached.
 *
 * The picture is decoded at full size and resized by `resizePixels`: sharp's own kernels depart from Pillow's by
 * up to 100 grey levels, and shrinking while a JPEG is decoded by more.
 *
 * @throws ImageError `IMAGE_EMPTY`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE` (told from the header),
 *   `IMAGE_SOURCE` (not bytes), `IMAGE_DECODER` (sharp does not load)
 * @throws AbortedError `ABORTED`
 */
export async function decodeImageNode(image: EncodedImage, options: DecodeOptions): Promise<Pixels> {
  const { name, pixelLimit, resize, signal } = options;
  throwIfAborted(signal, `Decoding ${name}`);
  const bytes = await bytesOf(image, name);
  throwIfAborted(signal, `Decoding ${name}`);
  if (bytes.length === 0) throw emptyImage(name);
  const sniffed = sniffFormat(bytes);
  if (sniffed.format === undefined) {
    throw unreadableImage(
      name,
      sniffed.description,
      `a picture: ${READABLE}`,
      'check what the file is, or save it as JPEG or PNG; raw pixels are passed as { data, width, height }',
    );
  }
  const { format } = sniffed;
  const header = headerSize(bytes, format);
  if (header !== undefined) checkPixelLimit(header.width, header.height, pixelLimit, name);
  return inDecodeRoom(
    3 * (header === undefined ? TYPICAL_PIXELS : header.width * header.height),
    async () => {
      throwIfAborted(signal, `Decoding ${name}`);
      const pixels = await decodeBytes(bytes, format, pixelLimit, name);
      throwIfAborted(signal, `Decoding ${name}`);
      return resize === undefined ? pixels : resizePixels(pixels, resize);
    },
  );
}

/** Taken for pictures whose header is read by the decoder only. */
const TYPICAL_PIXELS = 4e6;

async function bytesOf(image: EncodedImage, name: string): Promise<Uint8Array> {
  if (image instanceof Uint8Array) return image;
  if (image instanceof Blob) return new Uint8Array(await image.arrayBuffer());
  if (image instanceof ArrayBuffer) return new Uint8Array(image);
  const kind = Object.prototype.toString.call(image).slice('[object '.length, -1);
  throw wrongSource(name, kind, 'pass a path, a URL or the encoded bytes; DOM objects are for browsers');
}

async function decodeBytes(
  bytes: Uint8Array,
  format: EncodedFormat,
  pixelLimit: number,
  name: string,
): Promise<Pixels> {
  if (format === 'bmp') return decodeBmp(bytes, name);
  const sharp = await loadSharp();
  const input: SharpOptions = { failOn: 'error', limitInputPixels: false, ignoreIcc: true };
  try {
    // Most pictures need no second look: it would cost a tenth of the decoding.
    const header = headerSize(bytes, format);
    let metadata: Metadata | undefined;
    if (header === undefined || header.components === 4) {
      metadata = await sharp(bytes, input).metadata();
      checkPixelLimit(metadata.width, metadata.height, pixelLimit, name);
      refuseFloats(metadata, name);
    }
    // A header may state less than the decoder finds; the decoder counts again.
    const guarded = { ...input, limitInputPixels: pixelLimit };
    if (metadata?.space === 'cmyk') return await decodeCmyk(sharp, bytes, guarded, pixelLimit, name);
    return await rgbOf(sharp(bytes, guarded));
  } catch (error) {
    if (error instanceof DovecoteError) throw error;
    throw asImageError(error, bytes, format, pixelLimit, name);
  }
}

async function rgbOf(picture: Sharp): Promise<Pixels> {
  // Alpha comes along: sharp's own `flatten` rounds down where the browser's canvas rounds to the nearest.
  const { data, info } = await picture
    .autoOrient()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return toRgb(data, info.width, info.height, info.channels as 1 | 3 | 4);
}

async function decodeCmyk(
  sharp: SharpFunction,
  bytes: Uint8Array,
  input: SharpOptions,
  pixelLimit: number,
  name: string,
): Promise<Pixels> {
  const managed = { ...input, ignoreIcc: false };
  const { hasProfile } = await sharp(bytes, managed).metadata();
  if (hasProfile) return rgbOf(sharp(bytes, managed));
  const { data, info } = await sharp(bytes, input)
    .autoOrient()
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer({ resolveWithObject: true });
  checkPixelLimit(info.width, info.height, pixelLimit, name);
  return cmykToRgb(data, info.width, info.height);
}

function refuseFloats(metadata: Metadata, name: string): void {
  if (metadata.depth === 'uchar' || metadata.depth === 'ushort') return;
  throw unreadableImage(
    name,
    `a ${metadata.format.toUpperCase()} file with samples of type ${metadata.depth}`,
    '8 or 16 bits a channel, unsigned',
    'scale the values to 0..255 and save them as 8 bits a channel',
  );
}

function asImageError(
  error: unknown,
  bytes: Uint8Array,
  format: EncodedFormat,
  pixelLimit: number,
  name: string,
): ImageError {
  const reason = reasonOf(error);
  if (/pixel limit/i.test(reason)) {
    return new ImageError('IMAGE_TOO_LARGE', `The image ${name} is too large to decode.`, {
      given: `a ${format.toUpperCase()} file of more pixels than the limit`,
      expected: `at most ${pixelLimit.toLocaleString('en')} pixels`,
      nextStep: 'make the image smaller, or raise pixelLimit if you trust it and have the memory',
      cause: error,
    });
  }
  const size = `${bytes.length.toLocaleString('en')} bytes`;
  return unreadableImage(
    name,
    `a ${format.toUpperCase()} file of ${size} that is cut off or damaged (${reason})`,
    `a complete ${format.toUpperCase()} file`,
    'copy or download it again, or save it anew in an image editor',
    error,
  );
}

let loaded: Promise<SharpFunction> | undefined;

/** sharp is loaded when the first picture comes, so that commands without pictures start faster. */
export function loadSharp(): Promise<SharpFunction> {
  loaded ??= import('sharp').then(
    (module) => module.default as SharpFunction,
    (cause: unknown) => {
      loaded = undefined;
      throw new ImageError('IMAGE_DECODER', 'The image decoder sharp cannot be loaded.', {
        given: `${process.platform}-${process.arch}, Node ${process.version}: ${reasonOf(cause)}`,
        expected: 'the package sharp with its library for this platform',
        nextStep: 'run npm install --include=optional sharp (see sharp.pixelplumbing.com/install)',
        cause,
      });
    },
  );
  return loaded;
}
