import type { Affine } from './emitter.ts';

const BLOCK = 32;

/**
 * A Keras convolution kernel `[rows, columns, input, output]` as ONNX wants it, `[output, input, rows, columns]`;
 * each output filter is multiplied by its `scale`.
 */
export function outputFirst(kernel: Float32Array, shape: readonly number[], affine?: Affine): Float32Array {
  const [rows, columns, input, output] = shape as [number, number, number, number];
  const window = rows * columns;
  const step = input * output;
  const result = new Float32Array(kernel.length);
  // In blocks, or each number of a large kernel comes from another cache line: 2 to 3.5 times as fast.
  for (let outputs = 0; outputs < output; outputs += BLOCK) {
    for (let inputs = 0; inputs < input; inputs += BLOCK) {
      for (let o = outputs; o < Math.min(outputs + BLOCK, output); o++) {
        const scale = affine?.scale[o] ?? 1;
        for (let i = inputs; i < Math.min(inputs + BLOCK, input); i++) {
          const to = (o * input + i) * window;
          const from = i * output + o;
          for (let position = 0; position < window; position++) {
            result[to + position] = (kernel[from + position * step] as number) * scale;
          }
        }
      }
    }
  }
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

/** `scale * bias + shift`; `undefined` when there is nothing to add. */
export function foldedBias(bias: Float32Array | undefined, affine?: Affine): Float32Array | undefined {
  if (affine === undefined) return bias;
  const { scale, shift } = affine;
  return Float32Array.from(shift, (value, index) => value + (scale[index] as number) * (bias?.[index] ?? 0));
}
