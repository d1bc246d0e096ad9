import type { JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { hasMasks, keyOf, SEQUENCES } from './mask-roles.ts';

/*
 * tfjs notes the states that a recurrent layer is given in an object of arguments. In training, and in models within
 * models, it is one object for all layers that run later, which then have these states too, or fail.
 */

const hasStates = (layer: GraphLayer) =>
  SEQUENCES.has(layer.className) && layer.inbound.some((refs) => refs.length > 1);

/** Whether a value in a config is a recurrent layer, or holds one. */
function holdsSequence(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(holdsSequence);
  if (!isJsonObject(value)) return false;
  return SEQUENCES.has(stringOf(value.class_name) ?? '') || Object.values(value).some(holdsSequence);
}

/** Whether states that are noted would reach something in the layer. */
function isReached(layer: GraphLayer): boolean {
  if (layer.className === 'MaskedLayer' || layer.className === 'InitialStates') return false;
  if (layer.nested !== undefined) return layer.nested.layers.some(isReached);
  return SEQUENCES.has(layer.className) || holdsSequence(layer.config.layer);
}

/** Calls that have to run before one of a layer. */
function neededBy(graph: ModelGraph, layer: GraphLayer): ReadonlySet<string> {
  const byName = new Map(graph.layers.map((item) => [item.name, item]));
  const found = new Set<string>();
  const queue = layer.inbound.flat();
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    const key = keyOf(ref.layer, ref.node);
    if (found.has(key)) continue;
    found.add(key);
    queue.push(...(byName.get(ref.layer)?.inbound[ref.node] ?? []));
  }
  return found;
}

/** Whether tfjs's own layer does no harm: it is called once, and whatever else is recurrent runs before it. */
function isLast(graph: ModelGraph, layer: GraphLayer): boolean {
  if (layer.inbound.length > 1) return false;
  const before = neededBy(graph, layer);
  return graph.layers.every(
    (other) =>
      other === layer ||
      !isReached(other) ||
      other.inbound.every((_, node) => before.has(keyOf(other.name, node))),
  );
}

/**
 * The graph with its recurrent layers that are given states inside of an `InitialStates`, but where tfjs's own do. Graphs
 * with masks that are not stated stay as they are.
 *
 * @param within The graph is that of a model in another one.
 */
export function statesForTfjs(graph: ModelGraph, within = false): ModelGraph {
  if (hasMasks(graph)) return graph;
  const layers = graph.layers.map((layer): GraphLayer => {
    if (layer.nested !== undefined) return { ...layer, nested: statesForTfjs(layer.nested, true) };
    if (!hasStates(layer) || (!within && isLast(graph, layer))) return layer;
    const { className, config } = layer;
    const outer = {
      name: layer.name,
      trainable: config.trainable ?? true,
      layer: { class_name: className, config },
    };
    return { ...layer, className: 'InitialStates', config: outer };
  });
  return { ...graph, layers };
}
