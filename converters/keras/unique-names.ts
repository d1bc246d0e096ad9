import type { JsonObject } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { freeName } from './free-name.ts';
import { modelConfig } from './graph-json.ts';
import { parseKerasConfig } from './parse-config.ts';
import { isModel, mapInnerLayers } from './tfjs-support.ts';

/** Keras allows the same layer name in two nested models, tfjs does not: its weight names have no path. */
function uniqueNames(graph: ModelGraph, path: string, taken: Set<string>): Map<string, string> {
  const rename = new Map<string, string>();
  for (const layer of graph.layers) {
    const inner = path !== '' && taken.has(layer.name);
    const name = freeName(inner ? `${path}/${layer.name}` : layer.name, taken);
    if (name !== layer.name) rename.set(layer.name, name);
  }
  return rename;
}

/** The same config, with such names for the layers of the models in it. */
function uniqueWithin(config: JsonObject, path: string, taken: Set<string>): JsonObject {
  return mapInnerLayers(config, (layer) => {
    const { className } = layer;
    if (!isModel(layer)) return { class_name: className, config: uniqueWithin(layer.config, path, taken) };
    const model = parseKerasConfig({ class_name: className, config: layer.config }, { ownClasses: true });
    return modelConfig(withUniqueNames(model, path, taken));
  });
}

/**
 * The same graph with layer names that are unique across all models within it, nested ones and those in wrappers. The
 * outermost model's names never change.
 */
export function withUniqueNames(graph: ModelGraph, path = '', taken = new Set<string>()): ModelGraph {
  const rename = uniqueNames(graph, path, taken);
  const ref = (item: TensorRef): TensorRef => ({ ...item, layer: rename.get(item.layer) ?? item.layer });
  const layers = graph.layers.map((layer): GraphLayer => {
    const name = rename.get(layer.name) ?? layer.name;
    const nested = layer.nested === undefined ? {} : { nested: withUniqueNames(layer.nested, name, taken) };
    const inbound = layer.inbound.map((call) => call.map(ref));
    const config = uniqueWithin({ ...layer.config, name }, name, taken);
    return { ...layer, name, config, inbound, ...nested };
  });
  return { ...graph, layers, inputs: graph.inputs.map(ref), outputs: graph.outputs.map(ref) };
}
