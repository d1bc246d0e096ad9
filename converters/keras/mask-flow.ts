import type { JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import type { KerasMajor } from './keras3.ts';
import { ForgottenMasks } from './forgotten-masks.ts';
import {
  keyOf,
  makesMask,
  MERGES,
  PASSING,
  PASSING_IN_KERAS3,
  READING,
  returnsSequences,
  SEQUENCES,
} from './mask-roles.ts';

/*
 * Keras passes masks on behind the scenes: `Embedding` and `Masking` make them, most layers hand them on, recurrent
 * layers and a few others take them.
 */

/** What a mask is, in words: two masks of the same words hold the same numbers. */
export type Mask = string | null;

const tensorKey = (ref: TensorRef) => JSON.stringify([ref.layer, ref.node, ref.tensor]);
export const unequal = (ref: TensorRef, value: JsonValue) => `${tensorKey(ref)} != ${JSON.stringify(value)}`;
export const anyOf = (mask: string) => `any of ${mask}`;

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
export class Masks {
  private readonly calls = new Map<string, Call>();
  private readonly known = new Map<string, Mask>();
  private readonly forgetful: ForgottenMasks | undefined;

  constructor(
    layers: readonly GraphLayer[],
    private readonly major: KerasMajor,
    private readonly ends: (layer: GraphLayer) => boolean = () => false,
  ) {
    for (const layer of layers) {
      layer.inbound.forEach((refs, node) => this.calls.set(keyOf(layer.name, node), { layer, refs }));
    }
    if (major === 3) this.forgetful = new ForgottenMasks(this.calls);
  }

  /** The mask that a call finds with one of its inputs. */
  foundBy(layer: string, node: number, ref: TensorRef): Mask {
    return this.left(this.of(ref), ref, keyOf(layer, node));
  }

  /** The mask of an output when it was made. */
  of(ref: TensorRef): Mask {
    const stack = [ref];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const key = keyOf(top.layer, top.node);
      const call = this.calls.get(key);
      if (this.known.has(key) || call === undefined) {
        stack.pop();
        continue;
      }
      const missing = call.refs.filter((input) => !this.has(input));
      if (missing.length > 0) stack.push(...missing);
      else {
        const masks = call.refs.map((input) => this.left(this.get(input), input, key));
        const ends = this.ends(call.layer);
        this.known.set(key, ends ? null : maskAfter(call.layer, call.refs, masks, this.major));
        stack.pop();
      }
    }
    return this.get(ref);
  }

  private left(mask: Mask, ref: TensorRef, by: string): Mask {
    return mask === null || this.forgetful === undefined ? mask : this.forgetful.left(mask, ref, by);
  }

  private has(ref: TensorRef): boolean {
    const key = keyOf(ref.layer, ref.node);
    return this.known.has(key) || !this.calls.has(key);
  }

  /** States of a recurrent layer have no mask. */
  private get(ref: TensorRef): Mask {
    return ref.tensor > 0 ? null : (this.known.get(keyOf(ref.layer, ref.node)) ?? null);
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

/** Whether a layer joins the masks of several inputs. */
export const joinsMasks = ({ className }: GraphLayer) => MERGES.has(className) || className === 'Concatenate';

/** Whether a layer's result depends on masks, or that of a layer within it. */
export function takesMasks(layer: GraphLayer): boolean {
  return READING.has(layer.className) || (layer.nested?.layers.some(takesMasks) ?? false);
}
