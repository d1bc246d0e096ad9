import * as tf from '@tensorflow/tfjs';
import type { Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { HeadAttention, type HeadAttentionArgs } from './head-attention.ts';

export interface GroupQueryAttentionArgs extends HeadAttentionArgs {
  readonly headDim: number;
  readonly numQueryHeads: number;
  /** Divides `numQueryHeads`. */
  readonly numKeyValueHeads: number;
}

/**
 * Keras 3's `GroupQueryAttention`, in its files `GroupedQueryAttention` (Ainslie et al. 2023, arXiv 2305.13245): as `MultiHeadAttention`, but each head of
 * key and value serves several heads of the query.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/attention/grouped_query_attention.py
 */
export class GroupQueryAttention extends HeadAttention {
  static readonly className: string = 'GroupQueryAttention';
  private readonly options: Record<string, number>;

  constructor(args: GroupQueryAttentionArgs) {
    const { headDim, numQueryHeads, numKeyValueHeads } = args;
    super(args, { queries: numQueryHeads, keys: numKeyValueHeads, keyDim: headDim, valueDim: headDim });
    if (numQueryHeads % numKeyValueHeads !== 0) {
      const expected = `a whole number that divides the ${numQueryHeads} heads of the query`;
      refuseOption('GroupQueryAttention', 'numKeyValueHeads', numKeyValueHeads, expected);
    }
    this.options = { headDim, numQueryHeads, numKeyValueHeads };
  }

  protected override outputSizes(query: Shape): readonly (number | null)[] {
    return [query.at(-1) ?? null];
  }

  protected override axes(): readonly number[] {
    return [1];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(GroupQueryAttention);
