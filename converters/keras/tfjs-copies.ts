import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { freeName } from './free-name.ts';

const keyOf = (ref: TensorRef) => JSON.stringify([ref.layer, ref.node, ref.tensor]);

/** How many calls read each tensor; one that reads it twice counts once. */
function readersOf(graph: ModelGraph): Map<string, number> {
  const readers = new Map<string, number>();
  for (const refs of graph.layers.flatMap((layer) => layer.inbound)) {
    for (const key of new Set(refs.map(keyOf))) readers.set(key, (readers.get(key) ?? 0) + 1);
  }
  return readers;
}

/**
 * The same graph for tfjs, which lets go of a tensor too early when one call reads it twice (`attention(x, x)`) and
 * another one reads it too: the second reading goes through a layer that passes it on. Nested models included.
 */
export function withCopies(graph: ModelGraph): ModelGraph {
  const readers = readersOf(graph);
  const sources = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const taken = new Set(graph.layers.map((layer) => layer.name));
  const layers = graph.layers.flatMap((layer): GraphLayer[] => {
    const copies: GraphLayer[] = [];
    const inbound = layer.inbound.map((refs) => {
      const seen = new Set<string>();
      return refs.map((ref) => {
        const key = keyOf(ref);
        const kept = (readers.get(key) ?? 0) < 2 || sources.get(ref.layer)?.className === 'InputLayer';
        if (kept || !seen.has(key)) {
          seen.add(key);
          return ref;
        }
        const copy = freeName(`${layer.name}_again`, taken);
        const config = { name: copy, activation: 'linear' };
        copies.push({ name: copy, className: 'Activation', config, inbound: [[ref]] });
        return { layer: copy, node: 0, tensor: 0 };
      });
    });
    const nested = layer.nested === undefined ? {} : { nested: withCopies(layer.nested) };
    return [...copies, { ...layer, inbound, ...nested }];
  });
  return { ...graph, layers };
}
