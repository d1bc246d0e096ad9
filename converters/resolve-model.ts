import { FormatError } from '../src/base/errors.ts';
import type { JsonObject, LayerWeights } from '../src/base/types.ts';
import type { ModelGraph } from './graph.ts';
import { expectedWeights, type ExpectedLayer } from './keras/layer-weights.ts';
import { usesTheanoOrdering } from './keras/legacy.ts';
import { parseKerasConfig } from './keras/parse-config.ts';
import { layerTensors } from './keras3-weights/layer-tensors.ts';
import { ownLayerNotes, toTfjsTopology } from './keras/tfjs-topology.ts';
import { withUniqueNames } from './keras/unique-names.ts';
import { matchWeights, type MatchOptions } from './match-weights.ts';
import type { ModelFile } from './model-file.ts';

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

export interface ResolveOptions extends Pick<MatchOptions, 'by' | 'kernelOrder'> {
  /** Needed for weights-only files; for whole models it replaces the file's own topology. */
  readonly architecture?: Architecture;
}

/** What a model file comes to: its layers and the weights of each. */
export interface ResolvedModel {
  /** With a name of its own for every layer, those of nested models included. */
  readonly graph: ModelGraph;
  /** As `tf.loadLayersModel` takes it. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` for layers that tfjs cannot compute */
  readonly topology: () => JsonObject;
  /** For each layer its weights, by tfjs's names and in the order of Keras 2's files. */
  readonly layers: readonly LayerWeights[];
  /** What a user may want to know. */
  readonly notes: readonly string[];
  /** Which layers plain tfjs lacks. */
  readonly tfjsNotes: readonly string[];
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

/**
 * A file of Keras 3's format with the weights by the layers of a model: a tree of weights belongs to no layers until a
 * model says which object is which layer. Other files stay as they are.
 *
 * @param graph With a name of its own for every layer.
 * @throws WeightsError `WEIGHTS_COUNT`; FormatError `FORMAT_UNSUPPORTED` for quantized layers
 */
export function withLayersOf(file: ModelFile, graph: ModelGraph): ModelFile {
  const { weightTree, fileName } = file;
  if (weightTree === undefined) return file;
  const { layers, notes } = layerTensors(graph, weightTree, { fileName });
  return { ...file, layers, notes };
}

const treeNotes = (given: ModelFile, file: ModelFile) => (file === given ? [] : file.notes);

function resolveOwn(given: ModelFile, config: JsonObject, options: ResolveOptions): ResolvedModel {
  const { fileName, kerasVersion } = given;
  const parsed = parseKerasConfig(config, { fileName, kerasVersion });
  const graph = withUniqueNames(parsed);
  const file = withLayersOf(given, graph);
  const expected = expectedWeights(graph);
  // The names of a file's own config are those of its weight groups.
  const names = new Set(file.layers.map((layer) => layer.layer));
  const byName = expected.every((layer) => layer.weights.length === 0 || names.has(layer.layer));
  const weights = matchWeights(expected, file, {
    by: byName ? 'name' : 'position',
    kernelOrder: options.kernelOrder ?? keras1Backend(file),
    channelsFirstKernels: usesTheanoOrdering(config),
  });
  const known = new Set(expected.map((layer) => layer.layer));
  const unused = file.layers.filter((layer) => layer.weights.length > 0 && !known.has(layer.layer));
  const notes =
    byName && unused.length > 0 ? [`no layer takes ${unused.map((layer) => layer.layer).join(', ')}`] : [];
  return {
    graph,
    layers: expected.map(({ layer }, i) => ({ layer, weights: weights[i]! })),
    topology: () => toTfjsTopology(parsed, { fileName }),
    notes: [...treeNotes(given, file), ...notes],
    tfjsNotes: ownLayerNotes(parsed),
  };
}

function resolveArchitecture(
  given: ModelFile,
  architecture: Architecture,
  { by, kernelOrder }: ResolveOptions,
): ResolvedModel {
  const { topology } = architecture;
  const graph = withUniqueNames(parseKerasConfig(topology));
  const file = withLayersOf(given, graph);
  const expected = architecture.weights ?? expectedWeights(graph);
  const weights = matchWeights(expected, file, { by: file === given ? by : 'name', kernelOrder });
  return {
    graph,
    layers: expected.map(({ layer }, i) => ({ layer, weights: weights[i]! })),
    topology: () => topology,
    notes: treeNotes(given, file),
    tfjsNotes: [],
  };
}

/**
 * Brings the layers and the weights of a file together.
 *
 * @throws what `parseKerasConfig` and `matchWeights` throw, and `FORMAT_UNSUPPORTED` for weights without an
 *   architecture.
 */
export function resolveModelFile(file: ModelFile, options: ResolveOptions = {}): ResolvedModel {
  if (file.refusal !== undefined) throw file.refusal;
  if (options.architecture !== undefined) return resolveArchitecture(file, options.architecture, options);
  if (file.config !== undefined) return resolveOwn(file, file.config, options);
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
