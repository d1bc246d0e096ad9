import type * as tf from '@tensorflow/tfjs';

/** Indices of the `count` largest values, largest first; ties by index. */
export function topIndices(values: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: values.length }, (_, index) => index)
    .sort((left, right) => (values[right] as number) - (values[left] as number) || left - right)
    .slice(0, count);
}

/** Softmax of one row, numerically stable. */
export function softmax(logits: Float32Array): Float32Array {
  const largest = logits.reduce((max, value) => Math.max(max, value), -Infinity);
  const exponentials = logits.map((value) => Math.exp(value - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** True when the last layer that computes anything ends without an activation, so that its outputs are logits. */
export function endsWithLogits(model: tf.LayersModel): boolean {
  const config = model.layers.at(-1)?.getConfig();
  return config?.['activation'] === 'linear';
}
