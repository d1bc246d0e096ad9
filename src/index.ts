/** The isomorphic part of the SDK: what the Node and the browser entry share. */
// For its effect: plain tf.loadLayersModel knows these layers as soon as the package is imported.
import '../zoo/layers/index.ts';
import './layers/index.ts';
export * from './base/errors.ts';
export type { Pixels, Progress, ProgressCallback, ProgressUnit } from './base/types.ts';
export type { EmbeddedWeights, ModelCard, PreprocessingMode, WeightFile } from '../zoo/card.ts';
export type { BuildOptions } from '../zoo/build-options.ts';
export { defaultModel } from '../zoo/default-model.ts';
export { listCards as listModels } from '../zoo/registry.ts';
export type { ClassLabel } from '../zoo/labels/imagenet.ts';
export { imagenetLabels } from '../zoo/labels/imagenet.ts';
export { trainModel } from './transfer/train-model.ts';
export type { TrainModelOptions, TrainModelResult } from './transfer/train-model.ts';
export { buildClassifier } from './transfer/build-classifier.ts';
export type { BuildClassifierOptions } from './transfer/build-classifier.ts';
export { freeze, stagesOf, unfreezeFrom } from './training/stages.ts';
export type { Stage, UnfreezeOptions } from './training/stages.ts';
export { Learner } from './transfer/learner.ts';
export type {
  HeadFitOptions,
  LearnerOptions,
  LearnerResult,
  LearningRateOptions,
  StagesOptions,
  StagesResult,
} from './transfer/learner-options.ts';
export type { FitOptions, ScheduleFunction } from './transfer/fit-options.ts';
export type { LearningRateSearch } from './training/learning-rate-search.ts';
export { AdamW } from './optimizers/adam-w.ts';
export type { AdamWOptions } from './optimizers/adam-w.ts';
export { constantSchedule, cosineSchedule, oneCycleSchedule } from './optimizers/schedules.ts';
export type { CosineOptions, OneCycleOptions, Schedule } from './optimizers/schedules.ts';
export { Callback } from './callbacks/callback.ts';
export type { CallbackState, TrainingContext, WeightsSnapshot } from './callbacks/callback.ts';
export { EarlyStopping } from './callbacks/early-stopping.ts';
export type { EarlyStoppingOptions } from './callbacks/early-stopping.ts';
export { LearningRateScheduler } from './callbacks/learning-rate-scheduler.ts';
export type { MonitorMode } from './callbacks/monitor.ts';
export { ReduceLROnPlateau } from './callbacks/reduce-lr-on-plateau.ts';
export type { ReduceLROnPlateauOptions } from './callbacks/reduce-lr-on-plateau.ts';
export { registerTrainingKernels } from './training/kernels/register.ts';
export { loadModel } from './models/load-model.ts';
export type { LoadModelOptions, WeightsSource } from './models/load-model.ts';
export { loadModelFiles } from './models/load-model-file.ts';
export type { FileInMemory } from './models/model-files.ts';
export { loadArchitecture } from './models/load-architecture.ts';
export { disposeModel } from './models/dispose-model.ts';
export { getMetadata, labelsOf, setMetadata } from './models/metadata.ts';
export type { ModelMetadata } from './models/metadata.ts';
export { convertBytes } from './models/convert-bytes.ts';
export type { ConvertBytesOptions, ConvertedFile, ConvertedModel } from './models/convert-bytes.ts';
export type { ConversionFacts, ConvertOptions } from './models/convert.ts';
export type { ConversionCheck } from './models/check-conversion.ts';
export { inspect } from './models/inspect.ts';
export { formatInspection } from '../converters/index.ts';
export type { Inspection, OutputFormat, ReadLimits } from '../converters/index.ts';
export { classify, classifyStream } from './classify/classify.ts';
export type { Classification, ClassifyOptions, Prediction } from './classify/classify.ts';
export { loadImage, loadPixels } from './images/load-image.ts';
export type { LoadImageOptions } from './images/load-image.ts';
export type { ImageSource } from './images/image-source.ts';
export { preprocessInput, preprocessPixels } from './images/preprocess.ts';
export { resizePixels } from './images/resize.ts';
export type { ResizeFilter, ResizeMode, ResizeOptions } from './images/resize-options.ts';
export { compileModel } from './quantization/compile-model.ts';
export type { CompileModelOptions } from './quantization/compile-model.ts';
export type {
  CompiledModel,
  CompileOptions,
  EngineName,
  EngineOutput,
  Precision,
  PrecisionReport,
} from './engines/compiled-model.ts';
export { configureOnnxRuntime } from './engines/ort-settings.ts';
export type { OnnxRuntimeSettings } from './engines/ort-settings.ts';
export type { DeviceName, OnnxDevice } from './platform.ts';
export { exportFile } from './export/export-file.ts';
export type { ExportFileFormat, ExportFileOptions } from './export/export-file.ts';
export { features } from './engines/features.ts';
export { extractFeatures } from './transfer/extract-features.ts';
export type { FeatureOptions, Features } from './transfer/extract-features.ts';
export { fineTune } from './transfer/fine-tune.ts';
export type { FineTuneOptions, FineTuneResult } from './transfer/fine-tune.ts';
export type { AugmentOptions } from './transfer/augment.ts';
export type { ClassWeights } from './transfer/class-weights.ts';
export type { ClassMetrics, Evaluation } from './transfer/metrics.ts';
export type { EpochReport } from './training/epoch-report.ts';
export { datasetOf as labelledImages } from './datasets/labelled-images.ts';
export { splitDataset } from './datasets/split-dataset.ts';
export type { SplitDataset, SplitOptions } from './datasets/split-dataset.ts';
export { checkDataset } from './datasets/check-dataset.ts';
export type { CheckDatasetOptions, DatasetParts } from './datasets/check-dataset.ts';
export type { CheckedImage, DatasetReport, SameImages, UnreadableImage } from './datasets/dataset-report.ts';
export { toLabelledImages, toTensors } from './datasets/classics/classic.ts';
export type { ClassicDataset } from './datasets/classics/classic.ts';
export { datasetFrom } from './datasets/dataset-from.ts';
export type { DatasetSource } from './datasets/dataset-from.ts';
export type { DatasetPart, ImageDataset, LabelledImage, SkippedImage } from './datasets/labelled-images.ts';
export { summary, summaryRows, summaryTotals } from './reports/summary.ts';
export type { NestedTotals, SummaryRow, SummaryTotals } from './reports/summary.ts';
export { gradCam } from './explain/grad-cam.ts';
export type { GradCam, GradCamOptions } from './explain/grad-cam.ts';
export { drawHeatmap, overlayHeatmap } from './explain/overlay.ts';
export type { Heatmap, OverlayOptions } from './explain/overlay.ts';
export { layerActivations } from './explain/layer-activations.ts';
export type { Activation, ActivationLayer, ActivationOptions } from './explain/layer-activations.ts';
export { findSimilar } from './similar/find-similar.ts';
export type { FindSimilarOptions, SimilarRow } from './similar/find-similar.ts';
export { buildImageIndex } from './similar/image-index.ts';
export type { ImageIndex, ImageIndexOptions, SearchOptions, SimilarImage } from './similar/image-index.ts';
export { evaluateModel } from './evaluation/evaluate-model.ts';
export type { EvaluateOptions, EvaluationReport, WrongPicture } from './evaluation/evaluate-model.ts';
export type { Calibration, CalibrationBin, ClassReport, Means } from './evaluation/measures.ts';
export type { ImageDataLike, DomImage } from './images/image-source.ts';
export type { ModelShape, InputType, EngineInput } from './engines/compiled-model.ts';
export type { VariantOptions } from '../zoo/variants.ts';
export type { Accuracy, ModelVariant } from '../zoo/card.ts';
export type { Shape } from './reports/model-steps.ts';
export type { TensorRecord } from './callbacks/callback.ts';
export type { InputRecipe } from './pipeline/run-images.ts';
export type { CheckEngine } from './models/check-conversion.ts';
export type { ReadModelOptions } from './models/model-bytes.ts';
export type { SummaryOptions } from './reports/summary.ts';
export type { IndexContents, IndexOrigin } from './similar/image-index.ts';
