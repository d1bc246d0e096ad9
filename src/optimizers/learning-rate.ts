import * as tf from '@tensorflow/tfjs';

interface WithRate {
  learningRate?: number;
  setLearningRate?(rate: number): void;
  /** SGD and Momentum keep the negative rate as a tensor. */
  c?: tf.Tensor;
}

/**
 * The step size of one of tfjs's optimizers.
 *
 * @throws TypeError for an optimizer of another make, without `learningRate`
 */
export function learningRateOf(optimizer: tf.Optimizer): number {
  const { learningRate } = optimizer as unknown as WithRate;
  if (typeof learningRate === 'number') return learningRate;
  throw new TypeError(`the optimizer ${optimizer.getClassName()} has no learningRate`);
}

/** Changes the step size of one of tfjs's optimizers, from its next step on. */
export function setLearningRate(optimizer: tf.Optimizer, rate: number): void {
  const changed = optimizer as unknown as WithRate;
  if (changed.learningRate === rate) return;
  if (changed.c === undefined) {
    changed.learningRate = rate;
    return;
  }
  changed.learningRate = rate;
  changed.c.dispose();
  changed.c = tf.keep(tf.scalar(-rate));
}

/** Frees an optimizer. That of Momentum in tfjs (4.22) keeps the tensor of its rate. */
export function disposeOptimizer(optimizer: tf.Optimizer): void {
  optimizer.dispose();
  (optimizer as unknown as WithRate).c?.dispose();
}
