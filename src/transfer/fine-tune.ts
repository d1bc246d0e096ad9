import type * as tf from '@tensorflow/tfjs';
import { requireOneOf, wrongOption } from '../base/checks.ts';
import { AbortedError, DatasetError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import { createRandom } from '../base/random.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import type { ImageDataset, LabelledImage, SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import type { WeightsSource } from '../models/load-model.ts';
import { registerTrainingKernels } from '../training/kernels/register.ts';
import { buildClassifier } from './build-classifier.ts';
import type { AugmentOptions } from './augment.ts';
import { checkAugmentOptions } from './augment.ts';
import { augmentedDecoder } from './augmented-decoder.ts';
import { borrowBase } from './base-model.ts';
import { checkClassWeights, classWeightsOf } from './class-weights.ts';
import type { ClassWeights } from './class-weights.ts';
import type { FeatureExtractor, Features } from './extract-features.ts';
import { createFeatureExtractor } from './extract-features.ts';
import type { Evaluation } from './metrics.ts';
import { prepareData } from './prepare-data.ts';
import type { EpochReport, HeadData, HeadOptions } from './train-head.ts';
import { trainHead } from './train-head.ts';

export interface FineTuneOptions extends Omit<RecipeOptions, 'labels'> {
  /** With a base given by name: where its weights come from. Default `imagenet`. */
  readonly weights?: WeightsSource;
  /** With a base given by name: the width of a MobileNet. Default 1. */
  readonly alpha?: number;
  /** With a base given by name: the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
  /** Pictures to validate on: a folder, or pictures in memory. */
  readonly validation?: string | readonly LabelledImage[];
  /** Without `validation`: the share of every class that is set aside, above 0 and below 1. Default 0.2. */
  readonly validationSplit?: number;
  /** At most this many passes over the training pictures. Default 60. */
  readonly epochs?: number;
  /** Adam's step size. Default 0.003. */
  readonly learningRate?: number;
  /** Pictures per step. Default 32. */
  readonly batchSize?: number;
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
  /**
   * The base's features are kept on disk, by the content of photo, base and preprocessing, and used again in later runs: in
   * the cache folder, or under the folder that is given. Default true in Node; browsers have no such cache.
   */
  readonly cache?: boolean | string;
  /** The same seed gives the same result on the same engine. Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
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
  /** Epochs that were run. */
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly history: readonly EpochReport[];
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
 * Trains a new head for classes of your own on a frozen base. The base's features are computed once for each picture
 * in the fast engine (anew in every epoch when `augment` is on), the head is trained in tfjs.
 *
 * @param base A network of the zoo by name, a path or URL of a model, or a loaded model.
 * @param data A folder with one subfolder of pictures for each class, or pictures in memory.
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`; ModelError `MODEL_*`; EngineError `ENGINE_*`;
 * AbortedError `ABORTED` when stopped before the first epoch had ended; and what `loadModel` throws
 */
export async function fineTune(
  base: string | tf.LayersModel,
  data: string | readonly LabelledImage[],
  options: FineTuneOptions = {},
): Promise<FineTuneResult> {
  const started = performance.now();
  const headOptions = headOptionsOf(options);
  const { training, validation, skipped } = await prepareData(data, options);
  checkClassWeights(options.classWeights ?? 'balanced', training.classes);
  const { model: baseModel, release } = await borrowBase(base, options);
  registerTrainingKernels();
  let classifier: tf.LayersModel | undefined;
  try {
    // The batch size of training says nothing about the network's: all features at once would fill the memory.
    const extractor = await createFeatureExtractor(baseModel, {
      ...options,
      cache: options.cache ?? true,
      batchSize: undefined,
    });
    try {
      const trained = await train(extractor, training, validation, skipped, headOptions, options);
      classifier = buildClassifier(baseModel, extractor, trained.head, training.classes, headOptions.dropout);
      const { head } = trained;
      return {
        model: classifier,
        classes: training.classes,
        valAccuracy: head.evaluation.accuracy,
        valLoss: head.evaluation.loss,
        epochs: head.history.length,
        bestEpoch: head.bestEpoch,
        history: head.history,
        evaluation: head.evaluation,
        trainingImages: trained.trainingImages,
        validationImages: trained.validationImages,
        skipped: trained.skipped,
        engine: extractor.engine,
        stopped: head.stopped,
        seconds: (performance.now() - started) / 1000,
      };
    } finally {
      await extractor.dispose();
    }
  } finally {
    await release(classifier);
  }
}

async function train(
  extractor: FeatureExtractor,
  training: ImageDataset,
  validation: ImageDataset,
  skippedFiles: readonly SkippedImage[],
  headOptions: Omit<HeadOptions, 'classWeights'>,
  { augment = false, classWeights = 'balanced', seed = 1, onProgress, signal }: FineTuneOptions,
) {
  const skipped = new Map(skippedFiles.map((file) => [file.image, file]));
  const compute = async (dataset: ImageDataset, phase: string, epoch?: number): Promise<HeadData> => {
    const decode =
      epoch === undefined || augment === false
        ? undefined
        : augmentedDecoder(extractor.recipe, seed + epoch, augment === true ? {} : augment);
    const images = dataset.images.map((each) => each.image);
    const names = dataset.images.map((each) => each.name);
    const features = await extractor
      .extract(images, { phase, decode, names, onProgress, signal })
      .catch((error: unknown) => {
        throw signal?.aborted ? stoppedTooEarly(error) : error;
      });
    features.skipped.forEach((file) => skipped.set(file.image, file));
    return toHeadData(features, dataset);
  };
  const validationData = await compute(validation, 'features of the validation pictures');
  let kept: HeadData | undefined;
  const trainingData = async (epoch: number): Promise<HeadData> => {
    if (augment === false) return (kept ??= await compute(training, 'features of the training pictures'));
    return compute(training, `augmented features, epoch ${epoch}`, epoch);
  };
  const first = await trainingData(1);
  checkUsable(first, validationData, training.classes, [...skipped.values()]);
  const head = await trainHead(
    (epoch) => (epoch === 1 ? Promise.resolve(first) : trainingData(epoch)),
    validationData,
    training.classes,
    {
      ...headOptions,
      classWeights: classWeightsOf(classWeights, training.classes, first.labels),
      onEpoch: (report) => {
        headOptions.onEpoch?.(report);
        onProgress?.({
          phase: 'train',
          done: report.epoch,
          total: headOptions.epochs,
          unit: 'epochs',
          note: `loss ${report.loss.toFixed(3)}, validation accuracy ${report.valAccuracy.toFixed(3)}`,
        });
      },
      signal,
    },
  );
  if (head === undefined) throw stoppedTooEarly();
  return {
    head,
    trainingImages: first.labels.length,
    validationImages: validationData.labels.length,
    skipped: [...skipped.values()],
  };
}

function toHeadData({ data, rows }: Features, { classes, images }: ImageDataset): HeadData {
  return { features: data, labels: rows.map((row) => classes.indexOf(images[row]!.label)) };
}

function stoppedTooEarly(cause?: unknown): AbortedError {
  return new AbortedError(
    'Training was stopped before its first epoch had ended; there is nothing to keep.',
    { nextStep: 'run it again', cause },
  );
}

/** @throws DatasetError `DATASET_EMPTY` */
function checkUsable(
  training: HeadData,
  validation: HeadData,
  classes: readonly string[],
  skipped: readonly SkippedImage[],
): void {
  const unread = classes.find((_, index) => !training.labels.includes(index));
  if (unread === undefined && validation.labels.length > 0) return;
  const examples = skipped.slice(-3).map(({ image, reason }) => `${image} (${reason.replace(/\.$/, '')})`);
  throw new DatasetError(
    'DATASET_EMPTY',
    unread === undefined
      ? 'No validation picture can be read.'
      : `No picture of the class "${unread}" can be read.`,
    {
      given: `${skipped.length} files that are no readable pictures, among them ${examples.join(', ')}`,
      expected: 'readable pictures in every class',
      nextStep: 'replace the damaged files, or remove the class',
    },
  );
}

function headOptionsOf(options: FineTuneOptions): Omit<HeadOptions, 'classWeights'> {
  const {
    epochs = 60,
    learningRate = 3e-3,
    batchSize = 32,
    dropout = 0.3,
    l2 = 0.1,
    patience = 15,
    seed = 1,
    validationSplit = 0.2,
  } = options;
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  const rules: [string, unknown, boolean, string][] = [
    ['epochs', epochs, whole(epochs, 1), 'a whole number of at least 1'],
    ['learningRate', learningRate, learningRate > 0 && Number.isFinite(learningRate), 'a number above 0'],
    ['batchSize', batchSize, whole(batchSize, 1), 'a whole number of at least 1'],
    ['dropout', dropout, dropout >= 0 && dropout < 1, 'a number from 0 to below 1'],
    ['l2', l2, l2 >= 0 && Number.isFinite(l2), 'a number of at least 0'],
    ['patience', patience, whole(patience, 0), 'a whole number of at least 0'],
    ['seed', seed, whole(seed, 0), 'a whole number of at least 0'],
    [
      'validationSplit',
      validationSplit,
      validationSplit > 0 && validationSplit < 1,
      'a number between 0 and 1',
    ],
  ];
  for (const [option, value, legal, expected] of rules) {
    if (legal) continue;
    throw wrongOption(option, value, expected);
  }
  requireOneOf('pooling', options.pooling ?? 'avg', ['avg', 'max']);
  if (typeof options.augment === 'object') checkAugmentOptions(options.augment);
  // The head draws its own numbers; it must not start where the split did.
  const headSeed = Math.floor(createRandom(seed + 0x9e37)() * 2 ** 31);
  return { epochs, learningRate, batchSize, dropout, l2, patience, seed: headSeed, onEpoch: options.onEpoch };
}
