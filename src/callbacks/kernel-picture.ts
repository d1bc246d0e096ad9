import type { Pixels } from '../base/types.ts';

/** Tiles in a row. */
const COLUMNS = 16;
/** Larger pictures say nothing. */
const MOST_PIXELS = 2 ** 20;

/**
 * The kernel of a first convolution as tiles, one for each filter: `[height, width, channels, filters]` with 1 or 3 channels;
 * or of a dense layer as one picture. Black is the smallest value, white the largest. Undefined for other tensors.
 */
export function kernelPicture(
  values: ArrayLike<number>,
  shape: readonly number[],
): (Pixels & { readonly channels: 3 }) | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < values.length; at++) {
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
  }
  const level = (at: number) => (high > low ? Math.round((255 * (values[at]! - low)) / (high - low)) : 128);
  if (shape.length === 2) {
    const [height, width] = shape as [number, number];
    if (height * width > MOST_PIXELS) return undefined;
    return paint(width, height, (x, y) => {
      const grey = level(y * width + x);
      return [grey, grey, grey];
    });
  }
  const [rows, columns, channels, filters] = shape as [number, number, number, number];
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || rows * columns === 1) return undefined;
  const across = Math.min(COLUMNS, filters);
  const down = Math.ceil(filters / across);
  const [width, height] = [across * (columns + 1) - 1, down * (rows + 1) - 1];
  if (width * height > MOST_PIXELS) return undefined;
  return paint(width, height, (x, y) => {
    const [tileX, tileY] = [Math.floor(x / (columns + 1)), Math.floor(y / (rows + 1))];
    const [column, row] = [x % (columns + 1), y % (rows + 1)];
    const filter = tileY * across + tileX;
    if (column === columns || row === rows || filter >= filters) return [0, 0, 0];
    const at = (channel: number) => ((row * columns + column) * channels + channel) * filters + filter;
    return channels === 3
      ? [level(at(0)), level(at(1)), level(at(2))]
      : [level(at(0)), level(at(0)), level(at(0))];
  });
}

function paint(
  width: number,
  height: number,
  colourAt: (x: number, y: number) => readonly [number, number, number],
): Pixels & { readonly channels: 3 } {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colourAt(x, y), (y * width + x) * 3);
  }
  return { data, width, height, channels: 3 };
}
