import * as tf from '@tensorflow/tfjs';

/** Keras's `clipnorm`, `global_clipnorm` and `clipvalue`. */
export interface ClipOptions {
  /** Largest Euclidean norm of the gradient of each variable. */
  readonly clipNorm?: number;
  /** Largest Euclidean norm of all gradients together. */
  readonly globalClipNorm?: number;
  /** Largest absolute value of each number. */
  readonly clipValue?: number;
}

/** Gradients cut to size, in the same order. Call it within `tf.tidy`. */
export function clipGradients(
  gradients: readonly tf.Tensor[],
  { clipNorm, globalClipNorm, clipValue }: ClipOptions,
): tf.Tensor[] {
  let clipped = [...gradients];
  if (clipNorm !== undefined)
    clipped = clipped.map((gradient) => shrink(gradient, tf.norm(gradient), clipNorm));
  if (globalClipNorm !== undefined) {
    const squares = clipped.map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN(squares));
    clipped = clipped.map((gradient) => shrink(gradient, norm, globalClipNorm));
  }
  if (clipValue !== undefined) {
    clipped = clipped.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
  }
  return clipped;
}

/** Divided by what `norm` is too large. */
function shrink(gradient: tf.Tensor, norm: tf.Tensor, limit: number): tf.Tensor {
  return tf.mul(gradient, tf.div(limit, tf.maximum(norm, limit)));
}
