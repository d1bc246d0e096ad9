import type { Affine } from './emitter.ts';

/**
 * A Keras convolution kernel `[rows, columns, input, output]` as ONNX wants it, `[output, input, rows, columns]`;
 * each output filter is multiplied by its `scale`.
 */
export function outputFirst(kernel: Float32Array, shape: readonly number[], affine?: Affine): Float32Array {
  const [rows, columns, input, output] = shape as [number, number, number, number];
  const window = rows * columns;
  const result = new Float32Array(kernel.length);
  for (let position = 0; position < window; position++) {
    for (let i = 0; i < input; i++) {
      const from = (position * input + i) * output;
      for (let o = 0; o < output; o++) {
        result[(o * input + i) * window + position] = kernel[from + o] as number;
      }
    }
  }
  if (affine !== undefined) scaleRows(result, affine.scale);
  return result;
}

/** A depthwise kernel `[rows, columns, channels, multiplier]` as `[channels * multiplier, 1, rows, columns]`. */
export function depthwiseFirst(
  kernel: Float32Array,
  shape: readonly number[],
  affine?: Affine,
): Float32Array {
  const [rows, columns, channels, multiplier] = shape as [number, number, number, number];
  return outputFirst(kernel, [rows, columns, 1, channels * multiplier], affine);
}

/**
 * A transposed convolution's kernel `[rows, columns, output, input]` as `[input, output, rows, columns]`; each
 * output filter is multiplied by its `scale`.
 */
export function inputFirst(kernel: Float32Array, shape: readonly number[], affine?: Affine): Float32Array {
  const [rows, columns, output] = shape as [number, number, number, number];
  const result = outputFirst(kernel, shape);
  if (affine === undefined) return result;
  const window = rows * columns;
  for (let index = 0; index < result.length; index++) {
    const filter = Math.floor(index / window) % output;
    result[index] = (result[index] as number) * (affine.scale[filter] as number);
  }
  return result;
}

/** A dense kernel `[input, units]`, each column multiplied by its `scale`. */
export function scaleColumns(kernel: Float32Array, units: number, affine?: Affine): Float32Array {
  if (affine === undefined) return kernel;
  return kernel.map((weight, index) => weight * (affine.scale[index % units] as number));
}

function scaleRows(weights: Float32Array, scale: Float64Array): void {
  const length = weights.length / scale.length;
  for (let index = 0; index < weights.length; index++) {
    weights[index] = (weights[index] as number) * (scale[Math.floor(index / length)] as number);
  }
}

/** `scale * bias + shift`; `undefined` when there is nothing to add. */
export function foldedBias(bias: Float32Array | undefined, affine?: Affine): Float32Array | undefined {
  if (affine === undefined) return bias;
  const { scale, shift } = affine;
  return Float32Array.from(shift, (value, index) => value + (scale[index] as number) * (bias?.[index] ?? 0));
}
