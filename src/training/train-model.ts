import * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { ModelError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import type { LabelledImage, SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import { requireModel } from '../models/require-model.ts';
import { platform } from '../platform.ts';
import type { AugmentOptions } from '../transfer/augment.ts';
import { checkAugmentOptions } from '../transfer/augment.ts';
import type { ClassWeights } from '../transfer/class-weights.ts';
import { checkClassWeights } from '../transfer/class-weights.ts';
import type { Evaluation } from '../transfer/metrics.ts';
import { prepareData } from '../transfer/prepare-data.ts';
import type { EpochReport } from '../transfer/train-head.ts';
import { boundarySource } from './boundary-rows.ts';
import { registerTrainingKernels } from './kernels/register.ts';
import { splitModel } from './split-model.ts';
import type { Settings } from './training-run.ts';
import { TrainingRun } from './training-run.ts';

export interface TrainModelOptions extends Omit<RecipeOptions, 'labels'> {
  /** Pictures to validate on: a folder, or pictures in memory. */
  readonly validation?: string | readonly LabelledImage[];
  /** Without `validation`: the share of every class that is set aside, above 0 and below 1. Default 0.2. */
  readonly validationSplit?: number;
  /** Passes over the training pictures. Default 10. */
  readonly epochs?: number;
  /** Pictures per step. Default 32. */
  readonly batchSize?: number;
  /** Adam's step size. Default 0.001. */
  readonly learningRate?: number;
  /** Makes another optimizer, for example `() => tf.train.sgd(0.01)`; it is disposed of at the end. */
  readonly optimizer?: () => tf.Optimizer;
  /** Random crops, mirroring, brightness and contrast, anew in each epoch. Default false. */
  readonly augment?: boolean | AugmentOptions;
  /** Weights of the classes in the loss: `balanced`, `none`, or one by name. Default `none`. */
  readonly classWeights?: ClassWeights;
  /** Whether the model ends with the weights of its best epoch on the validation pictures. Default true. */
  readonly restoreBestWeights?: boolean;
  /** Epochs without a better validation result after which training stops; 0 never stops early. Default 0. */
  readonly patience?: number;
  /** For the frozen half of the model. Default `auto`. */
  readonly engine?: EngineName;
  /**
   * Features of the frozen half are kept on disk, by the content of photo, model and preprocessing, and used again in
   * later runs: in the cache folder, or under the folder that is given. Default true in Node; browsers have no such cache.
   */
  readonly cache?: boolean | string;
  /** Features that take more bytes than this together are computed anew in every epoch. Default 2 GiB. */
  readonly memoryLimit?: number;
  /** Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly onEpoch?: (epoch: EpochReport) => void;
  /** Stops training behind the step that runs; the best so far is kept and `stopped` is `aborted`. */
  readonly signal?: AbortSignal;
}

export interface TrainModelResult {
  readonly classes: readonly string[];
  readonly history: readonly EpochReport[];
  /** The epoch whose weights the model has, from 1. */
  readonly bestEpoch: number;
  /** Of that epoch on the validation pictures. */
  readonly evaluation: Evaluation;
  readonly trainingImages: number;
  readonly validationImages: number;
  readonly skipped: readonly SkippedImage[];
  readonly frozenLayers: number;
  readonly trainedLayers: number;
  /** What computed the frozen half; undefined when nothing is frozen. */
  readonly engine: 'onnx' | 'tfjs' | undefined;
  /** Pictures whose features came out of the cache. */
  readonly cachedImages: number;
  /** Why features could not be kept on disk; undefined while all went well. */
  readonly cacheProblem?: string;
  readonly stopped: 'completed' | 'early' | 'aborted';
  readonly seconds: number;
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
 * @param data A folder with one subfolder of pictures for each class, or pictures in memory.
 * @throws ModelError `MODEL_INPUT`; DatasetError `DATASET_*`; UsageError `USAGE_*`; EngineError `ENGINE_*`;
 *   AbortedError `ABORTED` before the first epoch has ended
 */
export async function trainModel(
  model: tf.LayersModel,
  data: string | readonly LabelledImage[],
  options: TrainModelOptions = {},
): Promise<TrainModelResult> {
  const started = performance.now();
  requireModel(model, 'model');
  const settings = settingsOf(options);
  await platform().prepareTfjs();
  registerTrainingKernels();
  const recipe = inputRecipeOf(model, options);
  const split = splitModel(model);
  const { training, validation, skipped } = await prepareData(data, options);
  checkClassWeights(settings.classWeights, training.classes);
  checkOutput(model, training.classes);
  const source = await boundarySource(split, recipe, options);
  try {
    const run = new TrainingRun(model, split, source, recipe, training.classes, settings, options);
    skipped.forEach((file) => run.skipped.set(file.image, file));
    const trained = await run.train(training, validation);
    const problem = source.problem();
    return {
      classes: training.classes,
      ...trained,
      skipped: [...run.skipped.values()],
      frozenLayers: split.frozenLayers,
      trainedLayers: split.trainedLayers,
      engine: source.engine,
      cachedImages: run.cachedImages,
      ...(problem === undefined ? {} : { cacheProblem: problem }),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await source.dispose();
  }
}

function settingsOf(options: TrainModelOptions): Settings {
  const {
    epochs = 10,
    batchSize = 32,
    learningRate = 1e-3,
    patience = 0,
    seed = 1,
    memoryLimit = 2 ** 31,
    restoreBestWeights = true,
    classWeights = 'none',
    validationSplit = 0.2,
    optimizer,
  } = options;
  requireWhole('epochs', epochs);
  requireWhole('batchSize', batchSize);
  const rules: [string, unknown, boolean, string][] = [
    ['learningRate', learningRate, learningRate > 0 && Number.isFinite(learningRate), 'a number above 0'],
    ['patience', patience, Number.isInteger(patience) && patience >= 0, 'a whole number of at least 0'],
    ['seed', seed, Number.isInteger(seed) && seed >= 0, 'a whole number of at least 0'],
    ['memoryLimit', memoryLimit, memoryLimit >= 0, 'a number of bytes'],
    [
      'validationSplit',
      validationSplit,
      validationSplit > 0 && validationSplit < 1,
      'a number between 0 and 1',
    ],
    [
      'optimizer',
      optimizer,
      optimizer === undefined || typeof optimizer === 'function',
      'a function that makes one',
    ],
  ];
  for (const [option, value, legal, expected] of rules)
    if (!legal) throw wrongOption(option, value, expected);
  if (typeof options.augment === 'object') checkAugmentOptions(options.augment);
  const makeOptimizer = optimizer ?? (() => tf.train.adam(learningRate));
  return { epochs, batchSize, patience, seed, memoryLimit, restoreBestWeights, classWeights, makeOptimizer };
}

function checkOutput(model: tf.LayersModel, classes: readonly string[]): void {
  const shape = model.outputs[0]!.shape;
  if (shape.length === 2 && shape[1] === classes.length) return;
  throw new ModelError('MODEL_INPUT', `The model "${model.name}" does not tell these classes apart.`, {
    given: `an output of shape ${JSON.stringify(shape)} and ${classes.length} classes: ${classes.join(', ')}`,
    expected: `an output of shape [null, ${classes.length}]`,
    nextStep: 'give the model a dense layer with one unit for each class, or use `fineTune`, which does',
  });
}
