import type * as tf from '@tensorflow/tfjs';
import type { ProgressCallback } from '../base/types.ts';
import { defaultModel } from '../../zoo/default-model.ts';
import { findModel } from '../../zoo/registry.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import { platform } from '../platform.ts';
import { isModelFile, loadModelFile } from './load-model-file.ts';
import { loadZooModel } from './load-zoo-model.ts';
import { requireModelName } from './require-model.ts';

/**
 * Where the weights of a zoo model come from: `imagenet` (in the package, or the published file through the cache), a
 * path or URL of an .h5 or .safetensors file, a model.json or a model folder, the bytes of an .h5 or .safetensors file,
 * or `null` for random weights.
 *
 * The URL of a file that Keras publishes for a network of the zoo is read through the cache and checked like `imagenet`;
 * other URLs are read anew each time.
 *
 * EfficientNet's published files hold ImageNet's standard deviation where a variance belongs. A file that does so gets
 * the layer that makes up for it (`rescaling_1`) however it is given. Keras adds that layer for `imagenet` only: of the
 * same file given as a path it computes other, wrong outputs. Files with true variances are taken as they are.
 */
export type WeightsSource = 'imagenet' | (string & {}) | URL | Uint8Array | ArrayBuffer | null;

export interface LoadModelOptions extends BuildOptions {
  /** Default `imagenet`. */
  readonly weights?: WeightsSource;
  /** Among the versions of a family, for example `1.0` of SqueezeNet. */
  readonly version?: string;
  /**
   * How tensors find their layer: in the order of the file (default, as Keras does), or by the layers' names (default
   * for safetensors, whose order says nothing, and always for the network in the package).
   */
  readonly by?: 'position' | 'name';
  /** Makes the random weights of `weights: null` repeatable. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/**
 * Loads a network: a zoo model by its name, or a model of your own from a folder, a model.json or a whole-model .h5
 * file (path or URL). Without a name it is EfficientNet-Lite0, whose weights are in the package. What you get is an
 * ordinary `tf.LayersModel`; free it with `disposeModel(model)`.
 *
 * Input `[batch, height, width, 3]`, prepared as the model's card says (`classify` does that). Output
 * `[batch, classes]`, or a feature map without top.
 *
 * @throws ModelError `MODEL_UNKNOWN`, `MODEL_OPTION`; WeightsError `WEIGHTS_*`; FormatError `FORMAT_*`;
 * FileError `FILE_*`; NetworkError `NETWORK_*`, `DOWNLOAD_*`; CacheError `CACHE_*`; AbortedError `ABORTED`
 */
export async function loadModel(
  model: string = defaultModel,
  options: LoadModelOptions = {},
): Promise<tf.LayersModel> {
  requireModelName(model);
  await platform().prepareTfjs();
  return loadOnHost(model, options);
}

/** `loadModel` for those who have prepared tfjs, be it as a place for tensors only. */
export async function loadOnHost(model: string, options: LoadModelOptions = {}): Promise<tf.LayersModel> {
  requireModelName(model);
  if (await isModelFile(model)) return loadModelFile(model, options);
  return loadZooModel(findModel(model, options.version), options);
}
