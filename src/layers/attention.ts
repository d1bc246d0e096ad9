import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import {
  attentionInputs,
  causalMask,
  maskedSoftmax,
  namedInputs,
  type AttentionInput,
  type AttentionTensors,
} from './attention-masks.ts';

export interface AttentionArgs extends LayerArgs {
  /** A weight that the scores are multiplied with. Default false; true for `AdditiveAttention`. */
  readonly useScale?: boolean;
  /** `dot` (default) or `concat`: the tanh of the sum instead of the product. Not for `AdditiveAttention`. */
  readonly scoreMode?: 'dot' | 'concat';
  /** Share of the weights that training drops. Default 0. */
  readonly dropout?: number;
  /** No query sees what comes behind it. Keras gives this with the call. Default false. */
  readonly useCausalMask?: boolean;
  /** The weights are a second output. Keras gives this with the call. Default false. */
  readonly returnAttentionScores?: boolean;
  /** What the inputs are, in Keras's names, where they are not query, value and key. */
  readonly callInputs?: readonly AttentionInput[] | null;
}

abstract class SequenceAttention extends tf.layers.Layer {
  protected readonly useScale: boolean;
  protected scale: tf.LayerVariable | undefined;
  private readonly dropout: number;
  private readonly useCausalMask: boolean;
  private readonly returnAttentionScores: boolean;
  private readonly callInputs: readonly AttentionInput[];

  constructor(args: AttentionArgs & { causal?: boolean }, useScale: boolean) {
    super(args);
    this.useScale = args.useScale ?? useScale;
    this.dropout = args.dropout ?? 0;
    // Before Keras 2.10 it was an option of the layer, by another name.
    this.useCausalMask = args.useCausalMask ?? args.causal ?? false;
    this.returnAttentionScores = args.returnAttentionScores ?? false;
    const names = attentionInputs(args.callInputs);
    if (names === undefined) {
      refuseOption(
        this.getClassName(),
        'callInputs',
        args.callInputs,
        "names of Keras's arguments, each once",
      );
    }
    this.callInputs = names;
    this.supportsMasking = true;
  }

  /** `[batch, queries, keys]` from `[batch, queries, size]` and `[batch, keys, size]`. */
  protected abstract scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor;

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const given: AttentionTensors = this.named(inputs as tf.Tensor[]);
      const { query, value } = given as { query: tf.Tensor; value: tf.Tensor };
      const scores = this.scores(query, given.key ?? value);
      const masks = [
        ...(given.value_mask === undefined ? [] : [tf.expandDims(tf.cast(given.value_mask, 'bool'), -2)]),
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
    const { query, value, key } = this.named(inputShape as Shape[]) as Record<'query' | 'value', Shape> & {
      key?: Shape;
    };
    const output = [...query.slice(0, -1), value.at(-1) ?? null];
    return this.returnAttentionScores
      ? [output, [...query.slice(0, -1), (key ?? value).at(-2) ?? null]]
      : output;
  }

  /** The query's mask goes on to the output; the executor hands all masks over, in the order of the inputs. */
  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    const first = (Array.isArray(mask) ? mask[0] : mask) ?? null;
    return (this.returnAttentionScores ? [first, null] : first) as tf.Tensor;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      useScale: this.useScale,
      dropout: this.dropout,
      useCausalMask: this.useCausalMask,
      returnAttentionScores: this.returnAttentionScores,
      callInputs: this.callInputs.length === 0 ? null : [...this.callInputs],
    };
  }

  protected named<Item>(inputs: Item[]): Partial<Record<AttentionInput, Item>> {
    const list = Array.isArray(inputs) && typeof inputs[0] === 'object' ? inputs : [];
    const named = namedInputs(list, this.callInputs);
    if (named?.query !== undefined && named.value !== undefined) return named;
    return refuseInputs(this, `${list.length} inputs`, 'query and value, and perhaps key');
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
    const query = this.named(inputShape as Shape[]).query as Shape;
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
