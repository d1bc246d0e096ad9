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

/** Layers without an activation of their own that hand on what they get, or its mean or maximum. */
const passing = new Set([
  'Dropout',
  'Flatten',
  'GlobalAveragePooling2D',
  'GlobalMaxPooling2D',
  'Permute',
  'Reshape',
]);

/** True when the last layer that computes anything ends without an activation, so that its outputs are logits. */
export function endsWithLogits(model: tf.LayersModel): boolean {
  let output = model.outputs[0];
  while (output !== undefined) {
    const layer = output.sourceLayer;
    const nested = (layer as Partial<tf.LayersModel>).outputs;
    if (nested !== undefined) {
      output = nested[0];
      continue;
    }
    const { activation } = layer.getConfig();
    if (activation !== undefined) return activation === 'linear';
    if (!passing.has(layer.getClassName())) return false;
    output = output.inputs[0];
  }
  return false;
}
