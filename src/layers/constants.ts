import * as tf from '@tensorflow/tfjs';

/**
 * What `compute` makes of the tensors, as a constant for gradients. tfjs's comparisons have none, not even zeros, and
 * `tf.where` asks for those of its condition.
 */
export function constantOf(
  compute: (...tensors: tf.Tensor[]) => tf.Tensor,
  ...tensors: tf.Tensor[]
): tf.Tensor {
  // The last argument is tfjs's function for saving tensors.
  const constant = tf.customGrad((...given) => ({
    value: compute(...(given.slice(0, -1) as tf.Tensor[])),
    gradFunc: () => tensors.map(({ shape }) => tf.zeros(shape)),
  }));
  return constant(...tensors);
}

/**
 * True where a number is not 0, as a constant for gradients. Not tf.cast, by which the WASM backend's truth values are the
 * numbers that they were, cut to 8 bits: 0.5 and 256 would be false.
 */
export function truthOf(x: tf.Tensor): tf.Tensor {
  if (x.dtype === 'bool') return x;
  return constantOf((value) => tf.notEqual(value, tf.scalar(0, value.dtype as 'float32')), x);
}

/** `tf.where` whose condition is a constant for gradients. */
export function chosen(
  condition: (...tensors: tf.Tensor[]) => tf.Tensor,
  tensors: tf.Tensor[],
  where: tf.Tensor,
  otherwise: tf.Tensor,
): tf.Tensor {
  return tf.where(constantOf(condition, ...tensors), where, otherwise);
}
