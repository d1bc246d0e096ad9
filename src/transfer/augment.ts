import { wrongOption } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import { colourMatrix, eraseRectangle, recolour, toneTable } from './augment-colours.ts';
import { cutPlain, cutTurned } from './augment-geometry.ts';

export interface AugmentOptions {
  /** Mirror half of the pictures, left to right. Default true. */
  readonly horizontalFlip?: boolean;
  /** Turn half of the pictures upside down. Default false. */
  readonly verticalFlip?: boolean;
  /** The smallest share of the area that a random crop keeps, above 0, at most 1. Default 0.6. */
  readonly minimumArea?: number;
  /**
   * The crop's aspect ratio is the picture's, times a random number between these two, above 0. A crop does not reach
   * beyond the picture. Default `[1, 1]`: the picture's own.
   */
  readonly ratio?: readonly [least: number, most: number];
  /** Pictures are turned by up to so many degrees either way, 0 to 180; what lies beyond an edge is mirrored. Default 0. */
  readonly rotation?: number;
  /** Brightness and contrast change by up to this share, 0 to 1. Default 0.2. */
  readonly colour?: number;
  /** Brightness changes by up to this share, 0 to 1. Default: `colour`. */
  readonly brightness?: number;
  /** Contrast changes by up to this share, 0 to 1. Default: `colour`. */
  readonly contrast?: number;
  /** Saturation changes by up to this share, 0 to 1. Default 0. */
  readonly saturation?: number;
  /** Hues turn by up to this share of the colour circle either way, 0 to 0.5. Default 0. */
  readonly hue?: number;
  /** One rectangle of up to this share of the crop is filled with the crop's mean colour, 0 to 1. Default 0. */
  readonly cutout?: number;
}

const legal: Record<keyof AugmentOptions, readonly [check: (value: never) => boolean, expected: string]> = {
  horizontalFlip: [isBoolean, 'true or false'],
  verticalFlip: [isBoolean, 'true or false'],
  minimumArea: [(value: number) => value > 0 && value <= 1, 'a number above 0, at most 1'],
  ratio: [isRatio, 'two numbers above 0, the smaller first'],
  rotation: [isBetween(180), 'a number from 0 to 180'],
  colour: [isBetween(1), 'a number from 0 to 1'],
  brightness: [isBetween(1), 'a number from 0 to 1'],
  contrast: [isBetween(1), 'a number from 0 to 1'],
  saturation: [isBetween(1), 'a number from 0 to 1'],
  hue: [isBetween(0.5), 'a number from 0 to 0.5'],
  cutout: [isBetween(1), 'a number from 0 to 1'],
};

/** @throws UsageError `USAGE_ARGUMENT` for a value out of range, `USAGE_OPTION` for an option that there is not */
export function checkAugmentOptions(options: AugmentOptions): void {
  for (const [name, value] of Object.entries(options) as [keyof AugmentOptions, unknown][]) {
    if (!Object.hasOwn(legal, name)) {
      throw new UsageError('USAGE_OPTION', `augment has no option ${name}.`, {
        given: `augment.${name}`,
        expected: Object.keys(legal).join(', '),
        nextStep: 'check the spelling',
      });
    }
    const [check, expected] = legal[name];
    if (value !== undefined && !check(value as never)) throw wrongOption(`augment.${name}`, value, expected);
  }
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isBetween(most: number) {
  return (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= most;
}

function isRatio(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [least, most] = value as unknown[];
  return (
    typeof least === 'number' && typeof most === 'number' && least > 0 && least <= most && most < Infinity
  );
}

/**
 * One random variant of a picture: a crop of random size, place and shape, turned and mirrored or not, its colours
 * shifted, a rectangle of it blotted out. The result keeps the crop's size; resize it afterwards.
 *
 * @param random Numbers in [0, 1); always drawn fifteen times, so that a seed means the same whatever the options.
 */
export function augmentPixels(pixels: Pixels, random: () => number, options: AugmentOptions = {}): Pixels {
  const { horizontalFlip = true, verticalFlip = false, minimumArea = 0.6, colour = 0.2 } = options;
  const { ratio = [1, 1], rotation = 0, saturation = 0, hue = 0, cutout = 0 } = options;
  const { brightness = colour, contrast = colour } = options;
  const draws = Array.from({ length: 15 }, random);
  const draw = (place: number) => draws[place]!;
  /** From -most to most. */
  const signed = (most: number, place: number) => most * (2 * draw(place) - 1);

  const side = Math.sqrt(minimumArea + (1 - minimumArea) * draw(0));
  // As the square root, so that the area stays.
  const shape = Math.sqrt(ratio[0] * (ratio[1] / ratio[0]) ** draw(7));
  const width = clampSide(pixels.width * side * shape, pixels.width);
  const height = clampSide((pixels.height * side) / shape, pixels.height);
  const crop = {
    width,
    height,
    left: Math.floor((pixels.width - width + 1) * draw(1)),
    top: Math.floor((pixels.height - height + 1) * draw(2)),
    mirrored: horizontalFlip && draw(3) < 0.5,
    upsideDown: verticalFlip && draw(6) < 0.5,
  };
  const angle = (signed(rotation, 8) * Math.PI) / 180;
  const varied = angle === 0 ? cutPlain(pixels, crop) : cutTurned(pixels, crop, angle);

  const tone = toneTable(1 + signed(brightness, 4), 1 + signed(contrast, 5));
  const matrix =
    saturation === 0 && hue === 0
      ? undefined
      : colourMatrix(1 + signed(saturation, 9), 2 * Math.PI * signed(hue, 10));
  recolour(varied.data, tone, matrix);
  if (cutout > 0) {
    const area = cutout * draw(11);
    eraseRectangle(varied, { area, aspect: 2 ** (2 * draw(12) - 1), x: draw(13), y: draw(14) });
  }
  return varied;
}

function clampSide(side: number, most: number): number {
  return Math.min(most, Math.max(1, Math.round(side)));
}
