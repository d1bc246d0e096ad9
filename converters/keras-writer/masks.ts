import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { withExplicitMasks } from '../keras/explicit-masks.ts';
import { freeName } from '../keras/free-name.ts';
import { weightsOf } from '../keras/layer-weights.ts';
import { maskedLayers } from '../keras/mask-flow.ts';
import {
  ATTENTION_INPUTS,
  callsInOrder,
  hasMasks,
  keyOf,
  makesMask,
  MERGES,
  OF_HEADS,
  OF_LIST,
  PASSING,
  PASSING_IN_KERAS3,
  SEQUENCES,
  takesWithin,
  TAKING,
} from '../keras/mask-roles.ts';
import { withImpliedMasks } from '../keras/masks.ts';
import { CALL_INPUTS, notSaid, type WriteContext } from './layer-config.ts';

/*
 * A graph has the masks that Keras 2 would find by itself. Keras 3 finds others in some models: behind merges it has a
 * step where one input has it, not where all have it, none where one input has no mask, and recurrent layers with given
 * states have none. There the masks of the graph are written down as arguments of the calls that take them.
 */

/** Along a last axis that is counted from the front. Steps have the axis 1. */
function withLastAxis(layer: GraphLayer): GraphLayer {
  const { axis } = layer.config;
  const last = layer.className === 'Concatenate' && typeof axis === 'number' && axis !== 1;
  return last ? { ...layer, config: { ...layer.config, axis: -1 } } : layer;
}

const isSame = (a: GraphLayer, b: GraphLayer) =>
  a === b ||
  JSON.stringify([a.name, a.inbound, a.callArguments]) ===
    JSON.stringify([b.name, b.inbound, b.callArguments]);

/** Whether Keras 3 finds the masks that Keras 2 finds. */
function sameInKeras3(graph: ModelGraph): boolean {
  const layers = graph.layers.map(withLastAxis);
  const read = withImpliedMasks(
    layers.map((layer) => ({ layer, masks: [] })),
    graph.outputs,
  );
  const nested = graph.layers.flatMap((layer) => layer.nested ?? []);
  return (
    read.length === layers.length &&
    read.every((layer, i) => isSame(layer, layers[i]!)) &&
    nested.every(sameInKeras3)
  );
}

/**
 * Whether all masks are made of what no layer with weights makes. The operations that make the others stand between
 * layers, and might change the order in which Keras 3 loads their weights.
 */
function madeOfInputs(graph: ModelGraph): boolean {
  const byName = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const queue = graph.layers.filter(makesMask).flatMap((layer) => layer.inbound.flat());
  const seen = new Set<string>();
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    const layer = byName.get(ref.layer);
    if (layer === undefined || seen.has(ref.layer)) continue;
    seen.add(ref.layer);
    if (layer.nested !== undefined || weightsOf(layer).length > 0) return false;
    queue.push(...layer.inbound.flat());
  }
  return graph.layers.every(({ nested }) => nested === undefined || madeOfInputs(nested));
}

/** Whether an output of a model has a mask. */
function masksOut(graph: ModelGraph): boolean {
  const reader = {
    name: 'what reads the outputs',
    className: 'Flatten',
    config: {},
    inbound: [graph.outputs],
  };
  return maskedLayers({ ...graph, layers: [...graph.layers, reader] }).has(reader.name);
}

/** A model within the model that a mask enters or leaves: that is not the same in both versions. */
function crossing(graph: ModelGraph): GraphLayer | undefined {
  const reached = maskedLayers(graph);
  return graph.layers.find(
    ({ name, nested }) =>
      nested !== undefined && (reached.has(name) || masksOut(nested) || crossing(nested) !== undefined),
  );
}

/** Layers that hand masks on in Keras 3, and that Keras 2 does not let them through, or not in this way. */
const OTHERS_PASSING = new Set([...PASSING_IN_KERAS3, 'Concatenate']);

/** Attention that is called with a mask of its own, and finds others. */
function reachedWithNames(graph: ModelGraph): GraphLayer | undefined {
  const reached = maskedLayers(graph);
  return graph.layers.find(
    ({ name, config, callArguments }) =>
      reached.has(name) &&
      (config[CALL_INPUTS] !== undefined || callArguments?.some((given) => given[CALL_INPUTS] !== undefined)),
  );
}

/** Whether a model has layers, however deep, whose masks the versions may find differently. */
function mayDiffer(graph: ModelGraph): boolean {
  return graph.layers.some(
    ({ className, inbound, nested }) =>
      MERGES.has(className) ||
      OTHERS_PASSING.has(className) ||
      OF_LIST.has(className) ||
      OF_HEADS.has(className) ||
      (SEQUENCES.has(className) && inbound.some((refs) => refs.length > 1)) ||
      (nested !== undefined && mayDiffer(nested)),
  );
}

/** Outputs that Keras 3 gives a mask, though all are stated: those of layers that are told of one, and what hands it on. */
function stillMasked(graph: ModelGraph): ReadonlySet<string> {
  const masked = new Set<string>();
  for (const { layer, node } of callsInOrder(graph)) {
    const { className, config } = layer;
    const told =
      className === 'MaskedLayer' || className === 'KerasMasking' || config[CALL_INPUTS] !== undefined;
    const handsOn =
      PASSING.has(className) ||
      SEQUENCES.has(className) ||
      MERGES.has(className) ||
      OTHERS_PASSING.has(className);
    const reached = (layer.inbound[node] ?? []).some((ref) => masked.has(keyOf(ref.layer, ref.node)));
    if (told || (handsOn && reached)) masked.add(keyOf(layer.name, node));
  }
  return masked;
}

/** A graph with stated masks in which none comes by itself: an operation stands before the inputs that have none. */
function withoutOthers(graph: ModelGraph): ModelGraph {
  const taken = new Set(graph.layers.map(({ name }) => name));
  const masked = stillMasked(graph);
  const made: GraphLayer[] = [];
  const known = new Map<string, TensorRef>();
  const ended = (ref: TensorRef): TensorRef => {
    const key = keyOf(ref.layer, ref.node);
    if (ref.tensor > 0 || !masked.has(key)) return ref;
    if (!known.has(key)) {
      const name = freeName(`${ref.layer}_unmasked`, taken);
      const config = { name, operation: 'identity', inputs: [{ tensor: 0 }] };
      made.push({ name, className: 'TensorOperation', config, inbound: [[ref]] });
      known.set(key, { layer: name, node: 0, tensor: 0 });
    }
    return known.get(key)!;
  };
  const layers = graph.layers.map((layer): GraphLayer => {
    const { className, config } = layer;
    const names = Array.isArray(config[CALL_INPUTS]) ? config[CALL_INPUTS] : [];
    const takes = TAKING.has(className) || takesWithin({ ...layer, nested: undefined });
    const inbound = layer.inbound.map((refs) =>
      refs.map((ref, i) => {
        const stated = names.includes(`${ATTENTION_INPUTS[i]}_mask`);
        const list = OF_LIST.has(className) && names.length === 0;
        const heads = OF_HEADS.has(className) && i < ATTENTION_INPUTS.length && !stated;
        const first = className !== 'MaskedLayer' && takes && i === 0;
        return first || list || heads ? ended(ref) : ref;
      }),
    );
    return { ...layer, inbound };
  });
  return { ...graph, layers: [...layers, ...made] };
}

/** Keras 3's attention ignores a mask of its queries that is stated, but not one of queries and keys. */
function withQueryMasks(graph: ModelGraph): ModelGraph {
  const taken = new Set(graph.layers.map(({ name }) => name));
  const made: GraphLayer[] = [];
  const layers = graph.layers.map((layer): GraphLayer => {
    const names = layer.className === 'MultiHeadAttention' ? layer.config[CALL_INPUTS] : undefined;
    const at = Array.isArray(names) ? names.indexOf('query_mask') : -1;
    if (!Array.isArray(names) || at < 0) return layer;
    const name = freeName(`${layer.name}_queries`, taken);
    const config = { name, operation: 'expand_dims', inputs: [{ tensor: 0 }], axis: [-1] };
    const inbound = layer.inbound.map((refs) => [refs[at]!]);
    made.push({ name, className: 'TensorOperation', config, inbound });
    return {
      ...layer,
      config: {
        ...layer.config,
        [CALL_INPUTS]: names.map((item, i) => (i === at ? 'attention_mask' : item)),
      },
      inbound: layer.inbound.map((refs, node) =>
        refs.map((ref, i) => (i === at ? { layer: name, node, tensor: 0 } : ref)),
      ),
    };
  });
  return { ...graph, layers: [...layers, ...made] };
}

/**
 * The graph that is written for Keras 3: as it is where Keras 3 finds the same masks, else with all masks stated.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER` where they cannot be stated.
 */
export function masksForKeras3(graph: ModelGraph, context: WriteContext): ModelGraph {
  if (!hasMasks(graph)) return graph;
  const same = sameInKeras3(graph) && madeOfInputs(graph);
  const model = crossing(graph);
  if (model !== undefined && same && !mayDiffer(graph)) return graph;
  if (model !== undefined) throw notSaid(context, model, 'a mask enters or leaves a model within the model');
  if (same) return graph;
  const named = reachedWithNames(graph);
  if (named !== undefined) throw notSaid(context, named, 'it is called with a mask where masks reach it');
  const stated = withExplicitMasks({ ...graph, layers: graph.layers.map(withLastAxis) });
  if (stated === undefined) {
    const maker = graph.layers.find(makesMask)!;
    throw notSaid(context, maker, 'Keras 3 would find other masks behind it');
  }
  const axes = new Map(graph.layers.map((layer) => [layer.name, layer.config.axis]));
  const layers = stated.layers.map((layer) =>
    layer.className === 'Concatenate'
      ? { ...layer, config: { ...layer.config, axis: axes.get(layer.name) ?? -1 } }
      : layer,
  );
  return withQueryMasks(withoutOthers({ ...stated, layers }));
}
