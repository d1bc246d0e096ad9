/**
 * `dovecote/browser`: Dovecote for pages that must be there at once. Importing it loads a few kilobytes; TensorFlow.js, the
 * zoo and the converters come with the first call of a function, or in the worker alone. `dovecote` is the whole in one piece,
 * with the functions that answer without waiting (`summary`, `listModels`, `Learner` and so on).
 */
import type * as Library from '../browser.ts';

export * from '../base/errors.ts';
export type { Pixels, Progress, ProgressCallback, ProgressUnit } from '../base/types.ts';
export { openWorker, DovecoteWorker } from './worker-client.ts';
export type { CallOptions, ModelFileSource, WorkerTrainOptions, WorkerTrainResult } from './worker-client.ts';
export { RemoteModel } from './remote-model.ts';
export type {
  Converted,
  Explained,
  FeatureMapFacts,
  ModelFacts,
  SentActivationOptions,
  SentClassifyOptions,
  SentConvertOptions,
  SentFineTuneOptions,
  SentGradCamOptions,
  SentLoadOptions,
  WorkerSettings,
} from './messages.ts';
export { downloadFile } from './download-file.ts';
export { configureOnnxRuntime } from '../engines/ort-settings.ts';
export type { OnnxRuntimeSettings } from '../engines/ort-settings.ts';
export { clearCache, listCache } from '../weights/cache.browser.ts';
export type { ClearedWeights, StoredWeights } from '../weights/cache.browser.ts';
export type { Classification, ClassifyOptions, Prediction } from '../classify/classify.ts';
export type { ImageSource } from '../images/image-source.ts';
export type { LabelledImage } from '../datasets/labelled-images.ts';
export type { LoadModelOptions, WeightsSource } from '../models/load-model.ts';
export type { FineTuneOptions, FineTuneResult } from '../transfer/fine-tune.ts';
export type { EpochReport } from '../training/epoch-report.ts';
export type { SavedModel } from '../models/saved-models.browser.ts';
export type { ExportFileFormat, ExportFileOptions } from '../export/export-file.ts';
export type { Activation, ActivationOptions } from '../explain/layer-activations.ts';
export type { GradCam, GradCamOptions } from '../explain/grad-cam.ts';

type Whole = typeof Library;

/** All of Dovecote, as `import * as dovecote from 'dovecote'` gives it. */
export function library(): Promise<Whole> {
  return import('../browser.ts');
}

type Waiting = {
  [Name in keyof Whole]: Whole[Name] extends (...given: never[]) => Promise<unknown> ? Name : never;
}[keyof Whole];

function later<Name extends Waiting>(name: Name): Whole[Name] {
  const call = async (...given: never[]): Promise<unknown> => {
    const found = (await library())[name] as (...given: never[]) => Promise<unknown>;
    return found(...given);
  };
  return call as Whole[Name];
}

export const loadModel: Whole['loadModel'] = later('loadModel');
export const loadModelFiles: Whole['loadModelFiles'] = later('loadModelFiles');
export const disposeModel: Whole['disposeModel'] = later('disposeModel');
export const classify: Whole['classify'] = later('classify');
export const compileModel: Whole['compileModel'] = later('compileModel');
export const extractFeatures: Whole['extractFeatures'] = later('extractFeatures');
export const fineTune: Whole['fineTune'] = later('fineTune');
export const evaluateModel: Whole['evaluateModel'] = later('evaluateModel');
export const gradCam: Whole['gradCam'] = later('gradCam');
export const loadImage: Whole['loadImage'] = later('loadImage');
export const loadPixels: Whole['loadPixels'] = later('loadPixels');
export const convertBytes: Whole['convertBytes'] = later('convertBytes');
export const exportFile: Whole['exportFile'] = later('exportFile');
export const saveModel: Whole['saveModel'] = later('saveModel');
export const listSavedModels: Whole['listSavedModels'] = later('listSavedModels');
export const removeSavedModel: Whole['removeSavedModel'] = later('removeSavedModel');

/** As `classifyStream` of `dovecote`. */
export async function* classifyStream(
  ...given: Parameters<Whole['classifyStream']>
): ReturnType<Whole['classifyStream']> {
  yield* (await library()).classifyStream(...given);
}

/** As `layerActivations` of `dovecote`. */
export async function* layerActivations(
  ...given: Parameters<Whole['layerActivations']>
): ReturnType<Whole['layerActivations']> {
  yield* (await library()).layerActivations(...given);
}
