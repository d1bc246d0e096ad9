import type { Pixels } from '../base/types.ts';
import { createRandom } from '../base/random.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { resizePixels } from '../images/resize.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import type { AugmentOptions } from './augment.ts';
import { augmentPixels } from './augment.ts';

/** Decodes a picture, varies it at random and brings it to the network's input size. Each picture has its own draw. */
export function augmentedDecoder(
  { inputSize: [height, width], resize }: InputRecipe,
  seed: number,
  options: AugmentOptions,
): (image: ImageSource, index: number) => Promise<Pixels> {
  return async (image, index) => {
    const random = createRandom(Math.imul(seed, 0x01000193) ^ Math.imul(index + 1, 0x85ebca6b));
    const varied = augmentPixels(
      await loadPixels(image, { name: describeSource(image, index) }),
      random,
      options,
    );
    return resizePixels(varied, { width, height, ...resize });
  };
}
