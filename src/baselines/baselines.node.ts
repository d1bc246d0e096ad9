import type * as tf from '@tensorflow/tfjs';
import { wrongOption } from '../base/checks.ts';
import { DatasetError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import type { ImageDataset, LabelledImage, SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import type { WeightsSource } from '../models/load-model.ts';
import { borrowBase } from '../transfer/base-model.ts';
import type { FeatureExtractor } from '../transfer/extract-features.ts';
import { createFeatureExtractor } from '../transfer/extract-features.ts';
import { prepareData } from '../transfer/prepare-data.ts';
import type { BaselineResult, LabelledFeatures } from './compare-baselines.node.ts';
import { compareBaselines } from './compare-baselines.node.ts';

export interface BaselinesOptions extends Omit<RecipeOptions, 'labels'> {
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
  /** How the base's last feature map becomes a vector. Default `avg`. */
  readonly pooling?: 'avg' | 'max';
  /** The base's last layer that is kept; by default the card says. */
  readonly featureLayer?: string;
  /** Default `auto`. */
  readonly engine?: EngineName;
  /** Whether features are kept on disk and used again, or under which folder. Default true in Node. */
  readonly cache?: boolean | string;
  /** The same seed gives the same result on the same engine. Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface Baselines {
  readonly results: readonly BaselineResult[];
  readonly classes: readonly string[];
  readonly trainingImages: number;
  readonly validationImages: number;
  /** Features of each picture. */
  readonly features: number;
  readonly skipped: readonly SkippedImage[];
  readonly engine: 'onnx' | 'tfjs';
  /** Of all, the network's work included. */
  readonly seconds: number;
}

/**
 * What plain methods reach on the features of a frozen base: see `compareBaselines`. With the same base, data, `seed` and
 * validation pictures as `fineTune`, the accuracies can be compared with its.
 *
 * @param base A network of the zoo by name, a path or URL of a model, or a loaded model, which stays yours.
 * @param data A folder with one subfolder of pictures for each class, or pictures in memory.
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`; ModelError `MODEL_*`; EngineError `ENGINE_*`;
 * AbortedError `ABORTED`; and what `loadModel` throws
 */
export async function baselines(
  base: string | tf.LayersModel,
  data: string | readonly LabelledImage[],
  options: BaselinesOptions = {},
): Promise<Baselines> {
  const started = performance.now();
  const { validationSplit = 0.2, seed, onProgress, signal } = options;
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw wrongOption('validationSplit', validationSplit, 'a number between 0 and 1');
  }
  const { training, validation, skipped } = await prepareData(data, options);
  const { model, release } = await borrowBase(base, options);
  try {
    const extractor = await createFeatureExtractor(model, { ...options, cache: options.cache ?? true });
    try {
      const ofTraining = await featuresOf(training, 'features of the training pictures', extractor, options);
      const ofValidation = await featuresOf(
        validation,
        'features of the validation pictures',
        extractor,
        options,
      );
      const unread = [...skipped, ...ofTraining.skipped, ...ofValidation.skipped];
      checkUsable(ofTraining, ofValidation, training.classes, unread);
      const results = await compareBaselines(ofTraining, ofValidation, training.classes, {
        seed,
        onProgress,
        signal,
      });
      return {
        results,
        classes: training.classes,
        trainingImages: ofTraining.labels.length,
        validationImages: ofValidation.labels.length,
        features: extractor.width,
        skipped: unread,
        engine: extractor.engine,
        seconds: (performance.now() - started) / 1000,
      };
    } finally {
      await extractor.dispose();
    }
  } finally {
    await release(undefined);
  }
}

async function featuresOf(
  { images, classes }: ImageDataset,
  phase: string,
  extractor: FeatureExtractor,
  { onProgress, signal }: BaselinesOptions,
): Promise<LabelledFeatures & { readonly skipped: readonly SkippedImage[] }> {
  const { data, rows, skipped } = await extractor.extract(
    images.map(({ image }) => image),
    { phase, names: images.map(({ name }) => name), onProgress, signal },
  );
  return { features: data, labels: rows.map((row) => classes.indexOf(images[row]!.label)), skipped };
}

/** @throws DatasetError `DATASET_EMPTY` */
function checkUsable(
  training: LabelledFeatures,
  validation: LabelledFeatures,
  classes: readonly string[],
  skipped: readonly SkippedImage[],
): void {
  const unread = classes.find((_, index) => !training.labels.includes(index));
  if (unread === undefined && validation.labels.length > 0) return;
  const what =
    unread === undefined
      ? 'No validation picture can be read.'
      : `No picture of the class "${unread}" can be read.`;
  throw new DatasetError('DATASET_EMPTY', what, {
    given: `${skipped.length} files that are no readable pictures`,
    expected: 'readable pictures in every class',
    nextStep: 'replace the damaged files, or remove the class',
  });
}
