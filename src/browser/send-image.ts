import { ImageError, reasonOf } from '../base/errors.ts';
import type { ImageSource } from '../images/image-source.ts';
import { classifySource, describeSource, tagOf } from '../images/image-source.ts';

/**
 * A picture as another thread can take it. What only the page has is read here: addresses are relative to the page, and
 * elements become bitmaps, which the browser does beside the page's thread.
 *
 * @throws ImageError `IMAGE_SOURCE`
 */
export async function sendableImage(image: ImageSource, index = 0): Promise<ImageSource> {
  const name = describeSource(image, index);
  const source = classifySource(image, name);
  switch (source.kind) {
    case 'location':
      return new URL(source.location, document.baseURI).href;
    case 'tensor':
      throw new ImageError('IMAGE_SOURCE', 'A tensor cannot be sent to a worker.', {
        given: `${name}: a tensor`,
        expected: 'a file, a blob, pixels, an element or an address',
        nextStep: 'pass its pixels: { data, width, height }',
      });
    case 'dom':
      return bitmapOf(source.element, name);
    case 'data-url':
      return source.url;
    case 'bytes':
      return source.bytes;
    case 'blob':
      return source.blob;
    case 'pixels':
      return source.pixels;
    case 'rgba':
      return { data: source.image.data, width: source.image.width, height: source.image.height };
  }
}

async function bitmapOf(element: ImageBitmapSource, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(element, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' });
  } catch (cause) {
    throw new ImageError('IMAGE_SOURCE', `${name} cannot be read: ${reasonOf(cause)}`, {
      given: tagOf(element),
      expected: 'a loaded <img>, a <video> that shows a frame, or a <canvas> with a size',
      nextStep: 'wait until it has loaded; a picture of another site needs CORS',
      cause,
    });
  }
}

/** Made for the sending: they go over as a whole. */
export function bitmapsOf(images: readonly ImageSource[]): ImageBitmap[] {
  return images.filter((image) => image instanceof ImageBitmap);
}
