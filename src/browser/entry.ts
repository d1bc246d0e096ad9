/**
 * `dovecote/browser`: Dovecote for pages that must be there at once. Importing it loads a few kilobytes; TensorFlow.js, the
 * zoo and the converters come with the first call of a function, or in the worker alone. `dovecote` is the whole in one piece,
 * with the functions that answer without waiting (`summary`, `listModels`, `Learner` and so on).
 *
 * @module dovecote/browser
 */
import type { classifyStream as wholeStream } from '../classify/classify.ts';
import type { layerActivations as wholeActivations } from '../explain/layer-activations.ts';

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
  ModelHandle,
  Sent,
  SentActivationOptions,
  SentClassifyOptions,
  SentConvertOptions,
  SentFineTuneOptions,
  SentGradCamOptions,
  SentLoadOptions,
  TrainedHandle,
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

/** All of Dovecote, when it is needed. */
const library = () => import('../browser.ts');

type Library = Awaited<ReturnType<typeof library>>;

/** A function of the library that is fetched with its first call. */
function later<Call extends (...given: never[]) => Promise<unknown>>(pick: (all: Library) => Call): Call {
  const call = async (...given: never[]): Promise<unknown> => pick(await library())(...given);
  return call as Call;
}

/** As `loadModel` of `dovecote`. */
export const loadModel = later((all) => all.loadModel);
/** As `loadModelFiles` of `dovecote`. */
export const loadModelFiles = later((all) => all.loadModelFiles);
/** As `disposeModel` of `dovecote`. */
export const disposeModel = later((all) => all.disposeModel);
/** As `classify` of `dovecote`. */
export const classify = later((all) => all.classify);
/** As `compileModel` of `dovecote`. */
export const compileModel = later((all) => all.compileModel);
/** As `extractFeatures` of `dovecote`. */
export const extractFeatures = later((all) => all.extractFeatures);
/** As `fineTune` of `dovecote`. */
export const fineTune = later((all) => all.fineTune);
/** As `evaluateModel` of `dovecote`. */
export const evaluateModel = later((all) => all.evaluateModel);
/** As `gradCam` of `dovecote`. */
export const gradCam = later((all) => all.gradCam);
/** As `loadImage` of `dovecote`. */
export const loadImage = later((all) => all.loadImage);
/** As `loadPixels` of `dovecote`. */
export const loadPixels = later((all) => all.loadPixels);
/** As `convertBytes` of `dovecote`. */
export const convertBytes = later((all) => all.convertBytes);
/** As `exportFile` of `dovecote`. */
export const exportFile = later((all) => all.exportFile);
/** As `saveModel` of `dovecote`. */
export const saveModel = later((all) => all.saveModel);
/** As `listSavedModels` of `dovecote`. */
export const listSavedModels = later((all) => all.listSavedModels);
/** As `removeSavedModel` of `dovecote`. */
export const removeSavedModel = later((all) => all.removeSavedModel);

/** As `classifyStream` of `dovecote`. */
export async function* classifyStream(
  ...given: Parameters<typeof wholeStream>
): ReturnType<typeof wholeStream> {
  yield* (await library()).classifyStream(...given);
}

/** As `layerActivations` of `dovecote`. */
export async function* layerActivations(
  ...given: Parameters<typeof wholeActivations>
): ReturnType<typeof wholeActivations> {
  yield* (await library()).layerActivations(...given);
}
