/**
 * All of Dovecote in Node: networks, images, training, evaluation, conversion, and what needs a disk.
 *
 * @module dovecote
 */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readImageFolder } from './datasets/image-folder.node.ts';
import { picturesBelow } from './datasets/pictures-below.node.ts';
import { readDataset } from './datasets/read-dataset.node.ts';
import { createOnnxSessionNode } from './engines/ort-session.node.ts';
import { prepareTfjsNode } from './engines/tfjs-backend.node.ts';
import { decodeImageNode } from './images/decode.node.ts';
import { registerPlatform } from './platform.ts';
import { checkpointFileNode } from './training/checkpoint-file.node.ts';
import { openFeatureStoreNode, sha256Node } from './training/feature-store.node.ts';
import { nativeOperatorsNode } from './training/native-operators.node.ts';
import { mismatch } from './weights/published-file.ts';
import { openCached, openLocation, readLocation } from './weights/index.node.ts';

registerPlatform({
  name: 'node',
  readBytes: readLocation,
  openFile: openLocation,
  isFolder,
  openCached,
  readAsset: async (file, options) => {
    const bytes = await readLocation(file.url, { label: file.fileName, ...options });
    return { bytes, problem: await mismatch(bytes, file) };
  },
  readImageFolder,
  readDataset,
  listPictures: picturesBelow,
  decodeImage: decodeImageNode,
  prepareTfjs: prepareTfjsNode,
  createOnnxSession: createOnnxSessionNode,
  nativeOperators: nativeOperatorsNode,
  sha256: sha256Node,
  openFeatureStore: openFeatureStoreNode,
  checkpointFile: checkpointFileNode,
});

async function isFolder(location: string): Promise<boolean> {
  if (/^(https?|data|blob):/i.test(location)) return false;
  try {
    return (await stat(location.startsWith('file:') ? fileURLToPath(location) : location)).isDirectory();
  } catch {
    return false;
  }
}

export * from './index.ts';
export { convert } from './models/convert.node.ts';
export type { ConvertFileOptions, ConvertResult } from './models/convert.node.ts';
export { saveModel } from './models/save-model.node.ts';
export type { SaveModelOptions } from './models/save-model.node.ts';
export { readImageFolder } from './datasets/image-folder.node.ts';
export { readImageCsv } from './datasets/image-csv.node.ts';
export type { ImageCsvOptions } from './datasets/image-csv.node.ts';
export { readImageJsonl } from './datasets/image-jsonl.node.ts';
export type { ImageTableOptions } from './datasets/table-rows.node.ts';
export { readDataset } from './datasets/read-dataset.node.ts';
export { checkOutputFolder } from './output/write-folder.node.ts';
export { checkOutputFile } from './output/write-file.node.ts';
export { describeModels } from './models/describe-models.node.ts';
export type { ModelDescription } from './models/describe-models.node.ts';
export { cacheFolder, clearCache, listCache, verifyCache } from './weights/index.node.ts';
export { diagnose } from './diagnosis/diagnose.node.ts';
export type { Availability, Diagnosis, Remark } from './diagnosis/diagnosis.ts';
export { activationSheet } from './explain/activation-sheet.node.ts';
export type { SheetOptions } from './explain/activation-sheet.node.ts';
export { checkExplanationFolder, writeExplanation } from './explain/write-explanation.node.ts';
export type { Explanation, ExplanationOptions } from './explain/write-explanation.node.ts';
export { loadImageIndex, saveImageIndex } from './similar/index-file.node.ts';
export type { LoadImageIndexOptions } from './similar/index-file.node.ts';
export { loadFashionMnist, loadMnist } from './datasets/classics/load-mnist.node.ts';
export type { LoadClassicOptions } from './datasets/classics/load-mnist.node.ts';
export { loadNotMnist } from './datasets/classics/load-notmnist.node.ts';
export { loadCifar10, loadCifar100 } from './datasets/classics/load-cifar.node.ts';
export type { LoadCifar100Options } from './datasets/classics/load-cifar.node.ts';
export { augmentSheet } from './transfer/augment-sheet.node.ts';
export type { AugmentSheet, AugmentSheetOptions } from './transfer/augment-sheet.node.ts';
export { baselines } from './baselines/baselines.node.ts';
export type { Baselines, BaselinesOptions } from './baselines/baselines.node.ts';
export { compareBaselines } from './baselines/compare-baselines.node.ts';
export type {
  BaselineName,
  BaselineResult,
  CompareBaselinesOptions,
  LabelledFeatures,
} from './baselines/compare-baselines.node.ts';
export { CSVLogger } from './callbacks/csv-logger.node.ts';
export type { CSVLoggerOptions } from './callbacks/csv-logger.node.ts';
export { ModelCheckpoint } from './callbacks/model-checkpoint.node.ts';
export type { ModelCheckpointOptions } from './callbacks/model-checkpoint.node.ts';
export { ProgressBar } from './callbacks/progress-bar.node.ts';
export type { ProgressBarOptions } from './callbacks/progress-bar.node.ts';
export { TensorBoard } from './callbacks/tensor-board.node.ts';
export type { TensorBoardOptions } from './callbacks/tensor-board.node.ts';
export { TensorBoardWriter } from './tensorboard/event-writer.node.ts';
export type { SummaryValue } from './tensorboard/event-file.ts';
export type { Histogram } from './tensorboard/histogram.ts';
export { writeReport } from './evaluation/write-report.node.ts';
export type { WriteReportOptions } from './evaluation/write-report.node.ts';
export { exportModel } from './export/export-model.node.ts';
export type { ExportedFile, ExportFormat, ExportOptions, ExportResult } from './export/export-model.node.ts';
export type { CacheOptions, LockOptions, RetryOptions, TimeoutOptions } from './weights/options.ts';
export type { OutputFile, WriteFolderOptions } from './output/write-folder.node.ts';
export type { ClearedCache, ClearOptions } from './weights/clear-cache.node.ts';
export type { CacheEntry } from './weights/list-cache.node.ts';
export type { CacheFinding, CacheStatus, VerifyOptions } from './weights/verify-cache.node.ts';
export type { OutputKind } from './output/place-folder.node.ts';
export type { WriteFileOptions } from './output/write-file.node.ts';
