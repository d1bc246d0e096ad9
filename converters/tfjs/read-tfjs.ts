import { DovecoteError, FormatError } from '../../src/base/errors.ts';
import type { JsonObject, LayerWeights, WeightTensor } from '../../src/base/types.ts';
import { groupByLayer, nameBefore } from '../group-by-layer.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import { expectedWeights } from '../keras/layer-weights.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import type { ModelFile } from '../model-file.ts';
import { isGraphModel, readGraphModel } from '../tfjs-graph/read-graph-model.ts';
import { withoutChannelScales } from './channel-scales.ts';
import { readWeights, type ReadShard, type ReadTfjsOptions } from './read-weights.ts';

/** By the layers of the topology where the names agree with it, else by the part of each name before the last `/`. */
function byLayer(topology: JsonObject, tensors: readonly WeightTensor[], fileName: string): LayerWeights[] {
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
  const topology = modelJson.modelTopology;
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
 * Reads a TensorFlow.js model, quantized or not: a layers model, or a graph model, whose operations become layers (see
 * `readGraphModel`). Weight files that would lie outside of the model's folder are refused before anything is read.
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
  if (isGraphModel(modelJson)) return readGraphModel(modelJson, readShard, options);
  const stored = topologyOf(modelJson, fileName);
  const { tensors: all, notes } = await readWeights(modelJson, readShard, options);
  const { topology, tensors } = withoutChannelScales(stored, all);
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
    notes,
  };
}
