import type { ModelBytes } from './byte-source.ts';
import { readKerasHdf5, type ReadHdf5Options } from './hdf5/read-keras-hdf5.ts';
import type { ModelFile } from './model-file.ts';
import { resolveModelFile, type ResolvedModel, type ResolveOptions } from './resolve-model.ts';
import {
  streamTfjsModel,
  type TfjsArtifacts,
  type TfjsStream,
  type WriteTfjsOptions,
} from './tfjs/write-tfjs.ts';

export interface ConvertKerasOptions
  extends
    ReadHdf5Options,
    ResolveOptions,
    Pick<WriteTfjsOptions, 'quantize' | 'perChannel' | 'shardSizeBytes' | 'userDefinedMetadata'> {}

/**
 * Converts what `readModelFile` has read into a TensorFlow.js layers model, piece by piece.
 *
 * @throws what `resolveModelFile` and `streamTfjsModel` throw.
 */
export function streamModelFile(file: ModelFile, options: ConvertKerasOptions = {}): TfjsStream {
  return streamResolved(resolveModelFile(file, options), file, options);
}

/**
 * The same for a model that is resolved already.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER`, and what `streamTfjsModel` throws.
 */
export function streamResolved(
  model: ResolvedModel,
  file: ModelFile,
  options: Omit<WriteTfjsOptions, 'topology' | 'weights' | 'generatedBy'> = {},
): TfjsStream {
  const written = streamTfjsModel({
    topology: model.topology(),
    weights: model.layers.map(({ weights }) => weights),
    quantize: options.quantize,
    perChannel: options.perChannel,
    shardSizeBytes: options.shardSizeBytes,
    userDefinedMetadata: options.userDefinedMetadata,
    reuseBuffers: options.reuseBuffers,
    generatedBy: file.kerasVersion === '' ? undefined : `keras v${file.kerasVersion}`,
  });
  return {
    ...written,
    get notes() {
      return [...file.notes, ...model.notes, ...model.tfjsNotes, ...written.notes];
    },
  };
}

/** The same in memory. @throws what `streamModelFile` and its shards throw. */
export function convertModelFile(file: ModelFile, options: ConvertKerasOptions = {}): TfjsArtifacts {
  const stream = streamModelFile(file, options);
  const shards = [...stream.shards];
  return { modelJson: stream.modelJson, shards, notes: stream.notes };
}

/**
 * Converts a Keras 1 or 2 `.h5` file, whole model or weights only, into a TensorFlow.js layers model that plain
 * `tf.loadLayersModel` loads.
 *
 * @throws what `readKerasHdf5` and `convertModelFile` throw.
 */
export async function convertKeras(
  bytes: ModelBytes,
  options: ConvertKerasOptions = {},
): Promise<TfjsArtifacts> {
  const file = await readKerasHdf5(bytes, { fileName: options.fileName, limits: options.limits });
  return convertModelFile(file, options);
}
