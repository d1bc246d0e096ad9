import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { cleanConfig } from './tfjs-cleaning.ts';
import { ownClass, ownPart } from './own-layers.ts';
import { inferRanks } from './ranks.ts';
import { axisProblem, identityAtInference, tfjsProblem } from './tfjs-support.ts';

/** One line for each layer that TensorFlow.js cannot compute as Keras does, nested models included. */
export function layerProblems(graph: ModelGraph, prefix = ''): string[] {
  const ranks = inferRanks(graph).inputs;
  return graph.layers.flatMap((layer) => {
    const label = `${prefix}${layer.name}`;
    const kwargs = layer.callArguments?.flatMap((call) => Object.keys(call)) ?? [];
    const call =
      kwargs.length > 0 ? [`${label} (${layer.className}): it is called with ${kwargs.join(', ')}`] : [];
    if (layer.nested !== undefined) return [...call, ...layerProblems(layer.nested, `${label} > `)];
    const axis =
      layer.className === 'BatchNormalization' ? axisProblem(layer.config, ranks.get(layer.name)) : undefined;
    const problem = tfjsProblem(layer.className, layer.config) ?? axis;
    return problem === undefined ? call : [`${label} (${layer.className}): ${problem}`];
  });
}

function* ownParts(graph: ModelGraph, prefix = ''): Generator<[part: string, layer: string]> {
  for (const layer of graph.layers) {
    if (layer.nested !== undefined) yield* ownParts(layer.nested, `${prefix}${layer.name} > `);
    const inner = layer.config.layer;
    const wrapped = isJsonObject(inner) && isJsonObject(inner.config) ? inner : undefined;
    const part =
      ownPart(layer.className, layer.config) ??
      (wrapped && ownPart(stringOf(wrapped.class_name) ?? '', wrapped.config as JsonObject));
    if (part !== undefined) yield [part, prefix + layer.name];
  }
}

/** A note that names the layers which plain tfjs lacks and this package registers; none when there is no such layer. */
export function ownLayerNotes(graph: ModelGraph): string[] {
  const byPart = new Map<string, string[]>();
  for (const [part, layer] of ownParts(graph)) byPart.set(part, [...(byPart.get(part) ?? []), layer]);
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

function wrappedLayer(value: JsonValue): JsonValue {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return value;
  const className = stringOf(value.class_name) ?? '';
  return {
    class_name: ownClass(className, value.config) ?? className,
    config: layerConfig(className, value.config),
  };
}

function layerConfig(className: string, config: JsonObject): JsonObject {
  const clean = cleanConfig(className, config);
  if (clean.layer !== undefined) clean.layer = wrappedLayer(clean.layer);
  if (className === 'InputLayer') clean.sparse = config.sparse === true;
  return clean;
}

/** tfjs counts a nested model's creation as node 0, so that its first call is node 1. */
function refOf(ref: TensorRef, graph: ModelGraph): JsonValue[] {
  const nested = graph.layers.find((layer) => layer.name === ref.layer)?.nested !== undefined;
  return [ref.layer, ref.node + (nested ? 1 : 0), ref.tensor];
}

/** Keras allows the same layer name in two nested models, tfjs does not: its weight names have no path. */
function uniqueNames(graph: ModelGraph, path: string, taken: Set<string>): Map<string, string> {
  const rename = new Map<string, string>();
  for (const layer of graph.layers) {
    let name = layer.name;
    if (path !== '' && taken.has(name)) name = `${path}/${layer.name}`;
    for (let i = 1; taken.has(name); i++) name = `${path}/${layer.name}_${i}`;
    taken.add(name);
    if (name !== layer.name) rename.set(layer.name, name);
  }
  return rename;
}

/**
 * The same graph with layer names that are unique across all nested models. The outermost model's names never
 * change.
 */
export function withUniqueNames(graph: ModelGraph, path = '', taken = new Set<string>()): ModelGraph {
  const rename = uniqueNames(graph, path, taken);
  const ref = (item: TensorRef): TensorRef => ({ ...item, layer: rename.get(item.layer) ?? item.layer });
  const layers = graph.layers.map((layer): GraphLayer => {
    const name = rename.get(layer.name) ?? layer.name;
    const nested = layer.nested === undefined ? {} : { nested: withUniqueNames(layer.nested, name, taken) };
    const inbound = layer.inbound.map((call) => call.map(ref));
    return { ...layer, name, config: { ...layer.config, name }, inbound, ...nested };
  });
  return { ...graph, layers, inputs: graph.inputs.map(ref), outputs: graph.outputs.map(ref) };
}

function layerJson(layer: GraphLayer, graph: ModelGraph): JsonObject {
  const functional: JsonObject = {};
  if (graph.kind === 'functional') {
    functional.name = layer.name;
    functional.inbound_nodes = layer.inbound.map((call) => call.map((ref) => [...refOf(ref, graph), {}]));
  }
  if (layer.nested !== undefined)
    return { ...modelJson(layer.nested, layer.name, layer.config), ...functional };
  if (identityAtInference(layer.className)) {
    const { name, trainable = true, rate = 0 } = layer.config;
    return { class_name: 'Dropout', config: { name: name!, trainable, rate }, ...functional };
  }
  const className = ownClass(layer.className, layer.config) ?? layer.className;
  return { class_name: className, config: layerConfig(layer.className, layer.config), ...functional };
}

function modelJson(graph: ModelGraph, name: string, extra: JsonObject = {}): JsonObject {
  const layers = graph.layers.map((layer) => layerJson(layer, graph));
  const trainable: JsonObject = extra.trainable === undefined ? {} : { trainable: extra.trainable };
  if (graph.kind === 'sequential')
    return { class_name: 'Sequential', config: { name, layers, ...trainable } };
  const config: JsonObject = {
    name,
    layers,
    input_layers: graph.inputs.map((ref) => refOf(ref, graph)),
    output_layers: graph.outputs.map((ref) => refOf(ref, graph)),
    ...trainable,
  };
  return { class_name: 'Model', config };
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
  const unique = withUniqueNames(graph);
  return { ...modelJson(unique, unique.name), keras_version: '2.15.0', backend: 'tensorflow' };
}
