import { DovecoteError, FormatError } from '../../src/base/errors.ts';
import type { JsonObject, LayerWeights, NamedTensor } from '../../src/base/types.ts';
import { halfToNumber } from '../hdf5/numbers.ts';
import { groupByLayer, nameBefore } from '../group-by-layer.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import { expectedWeights } from '../keras/layer-weights.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import { readLimits, type ModelFile, type ReadLimits } from '../model-file.ts';
import { BYTES, parseManifest, type WeightGroup, type WeightSpec } from './manifest.ts';

/** Bytes of a weight file, by its name relative to `model.json`. */
export type ReadShard = (name: string) => Promise<Uint8Array>;

export interface ReadTfjsOptions {
  /** Shown in errors. Default `model.json`. */
  readonly fileName?: string;
  readonly limits?: Partial<ReadLimits>;
}

function concatenated(shards: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let position = 0;
  for (const shard of shards) {
    out.set(shard, position);
    position += shard.length;
  }
  return out;
}

async function groupBytes(group: WeightGroup, readShard: ReadShard, fileName: string): Promise<Uint8Array> {
  const expected = group.specs.reduce((sum, spec) => sum + spec.count * BYTES[spec.stored], 0);
  const shards: Uint8Array[] = [];
  for (const path of group.paths) shards.push(await readShard(path));
  const given = shards.reduce((sum, shard) => sum + shard.length, 0);
  if (given === expected) return concatenated(shards, given);
  throw new FormatError(
    'FORMAT_DAMAGED',
    `The weight files of ${fileName} do not have the size that it states.`,
    {
      given: `${given} bytes in ${group.paths.length === 1 ? group.paths[0] : `${group.paths.length} files`}`,
      expected: `${expected} bytes`,
      nextStep: 'Fetch all files of the model again.',
    },
  );
}

function tensorOf(spec: WeightSpec, bytes: Uint8Array): NamedTensor {
  const { name, shape, dtype } = spec;
  // A copy: the bytes of one tensor need not be aligned within the group.
  const { buffer } = Uint8Array.from(bytes);
  if (spec.stored === 'float32') return { name, shape, dtype, data: new Float32Array(buffer) };
  if (spec.stored === 'int32') return { name, shape, dtype, data: new Int32Array(buffer) };
  if (spec.stored === 'bool') return { name, shape, dtype, data: new Uint8Array(buffer) };
  if (spec.stored === 'float16') {
    return { name, shape, dtype, data: Float32Array.from(new Uint16Array(buffer), halfToNumber) };
  }
  const values = spec.stored === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
  const value = (level: number) => level * spec.scale + spec.min;
  const data =
    dtype === 'int32'
      ? Int32Array.from(values, (level) => Math.round(value(level)))
      : Float32Array.from(values, value);
  return { name, shape, dtype, data };
}

/** By the layers of the topology where the names agree with it, else by the part of each name before the last `/`. */
function byLayer(topology: JsonObject, tensors: readonly NamedTensor[], fileName: string): LayerWeights[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  try {
    const layers = expectedWeights(parseKerasConfig(topology, { fileName }));
    const names = layers.flatMap((layer) => layer.weights.map((weight) => weight.name));
    if (names.length === tensors.length && names.every((name) => byName.has(name))) {
      return layers.map(({ layer, weights }) => ({
        layer,
        weights: weights.map(({ name }) => byName.get(name)!),
      }));
    }
  } catch (error) {
    // Topologies of other versions are no reason to refuse the weights.
    if (!(error instanceof DovecoteError)) throw error;
  }
  return groupByLayer(tensors, (name) => nameBefore('/', name));
}

function topologyOf(modelJson: JsonObject, fileName: string): JsonObject {
  const format = stringOf(modelJson.format);
  const topology = modelJson.modelTopology;
  if (format === 'graph-model' || (isJsonObject(topology) && Array.isArray(topology.node))) {
    throw new FormatError('FORMAT_UNSUPPORTED', `${fileName} is a TensorFlow.js graph model.`, {
      given: `format: ${format ?? 'graph-model'}`,
      expected: 'a layers model (format "layers-model")',
      nextStep: 'Convert the original Keras model as a layers model.',
    });
  }
  if (!isJsonObject(topology)) {
    throw new FormatError(
      'FORMAT_UNKNOWN',
      `${fileName} is not the model.json of a TensorFlow.js layers model.`,
      {
        given: `JSON: an object with ${Object.keys(modelJson).slice(0, 6).join(', ') || 'nothing in it'}`,
        expected: 'modelTopology and weightsManifest',
        nextStep: 'Give the model.json that was saved with the model.',
      },
    );
  }
  return topology;
}

/**
 * Reads a TensorFlow.js layers model, quantized or not. Weight files that would lie outside of the model's folder
 * are refused before anything is read.
 *
 * @throws FormatError `FORMAT_UNKNOWN`, `FORMAT_DAMAGED`, `FORMAT_UNSAFE`, `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED`, and
 *   whatever `readShard` throws.
 */
export async function readTfjsModel(
  modelJson: unknown,
  readShard: ReadShard,
  options: ReadTfjsOptions = {},
): Promise<ModelFile> {
  const fileName = options.fileName ?? 'model.json';
  if (!isJsonObject(modelJson)) {
    throw new FormatError('FORMAT_UNKNOWN', `${fileName} is not a JSON object.`, {
      given: excerpt(modelJson),
      expected: 'an object with modelTopology and weightsManifest',
      nextStep: 'Give the model.json that was saved with the model.',
    });
  }
  const topology = topologyOf(modelJson, fileName);
  // The sizes of the weight files are not known yet; what they must hold is checked against them one by one.
  const limits = readLimits(64 * 1024 * 1024, options.limits);
  const groups = parseManifest(modelJson, fileName, limits);
  const tensors: NamedTensor[] = [];
  for (const group of groups) {
    const bytes = await groupBytes(group, readShard, fileName);
    let offset = 0;
    for (const spec of group.specs) {
      const end = offset + spec.count * BYTES[spec.stored];
      tensors.push(tensorOf(spec, bytes.subarray(offset, end)));
      offset = end;
    }
  }
  const quantized = new Set(
    groups.flatMap(({ specs }) => specs.filter((s) => s.stored !== s.dtype).map((s) => s.stored)),
  );
  const metadata = modelJson.userDefinedMetadata;
  const backend = stringOf(topology.backend);
  return {
    kind: 'tfjs-layers-model',
    fileName,
    kerasVersion: stringOf(topology.keras_version) ?? 'unknown',
    ...(backend === undefined ? {} : { backend }),
    config: isJsonObject(topology.model_config) ? topology.model_config : topology,
    ...(isJsonObject(metadata) ? { userDefinedMetadata: metadata } : {}),
    layers: byLayer(topology, tensors, fileName),
    notes: [...quantized].map((dtype) => `weights stored as ${dtype} were expanded`),
  };
}
