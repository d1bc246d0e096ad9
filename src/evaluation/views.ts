import type { Pixels } from '../base/types.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { cutPlain } from '../transfer/augment-geometry.ts';

/** Decodes a picture at the network's input size. */
export type View = (image: ImageSource, name: string) => Promise<Pixels>;

/** Share of the enlarged picture's side that a crop keeps. */
const CROP = 0.9;

/**
 * The picture itself and what test-time augmentation adds: its mirror image and four crops towards the corners, every other
 * one mirrored.
 */
export function viewsOf(recipe: InputRecipe, isAugmented: boolean, signal?: AbortSignal): View[] {
  const [height, width] = recipe.inputSize;
  const load = (image: ImageSource, name: string, size: readonly [number, number]) =>
    loadPixels(image, { ...recipe.resize, size, name, ...(signal && { signal }) });
  const whole: View = (image, name) => load(image, name, recipe.inputSize);
  if (!isAugmented) return [whole];
  const larger = [Math.round(height / CROP), Math.round(width / CROP)] as const;
  const cut = (pixels: Pixels, top: number, left: number, mirrored: boolean) =>
    cutPlain(pixels, { top, left, height, width, mirrored, upsideDown: false });
  const corner =
    (top: 0 | 1, left: 0 | 1, isMirrored: boolean): View =>
    async (image, name) =>
      cut(
        await load(image, name, larger),
        top * (larger[0] - height),
        left * (larger[1] - width),
        isMirrored,
      );
  return [
    whole,
    async (image, name) => cut(await whole(image, name), 0, 0, true),
    corner(0, 0, false),
    corner(0, 1, true),
    corner(1, 0, true),
    corner(1, 1, false),
  ];
}
