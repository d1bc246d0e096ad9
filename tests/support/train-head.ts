import * as tf from '@tensorflow/tfjs';
import type { EpochReport } from '../../src/training/epoch-report.ts';
import { fit } from '../../src/training/fit-loop.ts';
import type { HeadData } from '../../src/training/head-trainee.ts';
import { headTrainee } from '../../src/training/head-trainee.ts';
import type { Evaluation } from '../../src/transfer/metrics.ts';

export interface HeadOptions {
  readonly epochs: number;
  /** Adam's step size. */
  readonly learningRate: number;
  readonly batchSize: number;
  /** Share of the features that is set to zero in each step. */
  readonly dropout: number;
  /** Weight of the squared norm of the kernel (on scaled features) in the loss. */
  readonly l2: number;
  /** Epochs without a better validation result after which training stops; 0 never stops early. */
  readonly patience: number;
  readonly seed: number;
  /** Weight of each class in the loss, in index order. */
  readonly classWeights: readonly number[];
  readonly onEpoch?: (epoch: EpochReport) => void;
  readonly signal?: AbortSignal;
}

export interface TrainedHead {
  /** Row-major `[width, classes]`, for raw (not standardised) features. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly history: readonly EpochReport[];
  /** The epoch whose weights these are. */
  readonly bestEpoch: number;
  readonly evaluation: Evaluation;
  readonly stopped: 'completed' | 'early' | 'aborted';
}

/**
 * Trains a dense softmax layer on feature vectors: Adam, cross-entropy, L2, dropout; the weights with the best
 * validation accuracy (the lower loss among equals) are kept.
 *
 * @param trainingData Called before every epoch: the same data each time, or freshly augmented ones.
 * @returns undefined when the signal fired before the first epoch had ended.
 */
export async function trainHead(
  trainingData: (epoch: number) => Promise<HeadData>,
  validation: HeadData,
  classes: readonly string[],
  { dropout, l2, learningRate, ...options }: HeadOptions,
): Promise<TrainedHead | undefined> {
  const trainee = await headTrainee(trainingData, validation, classes, { dropout, l2 });
  try {
    const result = await fit(trainee, {
      ...options,
      makeOptimizer: () => tf.train.adam(learningRate),
      restoreBestWeights: true,
      keepStart: false,
      ...{ labelSmoothing: 0, mixup: 0, clip: {}, callbacks: [], initialEpoch: 0 },
    });
    return result && { ...result, ...trainee.folded() };
  } finally {
    trainee.dispose();
  }
}
