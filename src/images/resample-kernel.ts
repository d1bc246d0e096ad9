import type { ResizeFilter } from './resize-options.ts';

/** Bits behind the binary point of a coefficient: 32 less 8 of the pixel less 2 of head room, as in Pillow. */
export const PRECISION_BITS = 22;

/** For each output position: where its window starts, how long it is, and its fixed-point coefficients. */
export interface ResampleKernel {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `stride` coefficients for each output position, in units of 2^-22; unused ones are 0. */
  readonly coefficients: Int32Array;
  readonly stride: number;
}

interface FilterFunction {
  /** Half the filter's width, in source pixels when the size does not shrink. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

function triangle(x: number): number {
  const distance = Math.abs(x);
  return distance < 1 ? 1 - distance : 0;
}

function keysCubic(x: number): number {
  const a = -0.5;
  const distance = Math.abs(x);
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function lanczos3(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

const FILTERS: Record<Exclude<ResizeFilter, 'nearest'>, FilterFunction> = {
  bilinear: { support: 1, weight: triangle },
  bicubic: { support: 2, weight: keysCubic },
  lanczos3: { support: 3, weight: lanczos3 },
};

/** Kernels that are kept: photos of a folder have few sizes, and making one takes as long as half of its use. */
const KEPT = 64;
const kept = new Map<string, ResampleKernel>();

/** `makeResampleKernel`, kept for the next picture of the size. */
export function resampleKernel(
  ...given: readonly [
    inputSize: number,
    outputSize: number,
    offset: number,
    length: number,
    filter: Exclude<ResizeFilter, 'nearest'>,
  ]
): ResampleKernel {
  const key = given.join(' ');
  const kernel = kept.get(key) ?? makeResampleKernel(...given);
  kept.delete(key);
  kept.set(key, kernel);
  const [oldest] = kept.keys();
  if (kept.size > KEPT) kept.delete(oldest!);
  return kernel;
}

/**
 * Coefficients that take `inputSize` samples to `outputSize`, of which only `length` from `offset` on are computed.
 * When shrinking, the filter is widened by the scale, which is what antialiases.
 */
function makeResampleKernel(
  inputSize: number,
  outputSize: number,
  offset: number,
  length: number,
  filter: Exclude<ResizeFilter, 'nearest'>,
): ResampleKernel {
  const { support: unitSupport, weight } = FILTERS[filter];
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = unitSupport * filterScale;
  const inverseScale = 1 / filterScale;
  const stride = Math.ceil(support) * 2 + 1;

  const starts = new Int32Array(length);
  const lengths = new Int32Array(length);
  const coefficients = new Int32Array(length * stride);
  const window = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const center = (i + offset + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const taps = Math.min(Math.trunc(center + support + 0.5), inputSize) - start;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const w = weight((t + start - center + 0.5) * inverseScale);
      window[t] = w;
      sum += w;
    }
    for (let t = 0; t < taps; t++) {
      const normalised = (sum === 0 ? window[t]! : window[t]! / sum) * 2 ** PRECISION_BITS;
      coefficients[i * stride + t] = Math.trunc(normalised + (normalised < 0 ? -0.5 : 0.5));
    }
    starts[i] = start;
    lengths[i] = taps;
  }
  return { starts, lengths, coefficients, stride };
}

/** Source index of each of `length` output positions from `offset` on, for the nearest neighbour. */
export function nearestIndices(
  inputSize: number,
  outputSize: number,
  offset: number,
  length: number,
): Int32Array {
  const indices = new Int32Array(length);
  const step = inputSize / outputSize;
  // Positions are summed, not multiplied: rounding then falls as it does in Pillow.
  let position = step * 0.5;
  for (let i = 0; i < offset + length; i++) {
    if (i >= offset) indices[i - offset] = Math.min(Math.trunc(position), inputSize - 1);
    position += step;
  }
  return indices;
}
