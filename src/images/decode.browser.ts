import { ImageError, reasonOf, throwIfAborted } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { DecodeOptions, EncodedImage } from '../platform.ts';
import { headerSize, sniffFormat } from './encoded-format.ts';
import { toRgb } from './flatten.ts';
import { checkPixelLimit, emptyImage, unreadableImage, wrongSource } from './image-errors.ts';
import { tagOf } from './image-source.ts';
import { resizePixels } from './resize.ts';

const READABLE = 'JPEG, PNG, GIF, WebP, AVIF or BMP';

/** What a canvas can draw, and its size in pixels. */
interface Drawable {
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes with the browser: encoded bytes and Blobs through `createImageBitmap` (EXIF orientation applied, no
 * colour conversion, first frame), elements through a canvas. Alpha is laid on white.
 *
 * The picture is drawn at full size and resized by `resizePixels`, so that browsers and Node agree on the
 * resampling; what remains is the difference between JPEG decoders.
 *
 * @throws ImageError `IMAGE_EMPTY`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE`, `IMAGE_SOURCE` (an element that is not
 *   loaded, without size, or from another site without CORS)
 * @throws AbortedError `ABORTED`
 */
export async function decodeImageBrowser(image: EncodedImage, options: DecodeOptions): Promise<Pixels> {
  const { name, pixelLimit, resize, signal } = options;
  throwIfAborted(signal, `Decoding ${name}`);
  const bitmap = await bitmapOf(image, pixelLimit, name);
  try {
    throwIfAborted(signal, `Decoding ${name}`);
    const drawable =
      bitmap === undefined
        ? drawableOf(image, name)
        : { image: bitmap, width: bitmap.width, height: bitmap.height };
    checkPixelLimit(drawable.width, drawable.height, pixelLimit, name);
    const pixels = readPixels(drawable, name);
    return resize === undefined ? pixels : resizePixels(pixels, resize);
  } finally {
    bitmap?.close();
  }
}

/** A bitmap of encoded bytes; `undefined` for what can be drawn as it is. */
async function bitmapOf(
  image: EncodedImage,
  pixelLimit: number,
  name: string,
): Promise<ImageBitmap | undefined> {
  const tag = tagOf(image);
  if (tag !== 'Uint8Array' && tag !== 'ArrayBuffer' && tag !== 'Blob' && tag !== 'File') return undefined;
  let bytes: Uint8Array;
  try {
    bytes =
      tag === 'Uint8Array'
        ? (image as Uint8Array)
        : new Uint8Array(
            tag === 'ArrayBuffer' ? (image as ArrayBuffer) : await (image as Blob).arrayBuffer(),
          );
  } catch (cause) {
    const next = 'choose the file again';
    throw unreadableImage(
      name,
      `a ${tag} that cannot be read (${reasonOf(cause)})`,
      'a readable file',
      next,
      cause,
    );
  }
  if (bytes.length === 0) throw emptyImage(name);
  const sniffed = sniffFormat(bytes);
  if (sniffed.format === undefined) {
    const next =
      'check what the file is, or save it as JPEG or PNG; raw pixels are passed as { data, width, height }';
    throw unreadableImage(name, sniffed.description, `a picture: ${READABLE}`, next);
  }
  const size = headerSize(bytes, sniffed.format);
  if (size !== undefined) checkPixelLimit(size.width, size.height, pixelLimit, name);
  try {
    // The bytes go in anew, without the type that a server may have got wrong.
    return await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (cause) {
    const format = sniffed.format.toUpperCase();
    const given = `a ${format} file of ${bytes.length.toLocaleString('en')} bytes (${reasonOf(cause)})`;
    const next = 'it is damaged, or of a kind that this browser does not read: save it as JPEG or PNG';
    throw unreadableImage(name, given, `a complete ${READABLE} file`, next, cause);
  }
}

function drawableOf(image: EncodedImage, name: string): Drawable {
  switch (tagOf(image)) {
    case 'HTMLImageElement': {
      const element = image as HTMLImageElement;
      if (!element.complete) {
        throw wrongSource(
          name,
          'an <img> that is still loading',
          'await img.decode() first',
          'a loaded <img>',
        );
      }
      return sized(element, element.naturalWidth, element.naturalHeight, '<img>', name);
    }
    case 'HTMLVideoElement': {
      const element = image as HTMLVideoElement;
      if (element.readyState < 2) {
        const next = 'wait for its "loadeddata" event';
        throw wrongSource(name, 'a <video> without a frame yet', next, 'a <video> that shows a frame');
      }
      return sized(element, element.videoWidth, element.videoHeight, '<video>', name);
    }
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas': {
      const canvas = image as HTMLCanvasElement | OffscreenCanvas;
      return sized(canvas, canvas.width, canvas.height, '<canvas>', name);
    }
    case 'ImageBitmap': {
      const bitmap = image as ImageBitmap;
      return sized(bitmap, bitmap.width, bitmap.height, 'ImageBitmap (closed, perhaps)', name);
    }
    case 'VideoFrame': {
      const frame = image as VideoFrame;
      return sized(frame, frame.displayWidth, frame.displayHeight, 'VideoFrame (closed, perhaps)', name);
    }
    default:
      throw wrongSource(name, tagOf(image), 'pass one of the expected kinds');
  }
}

function sized(
  image: CanvasImageSource,
  width: number,
  height: number,
  kind: string,
  name: string,
): Drawable {
  if (width >= 1 && height >= 1) return { image, width, height };
  const next =
    kind === '<img>' ? 'check its address: the picture failed to load' : 'give it a size and draw into it';
  throw wrongSource(
    name,
    `${kind} of ${width} x ${height} pixels`,
    next,
    'a picture of at least 1 x 1 pixel',
  );
}

function readPixels({ image, width, height }: Drawable, name: string): Pixels {
  try {
    const context = contextOf(width, height);
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0, width, height);
    return toRgb(context.getImageData(0, 0, width, height).data, width, height, 4);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'SecurityError') {
      throw new ImageError('IMAGE_SOURCE', `The pixels of ${name} may not be read.`, {
        given: 'a picture from another site, loaded without CORS',
        expected: 'a picture of this site, or one whose server permits it (CORS)',
        nextStep: 'set crossOrigin = "anonymous" before src, or fetch the picture and pass its Blob',
        cause,
      });
    }
    const given = `${width} x ${height} pixels (${reasonOf(cause)})`;
    const next = 'make the picture smaller: browsers limit the size of a canvas';
    throw unreadableImage(name, given, 'a picture that a canvas can hold', next, cause);
  }
}

/** `willReadFrequently` keeps the pixels in main memory: no round trip to the graphics card. */
function contextOf(
  width: number,
  height: number,
): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D {
  const settings: CanvasRenderingContext2DSettings = { willReadFrequently: true, colorSpace: 'srgb' };
  let context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (typeof OffscreenCanvas === 'function') {
    context = new OffscreenCanvas(width, height).getContext('2d', settings);
  } else {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    context = canvas.getContext('2d', settings);
  }
  if (context === null) throw new Error('this browser gives no 2d canvas');
  return context;
}
