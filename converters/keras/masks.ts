import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject } from '../json.ts';
import type { Argument } from './calls.ts';
import { anyOf, Masks, unequal, withMasksIn, type Mask } from './mask-flow.ts';
import { freeName } from './free-name.ts';
import { hasMasks, OF_HEADS, OF_LIST, READING, SEQUENCES } from './mask-roles.ts';

/*
 * Keras 3 writes some masks down, as operations that make a mask and as an argument of the calls that take one; what it
 * does not write comes by itself all the same. The graph speaks Keras 2: the masks that Keras 3 would use are compared
 * with those that Keras 2 would find, and left out where they agree.
 */

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
  const used: (Mask | undefined)[] = refs.map((ref) =>
    found ? implied.foundBy(layer.name, node, ref) : null,
  );
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
    const sequence = SEQUENCES.has(layer.className);
    if (!sequence && !OF_HEADS.has(layer.className) && !OF_LIST.has(layer.className)) return [call];
    const made: GraphLayer[] = [];
    const inbound = layer.inbound.map((refs, node) => {
      const ended = new Map<string, TensorRef>();
      return refs.map((ref, index) => {
        if (used[i]![node]![index] !== null || keras2.of(ref) === null || (sequence && index > 0)) return ref;
        const words = JSON.stringify(ref);
        const known = ended.get(words);
        if (known !== undefined) return known;
        const name = freeName(`${layer.name}_unmasked`, taken);
        const config = { name, operation: 'identity', inputs: [{ tensor: 0 }] };
        made.push({ name, className: 'TensorOperation', config, inbound: [[ref]] });
        const end = { layer: name, node: 0, tensor: 0 };
        ended.set(words, end);
        return end;
      });
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

/** Whether what reads masks in a model finds others in Keras 3 than in Keras 2, once these come in with its inputs. */
function differsWithin(graph: ModelGraph, entering: readonly Mask[]): boolean {
  if (entering.every((mask) => mask === null)) return false;
  const layers = withMasksIn(graph, entering);
  const keras2 = new Masks(layers, 2);
  const keras3 = new Masks(layers, 3);
  return layers.some(({ name, className, nested, inbound }) => {
    if (!READING.has(className) && nested === undefined) return false;
    return inbound.some((refs, node) => {
      const states = SEQUENCES.has(className) && refs.length > 1;
      const found = refs.map((ref) => keras2.of(ref));
      const other = refs.some(
        (ref, i) => found[i] !== (states ? null : keras3.foundBy(name, node, ref)) && !(states && i > 0),
      );
      return other || (nested !== undefined && differsWithin(nested, found));
    });
  });
}

/** What writers say of a call that they refuse. */
const OTHER_MASK = 'a mask that Keras 2 would not find, or that Keras 3 may have taken off before';

/**
 * The layers of a Keras 3 model with its masks as Keras 2 has them: none stated, and without the operations that make
 * them. Where a call uses another mask, it keeps it as an argument, which writers refuse; where a recurrent layer uses
 * none, an operation before it ends the mask.
 */
export function withImpliedMasks(calls: readonly MaskedCalls[], outputs: readonly TensorRef[]): GraphLayer[] {
  const layers = calls.map(({ layer }) => layer);
  const stated = calls.some(({ masks }) => masks.some((map) => map.size > 0));
  if (!stated && !hasMasks({ layers })) return layers;
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const keras3 = new Masks(layers, 3);
  const used = calls.map((call) =>
    call.layer.inbound.map((_, node) => usedMasks(call, node, keras3, byName)),
  );
  const usedBy = new Map(layers.map((layer, i) => [layer.name, used[i]!]));
  const ended = endings(calls, used).map(({ layer }) => layer);
  const keras2 = new Masks(ended, 2);
  const result = ended.map((layer): GraphLayer => {
    const matters = READING.has(layer.className) || layer.nested !== undefined;
    const differs = layer.inbound.map((refs, node) => {
      const masks = usedBy.get(layer.name)?.[node] ?? [];
      const found = refs.map((ref) => keras2.of(ref));
      if (matters && masks.some((mask, i) => mask !== (found[i] ?? null))) return true;
      return layer.nested !== undefined && differsWithin(layer.nested, found);
    });
    if (!differs.includes(true)) return layer;
    const callArguments = differs.map((other, node) => {
      const own = layer.callArguments?.[node] ?? {};
      return other ? { ...own, [OTHER_MASK]: 'another one' } : own;
    });
    return { ...layer, callArguments };
  });
  return stated ? withoutUnread(result, outputs) : result;
}
