import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { withExplicitMasks } from '../keras/explicit-masks.ts';
import { hasMasks, keyOf, makesMask, OF_HEADS, OF_LIST, TAKING } from '../keras/mask-roles.ts';
import { maskedLayers, withImpliedMasks } from '../keras/masks.ts';
import { weightsOf } from '../keras3-weights/leaves.ts';
import { notSaid, type WriteContext } from './layer-config.ts';

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
    read.every((layer, i) => layer === layers[i]) &&
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

/** Operations hand no mask on. */
function unmasked(name: string, inbound: GraphLayer['inbound']): GraphLayer {
  const config = { name, operation: 'identity', inputs: [{ tensor: 0 }] };
  return { name, className: 'TensorOperation', config, inbound };
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

/** A graph with stated masks in which none comes by itself: `Masking` is followed by an operation, and so is what takes none. */
function withoutOthers(graph: ModelGraph): ModelGraph {
  const taken = new Set(graph.layers.map(({ name }) => name));
  const ends = new Map<string, string>();
  const made: GraphLayer[] = [];
  for (const { name, className, inbound } of graph.layers) {
    if (className !== 'KerasMasking') continue;
    const end = freeName(`${name}_unmasked`, taken);
    ends.set(name, end);
    made.push(
      unmasked(
        end,
        inbound.map((_, node) => [{ layer: name, node, tensor: 0 }]),
      ),
    );
  }
  const behind = (ref: TensorRef): TensorRef => ({ ...ref, layer: ends.get(ref.layer) ?? ref.layer });
  const known = new Map<string, TensorRef>();
  const ended = (ref: TensorRef): TensorRef => {
    if (ref.tensor > 0 || [...ends.values()].includes(ref.layer)) return ref;
    const key = keyOf(ref.layer, ref.node);
    if (!known.has(key)) {
      const name = freeName(`${ref.layer}_unmasked`, taken);
      made.push(unmasked(name, [[ref]]));
      known.set(key, { layer: name, node: 0, tensor: 0 });
    }
    return known.get(key)!;
  };
  const layers = graph.layers.map((layer): GraphLayer => {
    const { className, config } = layer;
    const names = Array.isArray(config.call_inputs) ? config.call_inputs : [];
    const one = TAKING.has(className) || className === 'TimeDistributed';
    const list = OF_LIST.has(className) && names.length === 0;
    const inbound = layer.inbound.map((refs) =>
      refs.map((given, i) => {
        const ref = behind(given);
        const own = ['query', 'value', 'key'][i];
        const heads = OF_HEADS.has(className) && own !== undefined && !names.includes(`${own}_mask`);
        return (one && i === 0) || list || heads ? ended(ref) : ref;
      }),
    );
    return { ...layer, inbound };
  });
  return { ...graph, layers: [...layers, ...made], outputs: graph.outputs.map(behind) };
}

/**
 * The graph that is written for Keras 3: as it is where Keras 3 finds the same masks, else with all masks stated.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER` where they cannot be stated.
 */
export function masksForKeras3(graph: ModelGraph, context: WriteContext): ModelGraph {
  if (!hasMasks(graph)) return graph;
  const model = crossing(graph);
  if (model !== undefined) throw notSaid(context, model, 'a mask enters or leaves a model within the model');
  if (sameInKeras3(graph) && madeOfInputs(graph)) return graph;
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
  return withoutOthers({ ...stated, layers });
}
