import type * as tf from '@tensorflow/tfjs';
import { requireOneOf, requireWhole, wrongOption } from '../base/checks.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import type { WeightsSource } from '../models/load-model.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { AugmentOptions } from './augment.ts';
import { borrowBase } from './base-model.ts';
import { abandonClassifier, buildClassifier } from './build-classifier.ts';
import type { ClassWeights } from './class-weights.ts';
import { checkClassWeights } from './class-weights.ts';
import type { FitOptions } from './fit-options.ts';
import { checkFitOptions } from './fit-options.ts';
import { Learner } from './learner.ts';
import type { LearnerResult } from './learner-options.ts';
import { checkLearnerOptions } from './learner-options.ts';
import type { Evaluation } from './metrics.ts';
import { prepareData } from './prepare-data.ts';

export interface FineTuneOptions
  extends Omit<RecipeOptions, 'labels'>, Omit<FitOptions, 'checkpoint' | 'restoreBestWeights' | 'optimizer'> {
  /** With a base given by name: where its weights come from. Default `imagenet`. */
  readonly weights?: WeightsSource;
  /** With a base given by name: the width of a MobileNet. Default 1. */
  readonly alpha?: number;
  /** With a base given by name: the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
  /** Pictures to validate on, in any of the forms of the training pictures. */
  readonly validation?: DatasetSource;
  /** Without `validation`: the share of every class that is set aside, above 0 and below 1. Default 0.2. */
  readonly validationSplit?: number;
  /** At most this many passes over the training pictures in which the head alone is trained. Default 60. */
  readonly epochs?: number;
  /**
   * Then at most this many in which the end of the base is trained as well, with an optimizer of its own; its best epoch
   * is kept if it is better than the first stage's. Default 0.
   */
  readonly unfrozenEpochs?: number;
  /** What is trained in these: from this layer or stage on, as `unfreezeFrom` takes it. Default -1, the last stage. */
  readonly unfreezeFrom?: string | number;
  /** Step size in these. Default 0.00003. */
  readonly unfrozenLearningRate?: number;
  /** Step size of the head. Default 0.003. */
  readonly learningRate?: number;
  /** Before the dense layer, 0 to below 1. Default 0.3. */
  readonly dropout?: number;
  /** Penalty on the squared norm of the head's kernel, on features scaled to a standard deviation of 1. Default 0.1. */
  readonly l2?: number;
  /** Epochs without improvement before training stops; 0 trains all epochs. The best weights are kept anyway. Default 15. */
  readonly patience?: number;
  /** Random crops, mirroring, brightness and contrast, anew in each epoch. Default false. */
  readonly augment?: boolean | AugmentOptions;
  /** Weights of the classes in the loss: `balanced` (rare classes count more), `none`, or one by name. Default `balanced`. */
  readonly classWeights?: ClassWeights;
  /** How the base's last feature map becomes a vector. Default `avg`. */
  readonly pooling?: 'avg' | 'max';
  /** The base's last layer that is kept; by default the card says. */
  readonly featureLayer?: string;
  /** For the frozen base. Default `auto`. */
  readonly engine?: EngineName;
  /** In Node: a folder in which the state of the training is kept, one file for each stage, so that `resume` can go on. */
  readonly checkpoints?: string;
  /**
   * The base's features are kept on disk, by the content of photo, base and preprocessing, and used again in later runs: in
   * the cache folder, or under the folder that is given. Default true in Node; browsers have no such cache.
   */
  readonly cache?: boolean | string;
  /** The same seed gives the same result on the same engine. Default 1. */
  readonly seed?: number;
  /** Of the first stage, then of the second. */
  readonly onEpoch?: (epoch: EpochReport) => void;
  /** Stops training. After the first epoch the best so far is returned, with `stopped: 'aborted'`. */
  readonly signal?: AbortSignal;
}

export interface FineTuneResult {
  /**
   * Base, pooling, dropout and dense softmax in one model, with labels, preprocessing and input size as metadata.
   * A base that was passed as a model shares its layers with this one; they are marked as not trainable.
   */
  readonly model: tf.LayersModel;
  readonly classes: readonly string[];
  readonly valAccuracy: number;
  /** Cross-entropy in nats. */
  readonly valLoss: number;
  /** Epochs that were run, of both stages. */
  readonly epochs: number;
  /** Among them; counted through. */
  readonly bestEpoch: number;
  /** Of both stages, the epochs counted through. */
  readonly history: readonly EpochReport[];
  /** Each stage by itself; the second one only where there was one. */
  readonly stages: readonly LearnerResult[];
  /** Of the best epoch on the validation pictures. */
  readonly evaluation: Evaluation;
  readonly trainingImages: number;
  readonly validationImages: number;
  readonly skipped: readonly SkippedImage[];
  readonly engine: 'onnx' | 'tfjs';
  readonly stopped: 'completed' | 'early' | 'aborted';
  readonly seconds: number;
}

/**
 * Trains a new head for classes of your own on a frozen base; with `unfrozenEpochs` then the end of the base as well. The
 * frozen part's features are computed once for each picture in the fast engine (anew in every epoch when `augment` is on),
 * the rest is trained in tfjs. `buildClassifier`, `unfreezeFrom` and `Learner` are its parts.
 *
 * ```js
 * const { model, valAccuracy } = await fineTune('embedded', 'photos/', { unfrozenEpochs: 5 });
 * await saveModel(model, 'my-model');
 * ```
 *
 * @param base A network of the zoo by name, a path or URL of a model, or a loaded model.
 * @param data A folder with one subfolder of pictures for each class, a CSV, TSV or JSONL file that lists pictures
 *   and labels, pictures in memory, or a data set.
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`; ModelError `MODEL_*`; EngineError `ENGINE_*`;
 * CheckpointError `CHECKPOINT_*`; AbortedError `ABORTED` when stopped before the first epoch had ended; and what
 * `loadModel` throws
 */
export async function fineTune(
  base: string | tf.LayersModel,
  data: DatasetSource,
  options: FineTuneOptions = {},
): Promise<FineTuneResult> {
  const started = performance.now();
  checkOptions(options);
  const prepared = await prepareData(data, options);
  const { classes } = prepared.training;
  checkClassWeights(options.classWeights ?? 'balanced', classes);
  const { model: baseModel, release } = await borrowBase(base, options);
  const flags = baseModel.layers.map((layer) => [layer, layer.trainable] as const);
  let classifier: tf.LayersModel | undefined;
  let isDone = false;
  try {
    const { pooling, dropout, featureLayer } = options;
    const recipe = inputRecipeOf(baseModel, options);
    classifier = buildClassifier(baseModel, {
      classes,
      ...(pooling && { pooling }),
      ...(dropout !== undefined && { dropout }),
      ...(featureLayer !== undefined && { featureLayer }),
      ...recipe,
    });
    const learner = Learner.of(classifier, prepared, recipe, { ...options, cache: options.cache ?? true });
    const { frozen, unfrozen } = await learner.fineTune(options.epochs ?? 60, options.unfrozenEpochs ?? 0, {
      frozen: { ...stageOptions(options), l2: options.l2 ?? 0.1, ...checkpointOf(options, 1) },
      unfrozen: {
        ...stageOptions(options),
        learningRate: options.unfrozenLearningRate ?? 3e-5,
        ...checkpointOf(options, 2),
      },
      ...(options.unfreezeFrom !== undefined && { unfreezeFrom: options.unfreezeFrom }),
    });
    isDone = true;
    return resultOf(classifier, learner, frozen, unfrozen, started);
  } finally {
    if (!isDone && classifier !== undefined) {
      abandonClassifier(classifier, baseModel);
      flags.forEach(([layer, trainable]) => (layer.trainable = trainable));
    }
    await release(isDone ? classifier : undefined);
  }
}

function stageOptions(options: FineTuneOptions): FitOptions {
  const { learningRate = 3e-3, patience = 15, classWeights = 'balanced' } = options;
  const { batchSize, weightDecay, schedule, warmUp, labelSmoothing, mixup, callbacks } = options;
  const { clipNorm, clipValue, globalClipNorm, checkpointSeconds, onEpoch, onProgress, signal } = options;
  return defined({
    ...{ learningRate, patience, classWeights, batchSize, weightDecay, schedule, warmUp, labelSmoothing },
    ...{ mixup, callbacks, clipNorm, clipValue, globalClipNorm, checkpointSeconds },
    ...{ onEpoch, onProgress, signal },
  });
}

function checkpointOf({ checkpoints, resume = false }: FineTuneOptions, stage: number): FitOptions {
  if (checkpoints === undefined) return resume ? { resume } : {};
  return { checkpoint: `${checkpoints.replace(/[\\/]+$/, '')}/stage-${stage}.safetensors`, resume };
}

/** Without the properties that are undefined. */
function defined<Properties extends object>(properties: {
  [Key in keyof Properties]: Properties[Key] | undefined;
}): Properties {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Properties;
}

function resultOf(
  model: tf.LayersModel,
  learner: Learner,
  frozen: LearnerResult,
  unfrozen: LearnerResult | undefined,
  started: number,
): FineTuneResult {
  const stages = unfrozen === undefined ? [frozen] : [frozen, unfrozen];
  const { evaluation, stopped } = stages.at(-1)!;
  const before = frozen.history.length;
  const later = (unfrozen?.history ?? []).map((report) => ({ ...report, epoch: before + report.epoch }));
  const best = unfrozen?.bestEpoch ?? 0;
  return {
    model,
    classes: learner.classes,
    valAccuracy: evaluation.accuracy,
    valLoss: evaluation.loss,
    epochs: before + later.length,
    bestEpoch: best > 0 ? before + best : frozen.bestEpoch,
    history: [...frozen.history, ...later],
    stages,
    evaluation,
    trainingImages: frozen.trainingImages,
    validationImages: frozen.validationImages,
    skipped: learner.skipped,
    engine: frozen.engine!,
    stopped,
    seconds: (performance.now() - started) / 1000,
  };
}

function checkOptions(options: FineTuneOptions): void {
  const { epochs = 60, unfrozenEpochs = 0, dropout = 0.3, l2 = 0.1, unfrozenLearningRate = 3e-5 } = options;
  requireWhole('epochs', epochs);
  requireWhole('unfrozenEpochs', unfrozenEpochs, 0);
  const rules: [string, unknown, boolean, string][] = [
    ['dropout', dropout, dropout >= 0 && dropout < 1, 'a number from 0 to below 1'],
    ['l2', l2, l2 >= 0 && Number.isFinite(l2), 'a number of at least 0'],
    [
      'unfrozenLearningRate',
      unfrozenLearningRate,
      unfrozenLearningRate > 0 && Number.isFinite(unfrozenLearningRate),
      'a number above 0',
    ],
  ];
  for (const [option, value, legal, expected] of rules)
    if (!legal) throw wrongOption(option, value, expected);
  requireOneOf('pooling', options.pooling ?? 'avg', ['avg', 'max']);
  checkFitOptions({ ...options, learningRate: options.learningRate ?? 3e-3 });
  checkLearnerOptions(options);
}
