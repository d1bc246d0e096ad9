import type * as tf from '@tensorflow/tfjs';
import { requireWhole } from '../base/checks.ts';
import { DovecoteError, ImageError, UsageError, reasonOf } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { defaultModel } from '../../zoo/default-model.ts';
import type { EngineName, Precision, PrecisionReport } from '../engines/compiled-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { WeightsSource } from '../models/load-model.ts';
import { refuseForLoaded, requireModel } from '../models/require-model.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import type { labelsOf } from '../models/metadata.ts';
import type { DeviceName } from '../platform.ts';
import { runImages } from '../pipeline/run-images.ts';
import { openClassifier } from './open-classifier.ts';
import { topIndices } from './probabilities.ts';

export interface Prediction {
  /** Class index, from 0. */
  readonly index: number;
  /** WordNet id of an ImageNet class; empty for classes of one's own. */
  readonly wnid: string;
  readonly label: string;
  /** 0 to 1. */
  readonly probability: number;
}

export interface Classification {
  /** Path or URL; for a picture in memory its place and what it is, for example `image 3 (2041 bytes)`. */
  readonly image: string;
  /** Most probable first; empty when the picture could not be read. */
  readonly predictions: readonly Prediction[];
  /** Why this picture was not classified. */
  readonly error?: DovecoteError;
}

export interface ClassifyOptions {
  /**
   * A loaded model (it stays yours), or what `loadModel` takes (it is disposed of at the end). Default: EfficientNet-Lite0,
   * which is in the package.
   */
  readonly model?: tf.LayersModel | string;
  /** With a model's name: where its weights come from. Default `imagenet`. */
  readonly weights?: WeightsSource;
  /** With a model's name: the width of a MobileNet. Default 1. */
  readonly alpha?: number;
  /** With a model's name: the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
  /** Predictions for each picture. Default 5. */
  readonly topK?: number;
  /** Pictures per run of the network. Default 16. */
  readonly batchSize?: number;
  /** Default `auto`: ONNX Runtime where it is installed and knows every layer, else tfjs. */
  readonly engine?: EngineName;
  /** Where the onnx engine computes: `cpu` (default), `webgpu`, `cuda`, or `auto` for the first GPU that works. */
  readonly device?: DeviceName;
  /**
   * In which numbers the network computes: `float32`, `float16` or `int8`. See `compileModel`; what it costs is told by
   * `onPrecision`.
   */
  readonly precision?: Precision;
  /** For `int8`: pictures like those that the model is for, or a folder of them. */
  readonly calibration?: string | readonly ImageSource[];
  /** Called once with what `precision` costs and gains. */
  readonly onPrecision?: (report: PrecisionReport) => void;
  /** For a model that carries no metadata: how its input was prepared. */
  readonly preprocessing?: PreprocessingMode;
  /** For a model that carries no metadata: its classes in index order, or `imagenet`. */
  readonly labels?: 'imagenet' | readonly string[];
  /** For a model that carries no metadata: default `fill`, `bilinear`. */
  readonly resize?: Partial<ModelMetadata['resize']>;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/**
 * Says what is on pictures. Decoding overlaps the network; the order is kept.
 *
 * One picture gives one classification and an unreadable one throws; an array gives an array, in which an unreadable
 * picture has `error` set and no predictions.
 *
 * @throws ImageError `IMAGE_*` (one picture); ModelError, WeightsError, FormatError, NetworkError from loading;
 * EngineError `ENGINE_*`; UsageError `USAGE_ARGUMENT`; AbortedError `ABORTED`
 */
export async function classify(image: ImageSource, options?: ClassifyOptions): Promise<Classification>;
export async function classify(
  images: readonly ImageSource[],
  options?: ClassifyOptions,
): Promise<Classification[]>;
export async function classify(
  images: ImageSource | readonly ImageSource[],
  options: ClassifyOptions = {},
): Promise<Classification | Classification[]> {
  const single = !Array.isArray(images);
  const results: Classification[] = [];
  for await (const result of classifyStream(
    single ? [images as ImageSource] : (images as ImageSource[]),
    options,
  )) {
    if (single && result.error !== undefined) throw result.error;
    results.push(result);
  }
  return single ? (results[0] as Classification) : results;
}

/** Like `classify` for many pictures, but hands each result over as soon as it is there. */
export async function* classifyStream(
  images: readonly ImageSource[],
  options: ClassifyOptions = {},
): AsyncGenerator<Classification> {
  checkCall(images, options);
  const { model: asked = defaultModel, topK = 5, batchSize = 16, onProgress, signal } = options;
  requireWhole('topK', topK);
  requireWhole('batchSize', batchSize);
  const { recipe, labels, network, probabilitiesOf, close } = await openClassifier(asked, options);
  try {
    if (network.precision !== undefined) options.onPrecision?.(network.precision);
    let done = 0;
    const size = Math.min(batchSize, Math.max(images.length, 1));
    for await (const result of runImages(images, network, recipe, { batchSize: size, signal })) {
      onProgress?.({ phase: 'classify', done: ++done, total: images.length, unit: 'images' });
      if (result.output === undefined) {
        yield { image: result.image, predictions: [], error: asDovecoteError(result.error, result.image) };
        continue;
      }
      const probabilities = probabilitiesOf(result.output);
      yield { image: result.image, predictions: describe(probabilities, labels, topK) };
    }
  } finally {
    await close();
  }
}

/** What programs without types may have forgotten. */
function checkCall(images: unknown, options: ClassifyOptions | undefined): void {
  if (!Array.isArray(images)) {
    throw new UsageError('USAGE_ARGUMENT', 'classifyStream takes an array of pictures.', {
      given: images === null ? 'null' : typeof images,
      expected: 'an array of paths, URLs, bytes, tensors or pixels',
      nextStep: 'put the picture into an array, or use `classify`',
    });
  }
  const model = options?.model;
  if (model === undefined || typeof model === 'string') return;
  requireModel(model, 'model');
  refuseForLoaded('model', options ?? {});
}

function describe(
  probabilities: Float32Array,
  labels: ReturnType<typeof labelsOf>,
  topK: number,
): Prediction[] {
  return topIndices(probabilities, topK).map((index) => ({
    index,
    wnid: labels[index]?.wnid ?? '',
    label: labels[index]?.label ?? `class ${index}`,
    probability: probabilities[index] as number,
  }));
}

function asDovecoteError(error: unknown, image: string): DovecoteError {
  if (error instanceof DovecoteError) return error;
  return new ImageError('IMAGE_UNREADABLE', `${image} cannot be read: ${reasonOf(error)}`, {
    given: image,
    expected: 'a JPEG, PNG, WebP, AVIF, GIF or TIFF picture',
    nextStep: 'check the file',
    cause: error,
  });
}
