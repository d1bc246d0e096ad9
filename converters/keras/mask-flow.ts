import type { JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { ForgottenMasks } from './forgotten-masks.ts';
import type { KerasMajor } from './keras3.ts';
import {
  hasMasks,
  keyOf,
  makesMask,
  MERGES,
  PASSING,
  PASSING_IN_KERAS3,
  READING,
  returnsSequences,
  SEQUENCES,
} from './mask-roles.ts';
import { inferRanks } from './ranks.ts';

/*
 * Keras passes masks on behind the scenes: `Embedding` and `Masking` make them, most layers hand them on, recurrent
 * layers and a few others take them.
 */

/** What a mask is, in words: two masks of the same words hold the same numbers. */
export type Mask = string | null;

const tensorKey = (ref: TensorRef) => JSON.stringify([ref.layer, ref.node, ref.tensor]);
export const unequal = (ref: TensorRef, value: JsonValue) => `${tensorKey(ref)} != ${JSON.stringify(value)}`;
export const anyOf = (mask: string) => `any of ${mask}`;

/** Whether a layer joins along the last axis of inputs of this rank; `undefined` where the rank would tell, and is not known. */
function alongLast({ config }: GraphLayer, rank: number | undefined): boolean | undefined {
  const axis = config.axis ?? -1;
  // What has a mask has steps, and mostly features behind them.
  if (typeof axis !== 'number' || axis < 2) return axis === -1;
  return rank === undefined ? undefined : axis === rank - 1;
}

/** Keras 2 takes a step where all masks that there are have it, Keras 3 where one has it and none is missing. */
function mergedMask(
  layer: GraphLayer,
  masks: readonly Mask[],
  major: KerasMajor,
  rank: number | undefined,
): Mask {
  const known = masks.filter((mask) => mask !== null);
  if (known.length === 0 || (major === 3 && known.length < masks.length)) return null;
  const words = `[${masks.join(', ')}]`;
  const last = layer.className !== 'Concatenate' || alongLast(layer, rank);
  if (last === false) return `joined ${words}`;
  const same =
    last === true &&
    new Set(known).size === 1 &&
    (known.length === masks.length || layer.className !== 'Concatenate');
  return same ? known[0]! : `Keras ${major}'s ${layer.className} of ${words}`;
}

/** The mask of what a call returns, given those of its inputs. */
function maskAfter(
  layer: GraphLayer,
  refs: readonly TensorRef[],
  inputs: readonly Mask[],
  major: KerasMajor,
  rank: number | undefined,
): Mask {
  const { className } = layer;
  const [first] = refs;
  if (first === undefined) return null;
  if (className === 'Embedding' && layer.config.mask_zero === true) return unequal(first, 0);
  if (className === 'Masking') return anyOf(unequal(first, layer.config.mask_value ?? 0));
  if (layer.nested !== undefined) return maskOut(layer.name, layer.nested, inputs, major);
  const mask = inputs[0] ?? null;
  if (SEQUENCES.has(className)) return returnsSequences(layer) ? mask : null;
  if (MERGES.has(className) || className === 'Concatenate') return mergedMask(layer, inputs, major, rank);
  return PASSING.has(className) || (major === 3 && PASSING_IN_KERAS3.has(className)) ? mask : null;
}

/** The layers of a model that is called with masks: its inputs make them. */
export function withMasksIn(graph: ModelGraph, masks: readonly Mask[]): GraphLayer[] {
  // Numbers for masks, since those of models within models would become long.
  const kinds = [...new Set(masks)];
  const entering = new Map(graph.inputs.map((ref, i) => [ref.layer, masks[i] ?? null]));
  return graph.layers.map((layer) => {
    const mask = entering.get(layer.name) ?? null;
    if (mask === null) return layer;
    const outside = { layer: '', node: 0, tensor: 0 };
    const config = { name: layer.name, mask_value: `input ${kinds.indexOf(mask)}` };
    return { name: layer.name, className: 'Masking', config, inbound: [[outside]] };
  });
}

/** For each model the masks that it was found to give out, and their numbers; graphs never change. */
interface MasksOut {
  readonly found: Map<string, string | null>;
  readonly numbers: Map<string, number>;
}
const MASKS_OUT = new WeakMap<ModelGraph, MasksOut>();

/** What a model within the model gives out: one word for the masks of all its outputs. */
function maskOut(name: string, graph: ModelGraph, inputs: readonly Mask[], major: KerasMajor): Mask {
  if (inputs.every((mask) => mask === null) && !hasMasks(graph)) return null;
  const known: MasksOut = MASKS_OUT.get(graph) ?? { found: new Map(), numbers: new Map() };
  MASKS_OUT.set(graph, known);
  const kinds = [...new Set(inputs)];
  const key = JSON.stringify([major, inputs.map((mask) => (mask === null ? null : kinds.indexOf(mask)))]);
  let words = known.found.get(key);
  if (words === undefined) {
    const masks = new Masks(withMasksIn(graph, inputs), major);
    const out = graph.outputs.map((ref) => masks.of(ref));
    words = out.every((mask) => mask === null) ? null : out.join(', ');
    known.found.set(key, words);
  }
  if (words === null) return null;
  if (!known.numbers.has(words)) known.numbers.set(words, known.numbers.size);
  return `${known.numbers.get(words)} of ${JSON.stringify(name)} [${inputs.join(', ')}]`;
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
  private ranks: ReadonlyMap<string, number> | undefined;

  constructor(
    private readonly layers: readonly GraphLayer[],
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
        const mask = ends
          ? null
          : maskAfter(call.layer, call.refs, masks, this.major, this.rankOf(call.layer));
        this.known.set(key, mask);
        stack.pop();
      }
    }
    return this.get(ref);
  }

  /** The rank of a layer's inputs, where what becomes of their masks depends on it. */
  private rankOf({ name, className }: GraphLayer): number | undefined {
    if (className !== 'Concatenate') return undefined;
    this.ranks ??= inferRanks({
      name: '',
      kind: 'functional',
      layers: this.layers,
      inputs: [],
      outputs: [],
    }).inputs;
    return this.ranks.get(name);
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
    const key = keyOf(ref.layer, ref.node);
    const first = ref.tensor === 0 || this.calls.get(key)?.layer.nested !== undefined;
    return first ? (this.known.get(key) ?? null) : null;
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
