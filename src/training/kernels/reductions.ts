import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Kernel, KernelArguments } from './wasm-kernel.ts';
import { originalKernel } from './wasm-kernel.ts';

/** As many numbers are summed fast enough as they are. */
const WORTH_IT = 4096;

/**
 * Sums and means along the first axes, as BatchNormalization and biases need them: the WASM backend turns the whole tensor
 * around for them, a product with a row of ones takes a tenth of the time.
 */
export function reductionKernels(): [string, Kernel][] {
  return ['Sum', 'Mean'].map((name) => {
    const original = originalKernel(name);
    return [name, (call: KernelArguments) => alongLeadingAxes(call, name === 'Mean') ?? original(call)];
  });
}

function alongLeadingAxes({ inputs, attrs }: KernelArguments, mean: boolean): TensorInfo | undefined {
  const { x } = inputs as { x: Tensor };
  const { axis, keepDims } = attrs as unknown as { axis?: number | number[]; keepDims?: boolean };
  if (x.dtype !== 'float32' || x.size < WORTH_IT) return undefined;
  const axes = tf.util.parseAxisParam(axis as number[], x.shape).sort((a, b) => a - b);
  const isLeading = axes.length > 0 && axes.length < x.rank && axes.every((each, index) => each === index);
  if (!isLeading) return undefined;
  const kept = x.shape.slice(axes.length);
  const columns = kept.reduce((product, size) => product * size, 1);
  const rows = x.size / columns;
  return tf.tidy(() => {
    const weights = tf.fill([1, rows], mean ? 1 / rows : 1);
    const sums = tf.matMul(weights, tf.reshape<tf.Rank.R2>(x, [rows, columns]));
    return tf.reshape(sums, [...(keepDims === true ? axes.map(() => 1) : []), ...kept]);
  });
}
