import type { GraphLayer, TensorRef } from '../graph.ts';
import { keyOf } from './mask-roles.ts';

interface Call {
  readonly layer: GraphLayer;
  readonly refs: readonly TensorRef[];
}

/** Layers that give their input itself out at inference, with whatever mask it has by then. */
const SAME_TENSOR = new Set(
  'AlphaDropout Dropout GaussianDropout GaussianNoise Identity SpatialDropout1D SpatialDropout2D SpatialDropout3D'.split(
    ' ',
  ),
);

const takesOff = ({ className, nested }: GraphLayer): boolean =>
  className === 'MultiHeadAttention' || (nested?.layers.some(takesOff) ?? false);

/**
 * Masks that are gone before a call sees them: when Keras 3's MultiHeadAttention runs, it takes the masks off its query,
 * value and key (`keras/src/layers/attention/multi_head_attention.py`, `set_keras_mask`), and what reads these tensors
 * later finds none.
 */
export class ForgottenMasks {
  /** Calls that take the masks off a tensor, by the tensor. */
  private readonly takers = new Map<string, string[]>();
  private readonly needed = new Map<string, ReadonlySet<string>>();

  constructor(private readonly calls: ReadonlyMap<string, Call>) {
    for (const [call, { layer, refs }] of calls) {
      if (!takesOff(layer)) continue;
      for (const ref of refs) {
        const tensor = this.tensorOf(ref);
        this.takers.set(tensor, [...(this.takers.get(tensor) ?? []), call]);
      }
    }
  }

  /** What is left of a mask for the call `by`; other words than the mask's where the order of the calls is not known. */
  left(mask: string, ref: TensorRef, by: string): string | null {
    const takers = (this.takers.get(this.tensorOf(ref)) ?? []).filter((taker) => taker !== by);
    const before = takers.filter((taker) => this.neededBy(by).has(taker));
    if (before.some((taker) => this.calls.get(taker)!.layer.nested === undefined)) return null;
    const after = takers.every((taker) => this.neededBy(taker).has(by));
    return after ? mask : `${mask}, or none`;
  }

  private tensorOf(ref: TensorRef): string {
    let tensor = ref;
    for (;;) {
      const call = this.calls.get(keyOf(tensor.layer, tensor.node));
      const [input] = call?.refs ?? [];
      if (call === undefined || input === undefined || !SAME_TENSOR.has(call.layer.className)) break;
      tensor = input;
    }
    return JSON.stringify([tensor.layer, tensor.node, tensor.tensor]);
  }

  /** The calls that have to run before this one. */
  private neededBy(call: string): ReadonlySet<string> {
    const known = this.needed.get(call);
    if (known !== undefined) return known;
    const found = new Set<string>();
    const queue = [call];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const ref of this.calls.get(next)?.refs ?? []) {
        const key = keyOf(ref.layer, ref.node);
        if (found.has(key)) continue;
        found.add(key);
        queue.push(key);
      }
    }
    this.needed.set(call, found);
    return found;
  }
}
