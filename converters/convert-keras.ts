import { FormatError } from '../src/base/errors.ts';
import type { JsonObject, NamedTensor } from '../src/base/types.ts';
import type { ModelBytes } from './byte-source.ts';
import { readKerasHdf5, type ReadHdf5Options } from './hdf5/read-keras-hdf5.ts';
import { expectedWeights, type ExpectedLayer } from './keras/layer-weights.ts';
import { usesTheanoOrdering } from './keras/legacy.ts';
import { parseKerasConfig } from './keras/parse-config.ts';
import { ownLayerNotes, toTfjsTopology, withUniqueNames } from './keras/tfjs-topology.ts';
import { matchWeights, type MatchOptions } from './match-weights.ts';
import type { ModelFile } from './model-file.ts';
import { writeTfjsModel, type TfjsArtifacts, type WriteTfjsOptions } from './tfjs/write-tfjs.ts';

/** A network that the caller knows, for files that hold weights only. */
export interface Architecture {
  /** What `model.toJSON(null, false)` of tfjs gives; it is written as it is. */
  readonly topology: JsonObject;
  /**
   * `model.layers.map((layer) => ({ layer: layer.name, weights: layer.weights.map((weight) => ({ name:
   * weight.originalName, shape: weight.shape })) }))`. Without it, names and what is known of the shapes come from
   * the topology.
   */
  readonly weights?: readonly ExpectedLayer[];
}

export interface ConvertKerasOptions
  extends
    ReadHdf5Options,
    Pick<MatchOptions, 'kernelOrder'>,
    Pick<WriteTfjsOptions, 'quantize' | 'shardSizeBytes' | 'userDefinedMetadata'> {
  /** Needed for weights-only files; for whole models it replaces the file's own topology. */
  readonly architecture?: Architecture;
  /** How the file's layers find the architecture's. Default as in `matchWeights`. */
  readonly by?: MatchOptions['by'];
}

interface Matched {
  readonly topology: JsonObject;
  readonly weights: NamedTensor[][];
  readonly notes: readonly string[];
}

/**
 * Whole models of Keras 1 do not state their backend, but TensorFlow ends the names of its variables with `:0` and
 * Theano does not. Weights-only files were often converted from one to the other, names and all.
 */
function keras1Backend(file: ModelFile): MatchOptions['kernelOrder'] {
  const names = file.layers.flatMap((layer) => layer.weights.map((weight) => weight.name));
  if (file.backend !== undefined || !file.kerasVersion.startsWith('1') || names.length === 0) return 'auto';
  return names.some((name) => name.endsWith(':0')) ? 'tensorflow' : 'theano';
}

function matchOwn(file: ModelFile, config: JsonObject, options: ConvertKerasOptions): Matched {
  const { fileName } = file;
  const graph = parseKerasConfig(config, { fileName, kerasVersion: file.kerasVersion });
  const topology = toTfjsTopology(graph, { fileName });
  const expected = expectedWeights(withUniqueNames(graph));
  // The names of a file's own config are those of its weight groups.
  const names = new Set(file.layers.map((layer) => layer.layer));
  const byName = expected.every((layer) => layer.weights.length === 0 || names.has(layer.layer));
  const by = byName ? 'name' : 'position';
  const channelsFirstKernels = usesTheanoOrdering(config);
  const kernelOrder = options.kernelOrder ?? keras1Backend(file);
  const weights = matchWeights(expected, file, {
    by,
    kernelOrder,
    channelsFirstKernels,
  });
  const known = new Set(expected.map((layer) => layer.layer));
  const unused = file.layers.filter((layer) => layer.weights.length > 0 && !known.has(layer.layer));
  const notes =
    byName && unused.length > 0 ? [`no layer takes ${unused.map((layer) => layer.layer).join(', ')}`] : [];
  return { topology, weights, notes: [...notes, ...ownLayerNotes(graph)] };
}

function matchArchitecture(
  file: ModelFile,
  architecture: Architecture,
  options: ConvertKerasOptions,
): Matched {
  const { topology } = architecture;
  const expected = architecture.weights ?? expectedWeights(withUniqueNames(parseKerasConfig(topology)));
  return {
    topology,
    weights: matchWeights(expected, file, { by: options.by, kernelOrder: options.kernelOrder }),
    notes: [],
  };
}

function nanNotes(weights: readonly (readonly NamedTensor[])[]): string[] {
  return weights.flat().flatMap((tensor) => {
    const bad =
      tensor.dtype === 'float32' ? tensor.data.filter((value) => !Number.isFinite(value)).length : 0;
    return bad === 0 ? [] : [`${tensor.name} holds ${bad} values that are NaN or infinite`];
  });
}

/**
 * Converts what `readModelFile` has read into a TensorFlow.js layers model.
 *
 * @throws what `parseKerasConfig`, `toTfjsTopology`, `matchWeights` and `writeTfjsModel` throw, and
 *   `FORMAT_UNSUPPORTED` for weights without an architecture.
 */
export function convertModelFile(file: ModelFile, options: ConvertKerasOptions = {}): TfjsArtifacts {
  if (file.refusal !== undefined) throw file.refusal;
  let matched: Matched;
  if (options.architecture !== undefined) matched = matchArchitecture(file, options.architecture, options);
  else if (file.config !== undefined) matched = matchOwn(file, file.config, options);
  else {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `${file.fileName} holds weights only, without the model's layers.`,
      {
        given: `weights of ${file.layers.length} layers, and no model config`,
        expected: 'a whole model (model.save), or the architecture that the weights belong to',
        nextStep: 'Name the architecture (--architecture NAME), or save the whole model.',
      },
    );
  }
  const written = writeTfjsModel({
    topology: matched.topology,
    weights: matched.weights,
    quantize: options.quantize,
    shardSizeBytes: options.shardSizeBytes,
    userDefinedMetadata: options.userDefinedMetadata,
    generatedBy: file.kerasVersion === '' ? undefined : `keras v${file.kerasVersion}`,
  });
  return {
    ...written,
    notes: [...file.notes, ...matched.notes, ...nanNotes(matched.weights), ...written.notes],
  };
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
