import { ImageError } from '../base/errors.ts';

/**
 * Default of `pixelLimit`: width times height at which Pillow, and so Keras, refuses a picture as a
 * decompression bomb (twice a quarter of a gigabyte of RGB).
 */
export const DEFAULT_PIXEL_LIMIT = 178_956_970;

/** @throws ImageError `IMAGE_TOO_LARGE` */
export function checkPixelLimit(width: number, height: number, pixelLimit: number, name: string): void {
  if (width * height <= pixelLimit) return;
  throw new ImageError('IMAGE_TOO_LARGE', `The image ${name} is too large to decode.`, {
    given: `${width} x ${height} pixels, ${(width * height).toLocaleString('en')} in all`,
    expected: `at most ${pixelLimit.toLocaleString('en')} pixels`,
    nextStep: 'make the image smaller, or raise pixelLimit if you trust it and have the memory',
  });
}

export function emptyImage(name: string): ImageError {
  return new ImageError('IMAGE_EMPTY', `The image ${name} has no bytes.`, {
    given: '0 bytes',
    expected: 'an encoded picture',
    nextStep: 'check how the file was written or downloaded; delete it if it is a leftover',
  });
}

export function unreadableImage(
  name: string,
  given: string,
  expected: string,
  nextStep: string,
  cause?: unknown,
): ImageError {
  return new ImageError('IMAGE_UNREADABLE', `The image ${name} cannot be read.`, {
    given,
    expected,
    nextStep,
    cause,
  });
}

export function wrongSource(
  name: string,
  given: string,
  nextStep: string,
  expected = 'a path, URL, bytes, Blob, Pixels, ImageData, tensor, <img>, <canvas>, <video> or ImageBitmap',
): ImageError {
  return new ImageError('IMAGE_SOURCE', `${name} is not a usable image source.`, {
    given,
    expected,
    nextStep,
  });
}
