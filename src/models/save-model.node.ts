import type * as tf from '@tensorflow/tfjs';
import type { Quantization } from '../../converters/index.ts';
import type { OutputFile } from '../output/write-folder.node.ts';
import { modelFilesOf } from './model-files.ts';
import { requireModel } from './require-model.ts';
import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';

export interface SaveModelOptions {
  /** Replace an earlier output. Default false. */
  readonly force?: boolean;
  /** Default `none`. */
  readonly quantize?: Quantization;
  /** Written beside the model. */
  readonly extraFiles?: readonly OutputFile[];
  readonly signal?: AbortSignal;
}

/**
 * Writes a model as a plain TensorFlow.js layers model, with its user-defined metadata (labels, preprocessing, input
 * size). The folder is written whole or not at all. The model stays the caller's.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; UsageError `USAGE_ARGUMENT`; ModelError
 * `MODEL_INPUT` (a model that was disposed of); AbortedError `ABORTED`
 */
export async function saveModel(
  model: tf.LayersModel,
  folder: string,
  { force, quantize, extraFiles = [], signal }: SaveModelOptions = {},
): Promise<void> {
  requireModel(model, 'model');
  await checkOutputFolder(folder, force);
  const files = await modelFilesOf(model, { quantize });
  await writeFolder(folder, [...files, ...extraFiles], { force, signal });
}
