import * as tf from '@tensorflow/tfjs';
import {
  AbortedError,
  DovecoteError,
  ImageError,
  UsageError,
  reasonOf,
  throwIfAborted,
} from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import { platform } from '../platform.ts';
import { bytesOfDataUrl } from './data-url.ts';
import { toRgb } from './flatten.ts';
import { DEFAULT_PIXEL_LIMIT, checkPixelLimit, unreadableImage } from './image-errors.ts';
import { type ImageSource, classifySource, describeSource } from './image-source.ts';
import type { ResizeOptions } from './resize-options.ts';
import { checkResizeOptions, resizePixels } from './resize.ts';
import { tensorToPixels } from './tensor-pixels.ts';

export interface LoadImageOptions extends Pick<
  ResizeOptions,
  'mode' | 'filter' | 'cropFraction' | 'background'
> {
  /** Pixels to resize to: one number for a square, or `[height, width]`. Without it the picture keeps its size. */
  readonly size?: number | readonly [height: number, width: number];
  /**
   * Largest accepted `width * height` of the source, checked before it is decoded where its header tells.
   * Default 178,956,970, at which Pillow refuses a picture too.
   */
  readonly pixelLimit?: number;
  readonly signal?: AbortSignal;
  /** Shown in errors instead of the path, URL or `image 1`. */
  readonly name?: string;
}

/**
 * Reads a picture from anywhere as 8-bit RGB: upright, alpha flattened on white, grey and CMYK as RGB, the first
 * frame of an animation; resized when `size` is given. A source of `Pixels` that needs no resizing is handed back
 * as it is, memory included.
 *
 * @throws ImageError `IMAGE_NOT_FOUND`, `IMAGE_EMPTY`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE`, `IMAGE_SOURCE`
 * @throws UsageError `USAGE_OPTION`
 * @throws NetworkError `NETWORK_*` for URLs
 * @throws AbortedError `ABORTED`
 */
export async function loadPixels(source: ImageSource, options: LoadImageOptions = {}): Promise<Pixels> {
  const { signal, pixelLimit = DEFAULT_PIXEL_LIMIT } = options;
  const resize = resizeOptionsOf(options);
  if (!(pixelLimit >= 1)) {
    throw new UsageError('USAGE_OPTION', 'The option pixelLimit is out of range.', {
      given: `pixelLimit: ${String(pixelLimit)}`,
      expected: 'a number of pixels from 1 on, Infinity included',
      nextStep: `leave it out for ${DEFAULT_PIXEL_LIMIT.toLocaleString('en')}`,
    });
  }
  const name = options.name ?? describeSource(source, 0);
  throwIfAborted(signal, `Loading ${name}`);
  const classified = classifySource(source, name);
  const decode = { name, pixelLimit, resize, signal };
  switch (classified.kind) {
    case 'location': {
      const bytes = await readLocation(classified.location, name, signal);
      return platform().decodeImage(bytes, decode);
    }
    case 'data-url':
      return platform().decodeImage(bytesOfDataUrl(classified.url, name), decode);
    case 'bytes':
      return platform().decodeImage(classified.bytes, decode);
    case 'blob':
      return platform().decodeImage(classified.blob, decode);
    case 'dom':
      return platform().decodeImage(classified.element, decode);
    case 'pixels':
      checkPixelLimit(classified.pixels.width, classified.pixels.height, pixelLimit, name);
      return resized(
        toRgb(classified.pixels.data, classified.pixels.width, classified.pixels.height, 3),
        resize,
      );
    case 'rgba': {
      const { data, width, height } = classified.image;
      checkPixelLimit(width, height, pixelLimit, name);
      return resized(toRgb(data, width, height, 4), resize);
    }
    case 'tensor': {
      const pixels = await tensorToPixels(classified.tensor, pixelLimit, name);
      throwIfAborted(signal, `Loading ${name}`);
      return resized(pixels, resize);
    }
  }
}

/**
 * `loadPixels` as a float32 tensor `[height, width, 3]`, RGB, values 0 to 255. The caller disposes of it.
 *
 * @throws as `loadPixels`
 */
export async function loadImage(source: ImageSource, options: LoadImageOptions = {}): Promise<tf.Tensor3D> {
  const { data, width, height } = await loadPixels(source, options);
  return tf.tensor3d(Float32Array.from(data), [height, width, 3], 'float32');
}

function resizeOptionsOf(options: LoadImageOptions): ResizeOptions | undefined {
  const { size, mode, filter, cropFraction, background } = options;
  if (size === undefined) {
    // Checked all the same: a wrong filter is a mistake also where it would have no effect.
    checkResizeOptions({ width: 1, height: 1, mode, filter, cropFraction, background });
    return undefined;
  }
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const resize = { width, height, mode, filter, cropFraction, background };
  checkResizeOptions(resize);
  return resize;
}

function resized(pixels: Pixels, resize: ResizeOptions | undefined): Pixels {
  return resize === undefined ? pixels : resizePixels(pixels, resize);
}

async function readLocation(
  location: string | URL,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    return await platform().readBytes(location, { signal, label: name });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`Loading ${name} was stopped.`, { cause: error });
    throw asImageError(error, name);
  }
}

/** Words for files in general become words for pictures; a network's errors stay what they are. */
function asImageError(error: unknown, name: string): DovecoteError {
  const reasons = codesOf(error);
  if (reasons.has('FILE_NOT_FOUND') || reasons.has('ENOENT') || reasons.has('ENOTDIR')) {
    return new ImageError('IMAGE_NOT_FOUND', `There is no image ${name}.`, {
      given: name,
      expected: 'an existing file or URL',
      nextStep: 'check the spelling and the folder that relative paths start from',
      cause: error,
    });
  }
  if (reasons.has('EISDIR')) {
    const next = 'pass the pictures in it, one by one or as a folder to classify';
    return unreadableImage(name, `${name}, a folder`, 'one picture', next, error);
  }
  if (reasons.has('EACCES') || reasons.has('EPERM')) {
    const next = 'change its permissions, or run as a user that may read it';
    return unreadableImage(name, `${name}, which this user may not read`, 'a readable file', next, error);
  }
  if (error instanceof DovecoteError) return error;
  return unreadableImage(name, reasonOf(error), 'a readable file or URL', 'check the path or URL', error);
}

/** Codes of an error and of what caused it. */
function codesOf(error: unknown): Set<string> {
  const codes = new Set<string>();
  for (let e = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++) {
    if ('code' in e && typeof e.code === 'string') codes.add(e.code);
  }
  return codes;
}
