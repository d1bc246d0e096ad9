import type * as tf from '@tensorflow/tfjs';

export interface TensorValues {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** Tensors by name. */
export type Snapshot = Readonly<Record<string, TensorValues>>;

/** Pictures as the trained part of a model reads them. */
export interface TrainingRows {
  /** Class index of each row. */
  readonly labels: readonly number[];
  /**
   * The given rows as the tensors of one batch, the caller's to dispose of.
   *
   * @param random Given in training steps, for what is varied at random.
   */
  batch(rows: readonly number[], random?: () => number): tf.Tensor[];
}

/** What `fit` trains. */
export interface Trainee {
  /** What the trained values belong to; undefined where there is no model around them. */
  readonly model: tf.LayersModel | undefined;
  readonly classes: readonly string[];
  /** What the optimizer changes, always in the same order. */
  readonly variables: readonly tf.Variable[];
  readonly validation: TrainingRows;
  /** The training pictures of an epoch, from 1. */
  rows(epoch: number): Promise<TrainingRows>;
  /** `[batch, classes]`. Gradients pass through it. */
  logProbabilities(inputs: readonly tf.Tensor[], training: boolean): tf.Tensor2D;
  /** What is added to the loss. */
  penalty(): tf.Scalar;
  /** All that training changes and needs to go on. */
  capture(): Snapshot;
  restore(snapshot: Snapshot): void;
  /** Brings the model's own weights up to date. */
  publish(): void;
  dispose(): void;
}
