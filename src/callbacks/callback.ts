import * as tf from '@tensorflow/tfjs';

export interface WeightsSnapshot {
  readonly tensors: Readonly<Record<string, { shape: readonly number[]; values: Float32Array }>>;
}

export interface CallbackState {
  /** Anything that JSON holds. */
  readonly json: unknown;
  readonly tensors?: Readonly<Record<string, { shape: readonly number[]; values: Float32Array }>>;
}

/** A training, as callbacks see it and act on it. */
export interface TrainingContext {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  getLearningRate(): number;
  setLearningRate(rate: number): void;
  /** Ends training behind the epoch that runs. */
  stopTraining(): void;
  /** Copies of all trained values. */
  captureWeights(): Promise<WeightsSnapshot>;
  restoreWeights(snapshot: WeightsSnapshot): Promise<void>;
  /** Brings the model's weights up to date where training works on copies of some. Before it is saved or looked at. */
  publish(): Promise<void>;
}

/**
 * Base of the callbacks of this package: one of tfjs's for `model.fit`, with what `Learner` and `fineTune` give beyond it.
 * Epochs and batches count from 0; logs hold `loss`, `accuracy`, `val_loss`, `val_accuracy`.
 */
export abstract class Callback extends tf.Callback {
  protected context: TrainingContext | undefined;

  /** Called before `onTrainBegin` by trainings of this package, not by `model.fit`. */
  setContext(context: TrainingContext): void {
    this.context = context;
  }

  /** What a resumed training needs to go on as if it had not been interrupted. */
  getState?(): CallbackState | undefined;
  setState?(state: CallbackState): void;
}
