import * as tf from '@tensorflow/tfjs';
import { FileError } from '../base/errors.ts';
import type { JsonObject, NamedTensor } from '../base/types.ts';
import type { ModelFile, Quantization, ReadModelFileOptions, TfjsArtifacts } from '../../converters/index.ts';
import { readModelFile, writeTfjsModel } from '../../converters/index.ts';
import { describeGraphModel } from './graph-model.ts';
import { baseName } from './location.ts';
import { describeTeachable } from './teachable-machine.ts';

/** A file in memory. */
export interface FileInMemory {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ModelFilesOptions {
  readonly quantize?: Quantization | undefined;
  /** Default: the model's own. */
  readonly userDefinedMetadata?: object | undefined;
}

/** A model as a TensorFlow.js layers model: model.json and its weight files. */
export async function modelFilesOf(
  model: tf.LayersModel,
  { quantize, userDefinedMetadata = model.getUserDefinedMetadata() }: ModelFilesOptions = {},
): Promise<FileInMemory[]> {
  const { modelJson, shards } = writeTfjsModel({
    topology: model.toJSON(null, false) as JsonObject,
    weights: [await Promise.all(model.weights.map(tensorOf))],
    quantize,
    userDefinedMetadata: userDefinedMetadata as JsonObject | undefined,
    generatedBy: `TensorFlow.js tfjs-layers v${tf.version_layers}`,
  });
  return filesOfArtifacts({ modelJson, shards });
}

/** A TensorFlow.js layers model that was written in memory, as files. */
export function filesOfArtifacts({
  modelJson,
  shards,
}: Pick<TfjsArtifacts, 'modelJson' | 'shards'>): FileInMemory[] {
  const json = new TextEncoder().encode(JSON.stringify(modelJson));
  return [{ name: 'model.json', bytes: json }, ...(shards as readonly FileInMemory[])];
}

async function tensorOf(weight: tf.LayersModel['weights'][number]): Promise<NamedTensor> {
  const data = await weight.read().data();
  return {
    name: weight.originalName,
    shape: weight.shape as number[],
    dtype: weight.dtype as NamedTensor['dtype'],
    data,
  };
}

/**
 * Reads a model whose files are in memory: one `.h5`, `.keras` or `.safetensors` file, or a `model.json` with its weight
 * files, and of Teachable Machine its `metadata.json`.
 *
 * @throws FileError `FILE_NOT_FOUND` where a file is missing; FormatError `FORMAT_*`
 */
export async function readModelFiles(
  files: readonly FileInMemory[],
  options: Omit<ReadModelFileOptions, 'fileName' | 'readShard'> = {},
): Promise<ModelFile> {
  const byName = new Map(files.map((file) => [baseName(file.name), file]));
  const [first] = files;
  const main = byName.get('model.json') ?? first;
  if (main === undefined) throw missing('a model', files);
  const read = (name: string) => {
    const found = byName.get(baseName(name));
    return found === undefined ? Promise.reject(missing(name, files)) : Promise.resolve(found.bytes);
  };
  const file = await readModelFile(main.bytes, { ...options, fileName: main.name, readShard: read });
  return describeTeachable(describeGraphModel(file), read);
}

function missing(name: string, files: readonly FileInMemory[]): FileError {
  return new FileError('FILE_NOT_FOUND', `There is no ${name} among the files.`, {
    given: files.length === 0 ? 'no file' : files.map((file) => file.name).join(', '),
    expected: 'an .h5 or .keras file, or a model.json with all weight files that it names',
    nextStep: 'choose all files of the model together',
  });
}
