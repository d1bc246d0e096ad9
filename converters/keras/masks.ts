import type { JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject } from '../json.ts';
import type { Argument } from './calls.ts';
import type { KerasMajor } from './keras3.ts';

/*
 * Keras passes masks on behind the scenes: `Embedding` and `Masking` make them, most layers hand them on, recurrent
 * layers and a few others take them. Keras 3 writes some of them down besides, as operations that make a mask and as
 * an argument of the calls that take one; what it does not write comes by itself all the same. The graph speaks Keras 2:
 * the masks that Keras 3 would use are compared with those that Keras 2 would find, and left out where they agree.
 */

/** Layers that hand the mask of their (first) input on, in Keras 2. */
const PASSING = new Set(
  (
    'Activation ActivityRegularization AdditiveAttention AlphaDropout Attention BatchNormalization Dense Dropout ELU ' +
    'GaussianDropout GaussianNoise GroupNormalization LayerNormalization LeakyReLU MultiHeadAttention PReLU ReLU ' +
    'Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D ThresholdedReLU TimeDistributed UnitNormalization'
  ).split(' '),
);
/** Layers that do so in Keras 3 only. */
const PASSING_IN_KERAS3 = new Set('GroupQueryAttention Identity Normalization Rescaling'.split(' '));
const SEQUENCES = new Set('RNN SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional'.split(' '));
const MERGES = new Set('Add Subtract Multiply Average Maximum Minimum'.split(' '));

/** Layers whose result depends on a mask. */
const TAKING = new Set([
  ...SEQUENCES,
  ...'TimeDistributed GlobalAveragePooling1D Softmax Attention AdditiveAttention MultiHeadAttention'.split(
    ' ',
  ),
  'GroupQueryAttention',
]);

/** What a mask is, in words: two masks of the same words hold the same numbers. */
type Mask = string | null;

const keyOf = (ref: TensorRef) => JSON.stringify([ref.layer, ref.node, ref.tensor]);
const unequal = (ref: TensorRef, value: JsonValue) => `${keyOf(ref)} != ${JSON.stringify(value)}`;
const anyOf = (mask: string) => `any of ${mask}`;

function returnsSequences(layer: GraphLayer): boolean {
  const inner = layer.config.layer;
  const config = layer.className === 'Bidirectional' && isJsonObject(inner) ? inner.config : layer.config;
  return isJsonObject(config) && config.return_sequences === true;
}

const isLast = (layer: GraphLayer) => (layer.config.axis ?? -1) === -1;

/** Keras 2 takes a step where all masks that there are have it, Keras 3 where one has it and none is missing. */
function mergedMask(layer: GraphLayer, masks: readonly Mask[], major: KerasMajor): Mask {
  const known = masks.filter((mask) => mask !== null);
  if (known.length === 0 || (major === 3 && known.length < masks.length)) return null;
  const words = JSON.stringify(masks);
  if (layer.className === 'Concatenate' && !isLast(layer)) return `joined ${words}`;
  const same =
    new Set(known).size === 1 && (known.length === masks.length || layer.className !== 'Concatenate');
  return same ? known[0]! : `Keras ${major}'s ${layer.className} of ${words}`;
}

/** The mask of what a call returns, given those of its inputs. */
function maskAfter(
  layer: GraphLayer,
  refs: readonly TensorRef[],
  inputs: readonly Mask[],
  major: KerasMajor,
): Mask {
  const { className } = layer;
  const [first] = refs;
  if (first === undefined) return null;
  if (className === 'Embedding' && layer.config.mask_zero === true) return unequal(first, 0);
  if (className === 'Masking') return anyOf(unequal(first, layer.config.mask_value ?? 0));
  const mask = inputs[0] ?? null;
  if (SEQUENCES.has(className)) return returnsSequences(layer) ? mask : null;
  if (MERGES.has(className) || className === 'Concatenate') return mergedMask(layer, inputs, major);
  return PASSING.has(className) || (major === 3 && PASSING_IN_KERAS3.has(className)) ? mask : null;
}

interface Call {
  readonly layer: GraphLayer;
  readonly refs: readonly TensorRef[];
}

/** Masks of outputs by `[layer, node]`, found by an explicit stack so that long chains do not overflow the real one. */
class Masks {
  private readonly calls = new Map<string, Call>();
  private readonly known = new Map<string, Mask>();

  constructor(
    layers: readonly GraphLayer[],
    private readonly major: KerasMajor,
    private readonly ends: (layer: GraphLayer) => boolean = () => false,
  ) {
    for (const layer of layers) {
      layer.inbound.forEach((refs, node) =>
        this.calls.set(JSON.stringify([layer.name, node]), { layer, refs }),
      );
    }
  }

  of(ref: TensorRef): Mask {
    const stack = [ref];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const key = JSON.stringify([top.layer, top.node]);
      const call = this.calls.get(key);
      if (this.known.has(key) || call === undefined) {
        stack.pop();
        continue;
      }
      const missing = call.refs.filter((input) => !this.has(input));
      if (missing.length > 0) stack.push(...missing);
      else {
        const masks = call.refs.map((input) => this.get(input));
        const ends = this.ends(call.layer);
        this.known.set(key, ends ? null : maskAfter(call.layer, call.refs, masks, this.major));
        stack.pop();
      }
    }
    return this.get(ref);
  }

  private has(ref: TensorRef): boolean {
    const key = JSON.stringify([ref.layer, ref.node]);
    return this.known.has(key) || !this.calls.has(key);
  }

  /** States of a recurrent layer have no mask. */
  private get(ref: TensorRef): Mask {
    return ref.tensor > 0 ? null : (this.known.get(JSON.stringify([ref.layer, ref.node])) ?? null);
  }
}

/**
 * Names of the layers of a graph (without those of nested models) that a mask reaches with one of their inputs. Masks end
 * at layers that `ends` names.
 */
export function maskedLayers(
  graph: ModelGraph,
  ends: (layer: GraphLayer) => boolean = () => false,
): Set<string> {
  if (!graph.layers.some(makesMask)) return new Set();
  const masks = new Masks(graph.layers, 2, ends);
  const masked = graph.layers.filter((layer) =>
    layer.inbound.some((refs) => refs.some((ref) => masks.of(ref) !== null)),
  );
  return new Set(masked.map((layer) => layer.name));
}

const makesMask = ({ className, config }: GraphLayer) =>
  className === 'Masking' || (className === 'Embedding' && config.mask_zero === true);

/** Whether a layer joins the masks of several inputs. */
export const joinsMasks = ({ className }: GraphLayer) => MERGES.has(className) || className === 'Concatenate';

/** Whether a layer's result depends on masks, or that of a layer within it. */
export function takesMasks(layer: GraphLayer): boolean {
  return TAKING.has(layer.className) || (layer.nested?.layers.some(takesMasks) ?? false);
}

/** The same mask for each feature of its steps, as Keras 3 has it while it joins masks. */
const spread = (mask: string) => `each feature of ${mask}`;

/** What the operations that make masks in Keras 3 compute, in the words of `maskAfter`; `undefined` for others. */
function statedMask(ref: TensorRef, layers: ReadonlyMap<string, GraphLayer>, depth = 0): Mask | undefined {
  const layer = layers.get(ref.layer);
  const refs = layer?.inbound[ref.node];
  if (layer?.className !== 'TensorOperation' || refs?.[0] === undefined || depth > 12) return undefined;
  const { operation, inputs, axis, keepdims } = layer.config;
  if (operation === 'not_equal' && refs.length === 1 && Array.isArray(inputs) && isJsonObject(inputs[1]))
    return inputs[1].value === undefined ? undefined : unequal(refs[0], inputs[1].value);
  // Nothing but zeros is there to give the mask the shape of what it belongs to.
  const read = refs.filter((inner) => layers.get(inner.layer)?.config.operation !== 'ZerosLike');
  const masks = read.map((inner) => statedMask(inner, layers, depth + 1));
  const [mask] = masks;
  if (typeof mask !== 'string' || masks.some((other) => other !== mask)) return undefined;
  const last = axis === -1 || (Array.isArray(axis) && axis.length === 1 && axis[0] === -1);
  if (operation === 'identity' || operation === 'logical_or' || (operation === 'concatenate' && last))
    return mask;
  if (operation === 'expand_dims' && last) return spread(mask);
  if (operation !== 'any' || keepdims !== false || !last) return undefined;
  const inner = spread('');
  return mask.startsWith(inner) ? mask.slice(inner.length) : anyOf(mask);
}

/** A layer, and for each call the masks that Keras 3 states. */
export interface MaskedCalls {
  readonly layer: GraphLayer;
  readonly masks: readonly ReadonlyMap<string, Argument>[];
}

const MASK_OF_INPUT: Readonly<Record<string, number>> = {
  mask: 0,
  query_mask: 0,
  value_mask: 1,
  key_mask: 2,
};

/** The masks that a call uses in Keras 3, one for each of its inputs; `undefined` where nothing tells which it is. */
type UsedMasks = readonly (Mask | undefined)[];

function usedMasks(
  { layer, masks }: MaskedCalls,
  node: number,
  implied: Masks,
  byName: ReadonlyMap<string, GraphLayer>,
): UsedMasks {
  const refs = layer.inbound[node] ?? [];
  // Keras 3 finds the masks of calls with one argument, and of attention, whose masks have names of their own.
  const found = !(SEQUENCES.has(layer.className) && refs.length > 1);
  const used: (Mask | undefined)[] = refs.map((ref) => (found ? implied.of(ref) : null));
  for (const [name, argument] of masks[node] ?? []) {
    const items = argument.kind === 'list' ? argument.items : [argument];
    items.forEach((item, i) => {
      const at = (MASK_OF_INPUT[name] ?? 0) + i;
      if (item.kind === 'tensor') used[at] = statedMask(item.ref, byName);
      else if (item.kind !== 'value' || item.value !== null) used[at] = undefined;
    });
  }
  return used;
}

/** Layers that end masks in front of those calls of others that use none in Keras 3 though there is one. */
function endings(calls: readonly MaskedCalls[], used: readonly (readonly UsedMasks[])[]): MaskedCalls[] {
  const keras2 = new Masks(
    calls.map(({ layer }) => layer),
    2,
  );
  const taken = new Set(calls.map(({ layer }) => layer.name));
  return calls.flatMap((call, i): MaskedCalls[] => {
    const { layer } = call;
    if (!SEQUENCES.has(layer.className)) return [call];
    const made: GraphLayer[] = [];
    const inbound = layer.inbound.map((refs, node) => {
      const [first, ...rest] = refs;
      if (first === undefined || used[i]![node]![0] !== null || keras2.of(first) === null) return refs;
      let name = `${layer.name}_unmasked`;
      for (let n = 1; taken.has(name); n++) name = `${layer.name}_unmasked_${n}`;
      taken.add(name);
      const config = { name, operation: 'identity', inputs: [{ tensor: 0 }] };
      made.push({ name, className: 'TensorOperation', config, inbound: [[first]] });
      return [{ layer: name, node: 0, tensor: 0 }, ...rest];
    });
    return [
      ...made.map((ending) => ({ layer: ending, masks: [] })),
      { ...call, layer: { ...layer, inbound } },
    ];
  });
}

/** Operations that nothing reads once masks are gone. */
function withoutUnread(layers: readonly GraphLayer[], outputs: readonly TensorRef[]): GraphLayer[] {
  const readers = new Map<string, number>();
  const count = (ref: TensorRef, by: number) => readers.set(ref.layer, (readers.get(ref.layer) ?? 0) + by);
  for (const ref of [...layers.flatMap((layer) => layer.inbound.flat()), ...outputs]) count(ref, 1);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const unread = (layer: GraphLayer) =>
    (layer.className === 'TensorOperation' || layer.className === 'UnknownOperation') &&
    (readers.get(layer.name) ?? 0) === 0;
  const gone = new Set<string>();
  const queue = layers.filter(unread);
  for (let layer = queue.pop(); layer !== undefined; layer = queue.pop()) {
    if (gone.has(layer.name)) continue;
    gone.add(layer.name);
    for (const ref of layer.inbound.flat()) {
      count(ref, -1);
      const source = byName.get(ref.layer);
      if (source !== undefined && unread(source)) queue.push(source);
    }
  }
  return layers.filter((layer) => !gone.has(layer.name));
}

/**
 * The layers of a Keras 3 model with its masks as Keras 2 has them: none stated, and without the operations that make
 * them. Where a call uses another mask, it keeps it as an argument, which writers refuse; where a recurrent layer uses
 * none, an operation before it ends the mask.
 */
export function withImpliedMasks(calls: readonly MaskedCalls[], outputs: readonly TensorRef[]): GraphLayer[] {
  const layers = calls.map(({ layer }) => layer);
  const stated = calls.some(({ masks }) => masks.some((map) => map.size > 0));
  if (!stated && !layers.some(makesMask)) return layers;
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const keras3 = new Masks(layers, 3);
  const used = calls.map((call) =>
    call.layer.inbound.map((_, node) => usedMasks(call, node, keras3, byName)),
  );
  const usedBy = new Map(layers.map((layer, i) => [layer.name, used[i]!]));
  const ended = endings(calls, used).map(({ layer }) => layer);
  const keras2 = new Masks(ended, 2);
  const result = ended.map((layer): GraphLayer => {
    const matters = TAKING.has(layer.className) || layer.nested !== undefined;
    const differs = layer.inbound.map((refs, node) => {
      const masks = usedBy.get(layer.name)?.[node] ?? [];
      return matters && masks.some((mask, i) => mask !== (refs[i] === undefined ? null : keras2.of(refs[i])));
    });
    if (!differs.includes(true)) return layer;
    const callArguments = differs.map((other, node) => {
      const own = layer.callArguments?.[node] ?? {};
      return other ? { ...own, mask: 'a mask of its own' } : own;
    });
    return { ...layer, callArguments };
  });
  return stated ? withoutUnread(result, outputs) : result;
}
