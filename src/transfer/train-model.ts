import type * as tf from '@tensorflow/tfjs';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { FitOptions } from './fit-options.ts';
import { Learner } from './learner.ts';
import type { LearnerOptions, LearnerResult } from './learner-options.ts';

export interface TrainModelOptions extends LearnerOptions, FitOptions {
  /** Passes over the training pictures. Default 10. */
  readonly epochs?: number;
  readonly onEpoch?: (epoch: EpochReport) => void;
}

export interface TrainModelResult extends LearnerResult {
  readonly classes: readonly string[];
  readonly skipped: readonly SkippedImage[];
}

/**
 * Trains a classifier on pictures, in two halves: the layers before the first one with `trainable` true run in the fast
 * engine, once for each picture, the others are trained in tfjs. Cross-entropy, with the penalties of the layers'
 * regularizers; steps are those of `model.fit` on the whole model, but that frozen layers run as in inference. The model is
 * changed in place; on an error or a stop before the first epoch has ended it keeps what was reached.
 *
 * ```js
 * for (const layer of model.layers.slice(0, -12)) layer.trainable = false;
 * const { evaluation } = await trainModel(model, 'photos/', { epochs: 5, learningRate: 1e-4 });
 * ```
 *
 * @param model Output `[batch, classes]`, softmax or logits, with as many classes as the data has.
 * @param data A folder with one subfolder of pictures for each class, a CSV, TSV or JSONL file that lists pictures
 *   and labels, pictures in memory, or a data set.
 * @throws ModelError `MODEL_INPUT`; DatasetError `DATASET_*`; UsageError `USAGE_*`; EngineError `ENGINE_*`;
 *   AbortedError `ABORTED` before the first epoch has ended
 */
export async function trainModel(
  model: tf.LayersModel,
  data: DatasetSource,
  options: TrainModelOptions = {},
): Promise<TrainModelResult> {
  const learner = await Learner.create(model, data, options);
  const result = await learner.fit(options.epochs ?? 10, options);
  return { classes: learner.classes, ...result, skipped: learner.skipped };
}
