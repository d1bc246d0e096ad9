import * as tf from '@tensorflow/tfjs';
import { learningRateOf, setLearningRate } from '../optimizers/learning-rate.ts';

/** Tensors by name, row-major. */
export type TensorRecord = Readonly<Record<string, { shape: readonly number[]; values: Float32Array }>>;

export interface WeightsSnapshot {
  readonly tensors: TensorRecord;
}

export interface CallbackState {
  /** Anything that JSON holds. */
  readonly json: unknown;
  readonly tensors?: TensorRecord;
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

/** What callbacks are told: `loss`, `accuracy`, `val_loss`, `val_accuracy` and what else is measured. */
export type Logs = Readonly<Record<string, number>>;

/**
 * Base of the callbacks of this package: one of tfjs's, for `model.fit`, with what `Learner` and `fineTune` give beyond it.
 * Epochs and batches count from 0. Override `onTrainBegin`, `onTrainEnd`, `onEpochBegin`, `onEpochEnd`, `onBatchBegin`,
 * `onBatchEnd`.
 */
export abstract class Callback extends tf.Callback {
  #context: TrainingContext | undefined;

  /** Called before `onTrainBegin` by trainings of this package, not by `model.fit`. */
  setContext(context: TrainingContext): void {
    this.#context = context;
  }

  /** The training that runs. */
  protected get context(): TrainingContext {
    return this.#context ?? contextOfModel(this.model);
  }

  /** Epochs of earlier stages of the same training; 0 in `model.fit`. */
  protected get initialEpoch(): number {
    return Number((this.params as tf.serialization.ConfigDict | undefined)?.['initialEpoch'] ?? 0);
  }

  /** What a resumed training needs to go on as if it had not been interrupted. */
  getState?(): CallbackState | undefined;
  /** Called behind `onTrainBegin`. */
  setState?(state: CallbackState): void | Promise<void>;
}

/** Of `model.fit`. */
function contextOfModel(model: tf.LayersModel): TrainingContext {
  const { optimizer } = model;
  return {
    model,
    optimizer,
    getLearningRate: () => learningRateOf(optimizer),
    setLearningRate: (rate) => setLearningRate(optimizer, rate),
    stopTraining: () => (model.stopTraining = true),
    captureWeights: async () => ({
      tensors: Object.fromEntries(
        await Promise.all(
          model.getWeights().map(async (weight, index) => {
            const values = Float32Array.from(await weight.data());
            return [String(index), { shape: weight.shape, values }] as const;
          }),
        ),
      ),
    }),
    restoreWeights: ({ tensors }) => {
      tf.tidy(() =>
        model.setWeights(
          model.getWeights().map((_, index) => {
            const { values, shape } = tensors[String(index)]!;
            return tf.tensor(values, [...shape]);
          }),
        ),
      );
      return Promise.resolve();
    },
    publish: () => Promise.resolve(),
  };
}

/** What was measured, of what a hook was given, by Keras's names: tfjs says `acc` for `accuracy`. */
export function numbersOf(logs: tf.Logs | undefined): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, given] of Object.entries((logs ?? {}) as Record<string, unknown>)) {
    // `model.fit` gives scalars that have not been read yet.
    const value = given instanceof tf.Tensor ? given.dataSync()[0] : given;
    if (typeof value !== 'number' || name === 'batch' || name === 'size') continue;
    found[name.replace(/^(val_)?acc$/, '$1accuracy')] = value;
  }
  return found;
}
