import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { masksForTfjs } from './explicit-masks.ts';
import { modelJson } from './graph-json.ts';
import { joinsMasks, maskedLayers, takesMasks } from './mask-flow.ts';
import { ownClass, ownPart, type LayerInput } from './own-layers.ts';
import { parseKerasConfig } from './parse-config.ts';
import { inferRanks } from './ranks.ts';
import { cleanConfig } from './tfjs-cleaning.ts';
import { withCopies } from './tfjs-copies.ts';
import { plainLayer } from './tfjs-operations.ts';
import { OF_HEADS, OF_LIST, SEQUENCES } from './mask-roles.ts';
import { statesForTfjs } from './tfjs-states.ts';
import { withUniqueNames } from './unique-names.ts';
import {
  identityAtInference,
  innerInput,
  innerLayers,
  isModel,
  mapInnerLayers,
  tfjsProblem,
  type InnerLayer,
} from './tfjs-support.ts';

/** What each layer's place in its graph tells. */
function inputsOf(graph: ModelGraph): (layer: GraphLayer) => LayerInput {
  const ranks = inferRanks(graph).inputs;
  const masked = maskedLayers(graph);
  return (layer) => ({ rank: ranks.get(layer.name), masked: masked.has(layer.name) });
}

/** A model in a wrapper, as a graph. It is read again, from the words that `parseKerasConfig` gave it. */
const modelIn = ({ className, config }: InnerLayer) => parseKerasConfig({ class_name: className, config });

/**
 * What tfjs does wrong with masks: it hands one on to whatever it runs next, whether that one's inputs have a mask or
 * not, and those that merging layers make have an axis too many.
 */
function maskProblems(graph: ModelGraph): (layer: GraphLayer) => string | undefined {
  const masked = maskedLayers(graph);
  const rightly = maskedLayers(
    graph,
    (layer) => joinsMasks(layer) && ownClass(layer.className, layer.config, { masked: true }) === undefined,
  );
  return (layer) => {
    if (masked.size === 0 || !takesMasks(layer)) return undefined;
    if (layer.nested !== undefined)
      return 'there are masks in the model, which TensorFlow.js would mix up here';
    if (masked.has(layer.name) && !rightly.has(layer.name))
      return 'its mask comes through a layer that merges, and TensorFlow.js gets such masks wrong';
    if (SEQUENCES.has(layer.className) && layer.inbound.some((refs) => refs.length > 1))
      return 'it is given states in a model with masks that TensorFlow.js hands on';
    if (masked.has(layer.name) && (OF_LIST.has(layer.className) || OF_HEADS.has(layer.className)))
      return 'masks reach it, and TensorFlow.js would not take them';
    const harmless = ['GlobalAveragePooling1D', 'Softmax', 'TimeDistributed'].includes(layer.className);
    if (masked.has(layer.name) || harmless) return undefined;
    return 'no mask reaches it, but TensorFlow.js would give it that of another layer';
  };
}

/** The graph as tfjs is to have it: with masks and states stated where it would hand them on wrongly. */
const forTfjs = (graph: ModelGraph) => statesForTfjs(masksForTfjs(graph));
const innerForTfjs = (layer: InnerLayer) => statesForTfjs(masksForTfjs(modelIn(layer)), true);

/** One line for each layer that TensorFlow.js cannot compute as Keras does, nested models included. */
export function layerProblems(graph: ModelGraph): string[] {
  return problemsIn(forTfjs(graph), '');
}

function problemsIn(graph: ModelGraph, prefix: string): string[] {
  const inputOf = inputsOf(graph);
  const maskProblem = maskProblems(graph);
  return graph.layers.flatMap((layer) => {
    const label = `${prefix}${layer.name}`;
    const line = (problem: string) => `${label} (${layer.className}): ${problem}`;
    const kwargs = layer.callArguments?.flatMap((call) => Object.keys(call)) ?? [];
    const problems = kwargs.length > 0 ? [line(`it is called with ${[...new Set(kwargs)].join(', ')}`)] : [];
    const mask = maskProblem(layer);
    if (mask !== undefined) problems.push(line(mask));
    if (layer.nested !== undefined) return [...problems, ...problemsIn(layer.nested, `${label} > `)];
    const problem = tfjsProblem(layer.className, layer.config, inputOf(layer));
    if (problem !== undefined) problems.push(line(problem));
    const models = innerLayers(layer.config).filter(isModel);
    return [...problems, ...models.flatMap((model) => problemsIn(innerForTfjs(model), `${label} > `))];
  });
}

function* innerParts(className: string, config: JsonObject, outer: LayerInput): Generator<string> {
  const input = innerInput(className, outer);
  for (const layer of innerLayers(config)) {
    if (isModel(layer)) {
      for (const [part] of ownParts(innerForTfjs(layer))) yield part;
      continue;
    }
    const part = ownPart(layer.className, layer.config, input);
    if (part !== undefined) yield part;
    yield* innerParts(layer.className, layer.config, input);
  }
}

function* ownParts(graph: ModelGraph, prefix = ''): Generator<[part: string, layer: string]> {
  const inputOf = inputsOf(graph);
  const plainly = plainLayer(graph);
  for (const layer of graph.layers) {
    if (layer.nested !== undefined) yield* ownParts(layer.nested, `${prefix}${layer.name} > `);
    const { className, config } = plainly(layer) ?? layer;
    const input = inputOf(layer);
    const part = ownPart(className, config, input);
    if (part !== undefined) yield [part, prefix + layer.name];
    else for (const inner of innerParts(className, config, input)) yield [inner, prefix + layer.name];
  }
}

/** A note that names the layers which plain tfjs lacks and this package registers; none when there is no such layer. */
export function ownLayerNotes(graph: ModelGraph): string[] {
  const byPart = new Map<string, string[]>();
  for (const [part, layer] of ownParts(forTfjs(graph))) {
    const layers = byPart.get(part) ?? [];
    if (!layers.includes(layer)) byPart.set(part, [...layers, layer]);
  }
  if (byPart.size === 0) return [];
  const list = [...byPart].map(([part, layers]) => {
    const more = layers.length > 3 ? ` and ${layers.length - 3} more` : '';
    return `${part} (${layers.slice(0, 3).join(', ')}${more})`;
  });
  return [
    `TensorFlow.js itself lacks ${list.join(', ')}: import dovecote before tf.loadLayersModel, which then finds them`,
  ];
}

/**
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER`: one error that names every layer that TensorFlow.js cannot compute.
 */
function requireTfjsLayers(graph: ModelGraph, fileName: string): void {
  const problems = layerProblems(graph);
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one layer' : `${problems.length} layers`;
  throw new FormatError(
    'FORMAT_UNSUPPORTED_LAYER',
    `${fileName} has ${count} that TensorFlow.js cannot compute:\n    ${problems.join('\n    ')}`,
    {
      given: problems.map((problem) => problem.split('\n')[0]).join('; '),
      expected: 'layers of Keras that TensorFlow.js has, with the options that it knows',
      nextStep: 'Replace these layers in Python with built-in ones and save the model again.',
    },
  );
}

function wrappedLayer(layer: InnerLayer, input: LayerInput): JsonValue {
  if (isModel(layer)) {
    const graph = withCopies(innerForTfjs(layer));
    return modelJson(graph, graph.name, describeIn);
  }
  const { className, config } = layer;
  return {
    class_name: ownClass(className, config, input) ?? className,
    config: layerConfig(className, config, input),
  };
}

function layerConfig(className: string, config: JsonObject, input: LayerInput): JsonObject {
  const inner = innerInput(className, input);
  const clean = mapInnerLayers(cleanConfig(className, config), (layer) => wrappedLayer(layer, inner));
  if (className === 'InputLayer') clean.sparse = config.sparse === true;
  return clean;
}

function describeIn(graph: ModelGraph) {
  const inputOf = inputsOf(graph);
  const plainly = plainLayer(graph);
  return (layer: GraphLayer): { class_name: string; config: JsonObject } => {
    if (identityAtInference(layer.className)) {
      const { name, trainable = true, rate = 0 } = layer.config;
      return { class_name: 'Dropout', config: { name: name!, trainable, rate } };
    }
    const { className, config } = plainly(layer) ?? layer;
    const input = inputOf(layer);
    return {
      class_name: ownClass(className, config, input) ?? className,
      config: layerConfig(className, config, input),
    };
  };
}

/**
 * The `modelTopology` that `tf.loadLayersModel` takes: Keras 2's vocabulary less what tfjs-layers 4.22 does not
 * know, and with the layers of this package where tfjs has none (`ownLayerNotes` names them). Initial values are zeros (the weights replace them), regularizers that tfjs lacks and all
 * constraints are left out (they matter to training only), `SpatialDropout2D` becomes `Dropout` (both pass their input on at inference),
 * and layers of nested models whose name is taken get the nested model's name in front.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER` naming every layer that tfjs cannot compute as Keras does: custom
 *   classes and Lambda, layers that it lacks, options that it would ignore.
 */
export function toTfjsTopology(graph: ModelGraph, options: { fileName?: string } = {}): JsonObject {
  requireTfjsLayers(graph, options.fileName ?? 'the model');
  const unique = withCopies(forTfjs(withUniqueNames(graph)));
  return {
    ...modelJson(unique, unique.name, describeIn),
    keras_version: '2.15.0',
    backend: 'tensorflow',
  };
}
