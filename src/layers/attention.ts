import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { causalMask, maskedSoftmax } from './attention-masks.ts';
import { truthOf } from './constants.ts';
import { QueryAttention, type QueryAttentionArgs } from './query-attention.ts';

export interface AttentionArgs extends QueryAttentionArgs {
  /** A weight that the scores are multiplied with. Default false; true for `AdditiveAttention`. */
  readonly useScale?: boolean;
  /** `dot` (default) or `concat`: the tanh of the sum instead of the product. Not for `AdditiveAttention`. */
  readonly scoreMode?: 'dot' | 'concat';
}

abstract class SequenceAttention extends QueryAttention {
  protected readonly useScale: boolean;
  protected scale: tf.LayerVariable | undefined;

  constructor(args: AttentionArgs & { causal?: boolean }, useScale: boolean) {
    // Before Keras 2.10 the causal mask was an option of the layer, by another name.
    super({ ...args, useCausalMask: args.useCausalMask ?? args.causal });
    this.useScale = args.useScale ?? useScale;
  }

  /** `[batch, queries, keys]` from `[batch, queries, size]` and `[batch, keys, size]`. */
  protected abstract scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor;

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const given = this.named(inputs);
      const { query, value, key = value } = given;
      const scores = this.scores(query, key);
      const masks = [
        ...(given.value_mask === undefined ? [] : [tf.expandDims(truthOf(given.value_mask), -2)]),
        ...(this.useCausalMask ? [causalMask(scores.shape.at(-2)!, scores.shape.at(-1)!)] : []),
      ];
      const mask = masks.length === 0 ? undefined : masks.reduce((a, b) => tf.logicalAnd(a, b));
      let weights = maskedSoftmax(scores, mask);
      if (kwargs.training === true && this.dropout > 0) weights = tf.dropout(weights, this.dropout);
      let output: tf.Tensor = tf.matMul(weights, value);
      if (given.query_mask !== undefined) {
        output = tf.mul(output, tf.expandDims(tf.cast(given.query_mask, 'float32'), -1));
      }
      return this.returnAttentionScores ? [output, weights] : output;
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const { query, value, key = value } = this.named<Shape>(inputShape);
    const output = [...query.slice(0, -1), value.at(-1) ?? null];
    return this.returnAttentionScores ? [output, [...query.slice(0, -1), key.at(-2) ?? null]] : output;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), useScale: this.useScale };
  }
}

/**
 * Keras's `Attention` (Luong et al. 2015, arXiv 1508.04025): inputs `[query, value]` or `[query, value, key]` of
 * shapes `[batch, queries, size]` and `[batch, values, size]`; for each query the mean of the values, weighted by the
 * softmax of its products with the keys. Weights: `scale` (a scalar) with `useScale`, `concat_score_weight` with
 * `scoreMode: 'concat'`.
 *
 * Masks are inputs that `callInputs` names: `value_mask` takes values out, `query_mask` sets outputs to 0.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/attention/attention.py
 */
export class Attention extends SequenceAttention {
  static readonly className: string = 'Attention';
  private readonly scoreMode: 'dot' | 'concat';
  private concatScoreWeight: tf.LayerVariable | undefined;

  constructor(args: AttentionArgs = {}) {
    super(args, false);
    const { scoreMode = 'dot' } = args;
    if (scoreMode !== 'dot' && scoreMode !== 'concat') {
      refuseOption('Attention', 'scoreMode', scoreMode, 'dot or concat');
    }
    this.scoreMode = scoreMode;
  }

  override build(inputShape: Shape | Shape[]): void {
    const scalar = (name: string) => this.addWeight(name, [], 'float32', tf.initializers.ones());
    if (this.useScale) this.scale = scalar('scale');
    if (this.scoreMode === 'concat') this.concatScoreWeight = scalar('concat_score_weight');
    super.build(inputShape);
  }

  protected override scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor {
    const scale = this.scale?.read();
    if (this.scoreMode === 'dot') {
      const scores: tf.Tensor = tf.matMul(query, key, false, true);
      return scale === undefined ? scores : tf.mul(scores, scale);
    }
    const sum = tf.add(tf.expandDims(query, -2), tf.expandDims(key, -3));
    const weight = (this.concatScoreWeight as tf.LayerVariable).read();
    return tf.mul(weight, tf.sum(tf.tanh(scale === undefined ? sum : tf.mul(scale, sum)), -1));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), scoreMode: this.scoreMode };
  }
}
tf.serialization.registerClass(Attention);

/**
 * Keras's `AdditiveAttention` (Bahdanau et al. 2014, arXiv 1409.0473): as `Attention`, with the scores
 * `sum(scale * tanh(query + key))`. Weights: `scale` `[size]` unless `useScale` is false.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/attention/additive_attention.py
 */
export class AdditiveAttention extends SequenceAttention {
  static readonly className: string = 'AdditiveAttention';

  constructor(args: AttentionArgs = {}) {
    super(args, true);
  }

  override build(inputShape: Shape | Shape[]): void {
    const { query } = this.named<Shape>(inputShape);
    const size = query.at(-1) ?? refuseInputs(this, JSON.stringify(query), 'a known size of the last axis');
    if (this.useScale) {
      this.scale = this.addWeight('scale', [size], 'float32', tf.initializers.glorotUniform({}));
    }
    super.build(inputShape);
  }

  protected override scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor {
    const sum = tf.tanh(tf.add(tf.expandDims(query, -2), tf.expandDims(key, -3)));
    return tf.sum(this.scale === undefined ? sum : tf.mul(this.scale.read(), sum), -1);
  }
}
tf.serialization.registerClass(AdditiveAttention);
