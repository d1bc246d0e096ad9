import { UsageError } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import { PRECISION_BITS, nearestIndices, resampleKernel, type ResampleKernel } from './resample-kernel.ts';
import { resampleColumnsFirst, resampleRowsFirst } from './resample-wasm.ts';
import type { ResizeFilter, ResizeOptions } from './resize-options.ts';

const FILTERS: readonly ResizeFilter[] = ['nearest', 'bilinear', 'bicubic', 'lanczos3'];
const MODES = ['fill', 'cover', 'contain'] as const;
const HALF = 1 << (PRECISION_BITS - 1);

type Size = Pick<Pixels, 'width' | 'height'>;

/** What the picture is scaled to, and the part of it that is kept. */
interface Plan {
  readonly scaledWidth: number;
  readonly scaledHeight: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Resizes 8-bit RGB as Pillow's `Image.resize` does: separable filters with antialiasing when shrinking,
 * 22-bit fixed-point coefficients, 8 bits between the passes. The horizontal pass comes first, unless the height
 * shrinks by more than twice the pixels that the width does: Pillow 13's rule. Earlier Pillows always took the
 * horizontal pass first, and differ there where a bicubic or Lanczos filter overshoots.
 *
 * - `fill` is `image.resize((width, height))`, Keras's way; with a `cropFraction` the picture is stretched to
 *   `floor(width / cropFraction)` x `floor(height / cropFraction)` and the centre is cut out, Caffe's way.
 * - `cover` is torchvision's `Resize(shorter side)` and `CenterCrop`: the picture is scaled so that it just covers
 *   `floor(width / cropFraction)` x `floor(height / cropFraction)`, the free side rounded down; the crop starts at
 *   half of what is left over, a half rounded to the even number. What is cut away is never computed.
 * - `contain` is Pillow's `ImageOps.pad`: the free side is rounded to the nearest, the picture is centred.
 *
 * The result shares no memory with `pixels`, unless nothing is to be done: then it is `pixels`.
 *
 * @throws UsageError `USAGE_OPTION` for a size, mode, filter, crop fraction or background out of range
 */
export function resizePixels(pixels: Pixels, options: ResizeOptions): Pixels {
  return resizeBy(pixels, options, true);
}

/** `resizePixels` in WebAssembly where that can be had, or in JavaScript, which takes six times as long for the same. */
export function resizeBy(pixels: Pixels, options: ResizeOptions, inWasm: boolean): Pixels {
  checkResizeOptions(options);
  const { width, height, mode = 'fill', filter = 'bilinear', cropFraction = 1 } = options;
  switch (mode) {
    case 'fill':
      return resample(pixels, planFill(width, height, cropFraction), filter, inWasm);
    case 'cover':
      return resample(pixels, planCover(pixels, width, height, cropFraction), filter, inWasm);
    case 'contain': {
      const fitted = containSize(pixels, width, height);
      const scaled = resample(pixels, planFill(fitted.width, fitted.height, 1), filter, inWasm);
      return pad(scaled, width, height, options.background ?? [0, 0, 0]);
    }
  }
}

/** Where a whole picture comes to lie: what it is scaled to, and where its upper left corner is in the target, in pixels. */
export interface Placement {
  readonly scaledWidth: number;
  readonly scaledHeight: number;
  /** Negative where a part is cut away. */
  readonly left: number;
  readonly top: number;
}

/** How `resizePixels` places a picture of this size. @throws as `resizePixels` */
export function placementOf(size: Size, options: Omit<ResizeOptions, 'filter' | 'background'>): Placement {
  checkResizeOptions(options);
  const { width, height, mode = 'fill', cropFraction = 1 } = options;
  if (mode === 'contain') {
    const fitted = containSize(size, width, height);
    return {
      scaledWidth: fitted.width,
      scaledHeight: fitted.height,
      left: roundHalfToEven((width - fitted.width) / 2),
      top: roundHalfToEven((height - fitted.height) / 2),
    };
  }
  const plan =
    mode === 'fill' ? planFill(width, height, cropFraction) : planCover(size, width, height, cropFraction);
  const { scaledWidth, scaledHeight } = plan;
  return { scaledWidth, scaledHeight, left: -plan.left, top: -plan.top };
}

/** @throws UsageError `USAGE_OPTION` when an option is out of range */
export function checkResizeOptions(options: ResizeOptions): void {
  const { width, height, mode = 'fill', filter = 'bilinear', cropFraction = 1, background } = options;
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1 || value > 65535) {
      refuse(name, value, 'a whole number of pixels from 1 to 65535');
    }
  }
  if (!MODES.includes(mode)) refuse('mode', mode, MODES.join(', '));
  if (!FILTERS.includes(filter)) refuse('filter', filter, FILTERS.join(', '));
  if (!(cropFraction > 0 && cropFraction <= 1))
    refuse('cropFraction', cropFraction, 'a number above 0, at most 1');
  if (background !== undefined) {
    const valid =
      background.length === 3 && background.every((v) => Number.isInteger(v) && v >= 0 && v <= 255);
    if (!valid) refuse('background', background, 'three whole numbers from 0 to 255: [red, green, blue]');
  }
}

function refuse(option: string, given: unknown, expected: string): never {
  throw new UsageError('USAGE_OPTION', `The resize option ${option} is out of range.`, {
    given: `${option}: ${JSON.stringify(given) ?? String(given)}`,
    expected,
    nextStep: `pass a valid ${option}, or leave it out where it has a default`,
  });
}

function planFill(width: number, height: number, cropFraction: number): Plan {
  const scaledWidth = beforeCrop(width, cropFraction);
  const scaledHeight = beforeCrop(height, cropFraction);
  return centred(scaledWidth, scaledHeight, width, height);
}

function planCover(pixels: Size, width: number, height: number, cropFraction: number): Plan {
  const coverWidth = beforeCrop(width, cropFraction);
  const coverHeight = beforeCrop(height, cropFraction);
  const widthDecides = coverWidth * pixels.height >= coverHeight * pixels.width;
  const scaledWidth = widthDecides
    ? coverWidth
    : Math.max(Math.floor((coverHeight * pixels.width) / pixels.height), coverWidth);
  const scaledHeight = widthDecides
    ? Math.max(Math.floor((coverWidth * pixels.height) / pixels.width), coverHeight)
    : coverHeight;
  return centred(scaledWidth, scaledHeight, width, height);
}

/** The side from which `side` is cut. The tiny addend undoes the rounding of fractions such as 227 / 256. */
function beforeCrop(side: number, cropFraction: number): number {
  return Math.floor(side / cropFraction + 1e-6);
}

function centred(scaledWidth: number, scaledHeight: number, width: number, height: number): Plan {
  const left = roundHalfToEven((scaledWidth - width) / 2);
  const top = roundHalfToEven((scaledHeight - height) / 2);
  return { scaledWidth, scaledHeight, left, top, width, height };
}

function containSize(pixels: Size, width: number, height: number): { width: number; height: number } {
  const ratio = pixels.width / pixels.height;
  const targetRatio = width / height;
  if (ratio > targetRatio) {
    return { width, height: Math.max(roundHalfToEven((pixels.height / pixels.width) * width), 1) };
  }
  if (ratio < targetRatio) {
    return { width: Math.max(roundHalfToEven((pixels.width / pixels.height) * height), 1), height };
  }
  return { width, height };
}

function pad(
  scaled: Pixels,
  width: number,
  height: number,
  background: readonly [number, number, number],
): Pixels {
  if (scaled.width === width && scaled.height === height) return scaled;
  const data = new Uint8Array(width * height * 3);
  if (background.some((value) => value !== 0)) {
    for (let i = 0; i < data.length; i += 3) data.set(background, i);
  }
  const left = roundHalfToEven((width - scaled.width) / 2);
  const top = roundHalfToEven((height - scaled.height) / 2);
  const rowBytes = scaled.width * 3;
  for (let y = 0; y < scaled.height; y++) {
    data.set(scaled.data.subarray(y * rowBytes, (y + 1) * rowBytes), ((y + top) * width + left) * 3);
  }
  return { data, width, height };
}

/** Python's `round`, which torchvision and Pillow use to place a crop. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function resample(pixels: Pixels, plan: Plan, filter: ResizeFilter, inWasm: boolean): Pixels {
  const { scaledWidth, scaledHeight, left, top, width, height } = plan;
  const keepsColumns = scaledWidth === pixels.width && width === pixels.width;
  const keepsRows = scaledHeight === pixels.height && height === pixels.height;
  if (keepsColumns && keepsRows) return pixels;
  if (filter === 'nearest') {
    const columns = nearestIndices(pixels.width, scaledWidth, left, width);
    return pick(pixels, columns, nearestIndices(pixels.height, scaledHeight, top, height));
  }
  const vertical = keepsRows ? undefined : resampleKernel(pixels.height, scaledHeight, top, height, filter);
  const horizontal = keepsColumns
    ? undefined
    : resampleKernel(pixels.width, scaledWidth, left, width, filter);
  // Pillow 13's rule: what loses far more rows than columns loses the rows first.
  const lostRows = pixels.height - scaledHeight;
  if (lostRows > 0 && lostRows > (pixels.width - scaledWidth) * 2) {
    const fast = inWasm ? resampleColumnsFirst(pixels, horizontal, vertical!) : undefined;
    if (fast !== undefined) return { data: fast, width, height };
    const columns = resampleColumns(pixels.data, pixels.width * 3, vertical!, 0);
    if (horizontal === undefined) return { data: columns, width, height };
    const between = { data: columns, width: pixels.width, height };
    return { data: resampleRows(between, horizontal, 0, height), width, height };
  }
  const firstRow = vertical === undefined ? 0 : vertical.starts[0]!;
  const endRow =
    vertical === undefined ? pixels.height : vertical.starts[height - 1]! + vertical.lengths[height - 1]!;
  const fast = inWasm ? resampleRowsFirst(pixels, [firstRow, endRow], horizontal, vertical) : undefined;
  if (fast !== undefined) return { data: fast, width, height };
  const rows =
    horizontal === undefined
      ? pixels.data.subarray(firstRow * width * 3, endRow * width * 3)
      : resampleRows(pixels, horizontal, firstRow, endRow);
  const data = vertical === undefined ? rows : resampleColumns(rows, width * 3, vertical, firstRow);
  return { data, width, height };
}

function pick(pixels: Pixels, columns: Int32Array, rows: Int32Array): Pixels {
  const width = columns.length;
  const source = pixels.data;
  const data = new Uint8Array(width * rows.length * 3);
  let to = 0;
  for (const row of rows) {
    const base = row * pixels.width;
    for (let x = 0; x < width; x++, to += 3) {
      const from = (base + columns[x]!) * 3;
      data[to] = source[from]!;
      data[to + 1] = source[from + 1]!;
      data[to + 2] = source[from + 2]!;
    }
  }
  return { data, width, height: rows.length };
}

/** Horizontal pass over the source rows from `firstRow` up to `endRow`. */
function resampleRows(pixels: Pixels, kernel: ResampleKernel, firstRow: number, endRow: number): Uint8Array {
  const { starts, lengths, coefficients, stride } = kernel;
  const width = starts.length;
  const source = pixels.data;
  // Clamped stores do the clipping to 0..255.
  const out = new Uint8ClampedArray(width * (endRow - firstRow) * 3);
  let to = 0;
  for (let y = firstRow; y < endRow; y++) {
    const base = y * pixels.width;
    for (let x = 0; x < width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = (base + starts[x]!) * 3;
      const first = x * stride;
      const end = first + lengths[x]!;
      for (let t = first; t < end; t++) {
        const c = coefficients[t]!;
        red = (red + Math.imul(source[from]!, c)) | 0;
        green = (green + Math.imul(source[from + 1]!, c)) | 0;
        blue = (blue + Math.imul(source[from + 2]!, c)) | 0;
        from += 3;
      }
      out[to] = red >> PRECISION_BITS;
      out[to + 1] = green >> PRECISION_BITS;
      out[to + 2] = blue >> PRECISION_BITS;
      to += 3;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Vertical pass; `rows` starts at source row `firstRow`. */
function resampleColumns(
  rows: Uint8Array,
  rowBytes: number,
  kernel: ResampleKernel,
  firstRow: number,
): Uint8Array {
  const { starts, lengths, coefficients, stride } = kernel;
  const height = starts.length;
  const out = new Uint8ClampedArray(rowBytes * height);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const first = y * stride;
    const taps = lengths[y]!;
    const base = (starts[y]! - firstRow) * rowBytes;
    sums.fill(HALF);
    const to = y * rowBytes;
    // Four source rows at a time: a pass over `sums` for each row would cost twice as much.
    for (let t = 0; t < taps; t += 4) {
      const a = base + t * rowBytes;
      // Rows beyond the window count zero times; they are read where there surely is one.
      const b = t + 1 < taps ? a + rowBytes : a;
      const c = t + 2 < taps ? a + 2 * rowBytes : a;
      const d = t + 3 < taps ? a + 3 * rowBytes : a;
      const wa = coefficients[first + t]!;
      const wb = t + 1 < taps ? coefficients[first + t + 1]! : 0;
      const wc = t + 2 < taps ? coefficients[first + t + 2]! : 0;
      const wd = t + 3 < taps ? coefficients[first + t + 3]! : 0;
      const isLast = t + 4 >= taps;
      for (let x = 0; x < rowBytes; x++) {
        const near = Math.imul(rows[a + x]!, wa) + Math.imul(rows[b + x]!, wb);
        const far = Math.imul(rows[c + x]!, wc) + Math.imul(rows[d + x]!, wd);
        const sum = (sums[x]! + near + far) | 0;
        if (isLast) out[to + x] = sum >> PRECISION_BITS;
        else sums[x] = sum;
      }
    }
  }
  return new Uint8Array(out.buffer);
}
