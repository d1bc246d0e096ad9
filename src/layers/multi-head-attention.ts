import * as tf from '@tensorflow/tfjs';
import type { Shape } from '../../zoo/layers/layer-inputs.ts';
import { HeadAttention, range, type HeadAttentionArgs } from './head-attention.ts';

export interface MultiHeadAttentionArgs extends HeadAttentionArgs {
  readonly numHeads: number;
  /** Size of each head of query and key. */
  readonly keyDim: number;
  /** Size of each head of the value. Default `keyDim`. */
  readonly valueDim?: number | null;
  /** Sizes of the output. Default the query's last. */
  readonly outputShape?: number | readonly number[] | null;
  /** Axes that are looked along. Default all but the batch axis and the last. */
  readonly attentionAxes?: number | readonly number[] | null;
}

/**
 * Keras's `MultiHeadAttention` (Vaswani et al. 2017, arXiv 1706.03762): inputs `[query, value]` or
 * `[query, value, key]`, of shapes `[batch, queries, size]` and `[batch, values, size]`. Weights: `query`, `key` and
 * `value`, each `kernel` `[size, heads, keyDim or valueDim]` and `bias`, then `attention_output`, `kernel`
 * `[heads, valueDim, ...outputShape]` and `bias`.
 *
 * Masks are inputs that `callInputs` names.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/attention/multi_head_attention.py
 */
export class MultiHeadAttention extends HeadAttention {
  static readonly className: string = 'MultiHeadAttention';
  private readonly options: Record<string, number | number[] | null>;

  constructor(args: MultiHeadAttentionArgs) {
    const { numHeads, keyDim } = args;
    const valueDim = args.valueDim ?? keyDim;
    super(args, { queries: numHeads, keys: numHeads, keyDim, valueDim });
    const listed = (value: number | readonly number[] | null | undefined) =>
      typeof value === 'number' ? [value] : value == null ? null : [...value];
    const { outputShape, attentionAxes } = args;
    this.options = {
      numHeads,
      keyDim,
      valueDim,
      outputShape: listed(outputShape),
      attentionAxes: listed(attentionAxes),
    };
  }

  protected override outputSizes(query: Shape): readonly (number | null)[] {
    return (this.options.outputShape as number[] | null) ?? [query.at(-1) ?? null];
  }

  protected override axes(rank: number): readonly number[] {
    const given = this.options.attentionAxes as number[] | null;
    return given?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? range(1, rank - 1);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(MultiHeadAttention);
