import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';

/** How the class and the config of a graph's layers are written; nested models are written by this file. */
export type DescribeIn = (
  graph: ModelGraph,
) => (layer: GraphLayer) => { class_name: string; config: JsonObject };

/** Keras 2 and tfjs count a nested model's creation as node 0, so that its first call is node 1. */
function refOf(ref: TensorRef, models: ReadonlySet<string>): JsonValue[] {
  return [ref.layer, ref.node + (models.has(ref.layer) ? 1 : 0), ref.tensor];
}

function layerJson(
  layer: GraphLayer,
  graph: ModelGraph,
  models: ReadonlySet<string>,
  describe: ReturnType<DescribeIn>,
  describeIn: DescribeIn,
): JsonObject {
  const functional: JsonObject = {};
  if (graph.kind === 'functional') {
    functional.name = layer.name;
    // As Keras 2 has it, the first tensor brings what the call says besides.
    functional.inbound_nodes = layer.inbound.map((call, node) =>
      call.map((ref, i) => [...refOf(ref, models), (i === 0 && layer.callArguments?.[node]) || {}]),
    );
  }
  if (layer.nested === undefined) return { ...describe(layer), ...functional };
  return { ...modelJson(layer.nested, layer.name, describeIn, layer.config.trainable), ...functional };
}

/** A graph as `{ class_name, config }` of a model in the manner of Keras 2. */
export function modelJson(
  graph: ModelGraph,
  name: string,
  describeIn: DescribeIn,
  trainable?: JsonValue,
): { class_name: string; config: JsonObject } {
  const models = new Set(
    graph.layers.filter((layer) => layer.nested !== undefined).map((layer) => layer.name),
  );
  const describe = describeIn(graph);
  const layers = graph.layers.map((layer) => layerJson(layer, graph, models, describe, describeIn));
  const extra: JsonObject = trainable === undefined ? {} : { trainable };
  if (graph.kind === 'sequential') return { class_name: 'Sequential', config: { name, layers, ...extra } };
  const config: JsonObject = {
    name,
    layers,
    input_layers: graph.inputs.map((ref) => refOf(ref, models)),
    output_layers: graph.outputs.map((ref) => refOf(ref, models)),
    ...extra,
  };
  return { class_name: 'Model', config };
}

/** The same with every layer in the graph's own words: what `parseKerasConfig` reads back into the same graph. */
export function modelConfig(graph: ModelGraph): JsonObject {
  return modelJson(graph, graph.name, () => (layer) => ({
    class_name: layer.className,
    config: layer.config,
  }));
}
