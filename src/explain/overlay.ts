import { wrongOption } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import { placementOf } from '../images/resize.ts';
import type { GradCam } from './grad-cam.ts';

/** What of a `GradCam` is drawn. */
export type Heatmap = Pick<GradCam, 'heatmap' | 'width' | 'height'> &
  Partial<Pick<GradCam, 'inputSize' | 'resize'>>;

export interface OverlayOptions {
  /** How much of the photo the hottest places cover, 0 to 1; others cover less, in proportion. Default 0.7. */
  readonly alpha?: number;
}

/**
 * "Inferno", whose lightness rises evenly, at nine even steps from 0 to 1.
 *
 * @source matplotlib's colour map of that name, by Smith and van der Walt, CC0
 */
const INFERNO = [
  [0x00, 0x00, 0x04],
  [0x21, 0x0c, 0x4a],
  [0x57, 0x10, 0x6e],
  [0x8a, 0x22, 0x6a],
  [0xbc, 0x37, 0x54],
  [0xe3, 0x59, 0x33],
  [0xf9, 0x8c, 0x0a],
  [0xf9, 0xc9, 0x32],
  [0xfc, 0xff, 0xa4],
] as const;

/**
 * Lays a heat map over a photo, where the network looked: scaled up bilinearly, and placed as the photo was cut or padded
 * for the network. What the network did not see stays as it is.
 *
 * @param pixels The photo at any size, uncut.
 * @param heatmap What `gradCam` gives. A heat map without `inputSize` and `resize` is stretched over the whole photo.
 * @returns New pixels of the photo's size.
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function overlayHeatmap(
  pixels: Pixels,
  heatmap: Heatmap,
  { alpha = 0.7 }: OverlayOptions = {},
): Pixels {
  if (!(alpha >= 0 && alpha <= 1)) throw wrongOption('alpha', alpha, 'a number from 0 to 1');
  const data = pixels.data.slice();
  forEachHeat(pixels, heatmap, (at, heat) => {
    const share = alpha * heat;
    const colour = colourOf(heat);
    for (let channel = 0; channel < 3; channel++) {
      const before = data[at + channel]!;
      data[at + channel] = Math.round(before + share * (colour[channel]! - before));
    }
  });
  return { data, width: pixels.width, height: pixels.height };
}

/**
 * The heat map alone, in colours from black over red to yellow, in the place and size of a photo. What the network did not
 * see is black.
 *
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function drawHeatmap(size: Pick<Pixels, 'width' | 'height'>, heatmap: Heatmap): Pixels {
  const { width, height } = size;
  const data = new Uint8Array(width * height * 3);
  forEachHeat(size, heatmap, (at, heat) => data.set(colourOf(heat), at));
  return { data, width, height };
}

function colourOf(heat: number): [number, number, number] {
  const position = heat * (INFERNO.length - 1);
  const first = Math.min(Math.floor(position), INFERNO.length - 2);
  const share = position - first;
  const between = (channel: 0 | 1 | 2) =>
    Math.round(INFERNO[first]![channel] * (1 - share) + INFERNO[first + 1]![channel] * share);
  return [between(0), between(1), between(2)];
}

/** Calls back with the heat at each pixel that the network saw, and where the pixel is in interleaved RGB. */
function forEachHeat(
  size: Pick<Pixels, 'width' | 'height'>,
  map: Heatmap,
  visit: (at: number, heat: number) => void,
): void {
  checkHeatmap(map);
  const [inputHeight, inputWidth] = map.inputSize ?? [map.height, map.width];
  const placement = placementOf(size, { width: inputWidth, height: inputHeight, ...resizeOf(map) });
  const columns = taps(size.width, placement.scaledWidth, placement.left, inputWidth, map.width);
  const rows = taps(size.height, placement.scaledHeight, placement.top, inputHeight, map.height);
  rows.forEach((row, y) => {
    if (row === undefined) return;
    columns.forEach((column, x) => {
      if (column === undefined) return;
      const heatAt = (line: number) =>
        map.heatmap[line * map.width + column.first]! * (1 - column.share) +
        map.heatmap[line * map.width + column.second]! * column.share;
      const heat = heatAt(row.first) * (1 - row.share) + heatAt(row.second) * row.share;
      visit((y * size.width + x) * 3, Math.min(Math.max(heat, 0), 1));
    });
  });
}

function resizeOf({ resize }: Heatmap): { mode?: GradCam['resize']['mode']; cropFraction?: number } {
  return resize === undefined ? {} : { mode: resize.mode, cropFraction: resize.cropFraction };
}

/** Between which two places of the heat map a pixel lies. */
interface Tap {
  readonly first: number;
  readonly second: number;
  /** Of the second one, 0 to 1. */
  readonly share: number;
}

/** One for each pixel along one side of the photo; undefined where the network did not see it. */
function taps(
  photoSide: number,
  scaledSide: number,
  offset: number,
  inputSide: number,
  mapSide: number,
): (Tap | undefined)[] {
  return Array.from({ length: photoSide }, (_, pixel) => {
    const inInput = ((pixel + 0.5) * scaledSide) / photoSide + offset;
    if (inInput < 0 || inInput > inputSide) return undefined;
    const inMap = Math.min(Math.max((inInput * mapSide) / inputSide - 0.5, 0), mapSide - 1);
    const first = Math.floor(inMap);
    return { first, second: Math.min(first + 1, mapSide - 1), share: inMap - first };
  });
}

function checkHeatmap({ heatmap, width, height }: Heatmap): void {
  if (heatmap instanceof Float32Array && width >= 1 && heatmap.length === width * height) return;
  throw new UsageError('USAGE_ARGUMENT', 'The heat map does not have the size that it says.', {
    given: `${heatmap?.length} numbers for ${width} x ${height}`,
    expected: 'what `gradCam` gives',
    nextStep: 'pass the result of `gradCam`',
  });
}
