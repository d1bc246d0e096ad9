import { wrongOption } from '../base/checks.ts';
import type { Pixels } from '../base/types.ts';

export interface AugmentOptions {
  /** Mirror half of the pictures. Default true. */
  readonly horizontalFlip?: boolean;
  /** The smallest share of the area that a random crop keeps, above 0, at most 1. Default 0.6. */
  readonly minimumArea?: number;
  /** Brightness and contrast change by up to this share, 0 to 1. Default 0.2. */
  readonly colour?: number;
}

/** @throws UsageError `USAGE_ARGUMENT` */
export function checkAugmentOptions({ minimumArea = 0.6, colour = 0.2 }: AugmentOptions): void {
  if (!(minimumArea > 0 && minimumArea <= 1)) {
    throw wrongOption('augment.minimumArea', minimumArea, 'a number above 0, at most 1');
  }
  if (!(colour >= 0 && colour <= 1)) throw wrongOption('augment.colour', colour, 'a number from 0 to 1');
}

/**
 * One random variant of a picture: a crop of random size and place, mirrored or not, brightness and contrast shifted.
 * The result keeps the crop's size; resize it afterwards.
 *
 * @param random Numbers in [0, 1); always drawn six times, so that a seed means the same whatever the options.
 */
export function augmentPixels(pixels: Pixels, random: () => number, options: AugmentOptions = {}): Pixels {
  const { horizontalFlip = true, minimumArea = 0.6, colour = 0.2 } = options;
  const [areaDraw, xDraw, yDraw, flipDraw, brightnessDraw, contrastDraw] = Array.from(
    { length: 6 },
    random,
  ) as [number, number, number, number, number, number];
  const side = Math.sqrt(minimumArea + (1 - minimumArea) * areaDraw);
  const width = Math.max(1, Math.round(pixels.width * side));
  const height = Math.max(1, Math.round(pixels.height * side));
  const left = Math.floor((pixels.width - width + 1) * xDraw);
  const top = Math.floor((pixels.height - height + 1) * yDraw);
  const mirrored = horizontalFlip && flipDraw < 0.5;
  const tone = toneTable(1 + colour * (2 * brightnessDraw - 1), 1 + colour * (2 * contrastDraw - 1));

  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sourceX = left + (mirrored ? width - 1 - x : x);
      const source = ((top + y) * pixels.width + sourceX) * 3;
      const target = (y * width + x) * 3;
      data[target] = tone[pixels.data[source]!]!;
      data[target + 1] = tone[pixels.data[source + 1]!]!;
      data[target + 2] = tone[pixels.data[source + 2]!]!;
    }
  }
  return { data, width, height };
}

function toneTable(brightness: number, contrast: number): Uint8ClampedArray {
  return Uint8ClampedArray.from(
    { length: 256 },
    (_, value) => (value - 128) * contrast * brightness + 128 * brightness,
  );
}
