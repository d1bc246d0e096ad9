import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { makesMask } from '../keras/mask-roles.ts';
import type { KerasTarget } from './layer-options.ts';

interface Renamed {
  readonly graph: ModelGraph;
  /** The new names of the graph's own layers. */
  readonly names: ReadonlyMap<string, string>;
}

/** Keras 3 joins masks by an operation that it calls `concatenate` itself, and takes no name twice. */
function collides({ className, name }: GraphLayer, layers: readonly GraphLayer[]): boolean {
  const joining = className === 'Concatenate' || className === 'TensorOperation';
  return joining && /^(concatenate|not_equal|any)(_\d+)?$/.test(name) && layers.some(makesMask);
}

function newNames(layers: readonly GraphLayer[], parent: string | undefined, target: KerasTarget) {
  const taken = new Set(layers.map((layer) => layer.name));
  const names = new Map<string, string>();
  for (const layer of layers) {
    const { name } = layer;
    // Names are all different across nested models here, by the model's name in front; Keras needs that only within each.
    const inner =
      parent !== undefined && name.startsWith(`${parent}/`) ? name.slice(parent.length + 1) : name;
    const ownName = target === 3 && collides(layer, layers) ? `${inner}_layer` : inner;
    const wanted = target === 3 ? ownName.replaceAll('/', '_') : ownName;
    let unique = wanted;
    for (let i = 1; unique !== name && taken.has(unique); i++) unique = `${wanted}_${i}`;
    taken.add(unique);
    names.set(name, unique);
  }
  return names;
}

/**
 * A graph whose layers have names that the version allows: Keras 3 takes no slash. Names that nested models were given to
 * be different from all others lose the model's name again.
 */
export function kerasNames(graph: ModelGraph, target: KerasTarget, parent?: string): Renamed {
  const names = newNames(graph.layers, parent, target);
  const ref = (item: TensorRef): TensorRef => ({ ...item, layer: names.get(item.layer) ?? item.layer });
  const layers = graph.layers.map((layer): GraphLayer => {
    const name = names.get(layer.name)!;
    const inner = layer.nested === undefined ? undefined : kerasNames(layer.nested, target, layer.name).graph;
    return {
      ...layer,
      name,
      config: { ...layer.config, name },
      inbound: layer.inbound.map((call) => call.map(ref)),
      ...(inner === undefined ? {} : { nested: { ...inner, name } }),
    };
  });
  const name = target === 3 ? graph.name.replaceAll('/', '_') : graph.name;
  return {
    graph: { ...graph, name, layers, inputs: graph.inputs.map(ref), outputs: graph.outputs.map(ref) },
    names,
  };
}
