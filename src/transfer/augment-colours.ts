import type { Pixels } from '../base/types.ts';

/** What becomes of each value 0 to 255. */
export function toneTable(brightness: number, contrast: number): Uint8ClampedArray {
  return Uint8ClampedArray.from(
    { length: 256 },
    (_, value) => (value - 128) * contrast * brightness + 128 * brightness,
  );
}

/** Luma of sRGB (Rec. 601), as in Pillow's grey. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Turns hues about the grey axis and stretches colours away from their grey; 9 numbers, row by row. Greys stay as they
 * are.
 *
 * @param hue In radians.
 */
export function colourMatrix(saturation: number, hue: number): Float64Array {
  const cosine = Math.cos(hue);
  const third = (1 - cosine) / 3;
  const root = Math.sin(hue) / Math.sqrt(3);
  const turn = [
    [cosine + third, third - root, third + root],
    [third + root, cosine + third, third - root],
    [third - root, third + root, cosine + third],
  ] as const;
  const matrix = new Float64Array(9);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      const grey = LUMA[0] * turn[0][column]! + LUMA[1] * turn[1][column]! + LUMA[2] * turn[2][column]!;
      matrix[row * 3 + column] = saturation * turn[row]![column]! + (1 - saturation) * grey;
    }
  }
  return matrix;
}

/** Changes RGB in place: each value by the table, then each pixel by the matrix. */
export function recolour(data: Uint8Array, tone: Uint8ClampedArray, matrix?: Float64Array): void {
  for (let at = 0; at < data.length; at++) data[at] = tone[data[at]!]!;
  if (matrix === undefined) return;
  const mixed = new Uint8ClampedArray(3);
  for (let at = 0; at < data.length; at += 3) {
    const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
    for (let channel = 0; channel < 3; channel++) {
      const row = channel * 3;
      mixed[channel] = matrix[row]! * red + matrix[row + 1]! * green + matrix[row + 2]! * blue;
    }
    data.set(mixed, at);
  }
}

/** Fills a rectangle with the picture's mean colour, in place. */
export function eraseRectangle(
  { data, width, height }: Pixels,
  { area, aspect, x, y }: { area: number; aspect: number; x: number; y: number },
): void {
  const across = Math.min(width, Math.round(width * Math.sqrt(area * aspect)));
  const down = Math.min(height, Math.round(height * Math.sqrt(area / aspect)));
  if (across === 0 || down === 0) return;
  const sums = [0, 0, 0];
  data.forEach((value, at) => (sums[at % 3]! += value));
  const mean = Uint8Array.from(sums, (sum) => Math.round(sum / (width * height)));
  const left = Math.floor((width - across + 1) * x);
  const top = Math.floor((height - down + 1) * y);
  for (let row = top; row < top + down; row++) {
    for (let column = left; column < left + across; column++) data.set(mean, (row * width + column) * 3);
  }
}
