import type { Pixels } from '../base/types.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';

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
  const corner =
    (top: number, left: number, isMirrored: boolean): View =>
    async (image, name) => {
      const pixels = await load(image, name, larger);
      const cut = crop(pixels, top * (larger[0] - height), left * (larger[1] - width), height, width);
      return isMirrored ? mirrored(cut) : cut;
    };
  return [
    whole,
    async (image, name) => mirrored(await whole(image, name)),
    corner(0, 0, false),
    corner(0, 1, true),
    corner(1, 0, true),
    corner(1, 1, false),
  ];
}

function crop(pixels: Pixels, top: number, left: number, height: number, width: number): Pixels {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * pixels.width + left) * 3;
    data.set(pixels.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { data, width, height };
}

function mirrored({ data, width, height }: Pixels): Pixels {
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + (width - 1 - x)) * 3;
      turned.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { data: turned, width, height };
}
