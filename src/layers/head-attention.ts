import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { causalMask, maskedSoftmax, windowMask, type AttentionTensors } from './attention-masks.ts';
import { truthOf } from './constants.ts';
import { QueryAttention, type QueryAttentionArgs } from './query-attention.ts';
import { initializerOf, regularizerOf, serialized, serializedOrNull } from './registered.ts';
import type { Initializer, Regularizer } from './tfjs-classes.ts';

export interface HeadAttentionArgs extends QueryAttentionArgs {
  readonly useBias?: boolean;
  /** The output is multiplied with the sigmoid of one more projection of the query. Default false. */
  readonly useGate?: boolean;
  /** No query looks further than `slidingWindow - 1` places to either side. Default no limit. */
  readonly slidingWindow?: number | null;
  readonly kernelInitializer?: unknown;
  readonly biasInitializer?: unknown;
  readonly kernelRegularizer?: unknown;
  readonly biasRegularizer?: unknown;
}

interface Heads {
  readonly queries: number;
  /** Each of them serves `queries / keys` heads of the query. */
  readonly keys: number;
  readonly keyDim: number;
  readonly valueDim: number;
}

interface Projection {
  readonly kernel: tf.LayerVariable;
  readonly bias: tf.LayerVariable | undefined;
  /** How many axes of the input are summed over: 1, or 2 for the output. */
  readonly summed: number;
}

const product = tf.util.sizeFromShape;
export const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** What all layers with heads have in common: projections, scores, masks, gates and windows. */
export abstract class HeadAttention extends QueryAttention {
  private readonly heads: Heads;
  private readonly useBias: boolean;
  private readonly useGate: boolean;
  private readonly slidingWindow: number | null;
  private readonly kernelInitializer: Initializer;
  private readonly biasInitializer: Initializer;
  private readonly kernelRegularizer: Regularizer | undefined;
  private readonly biasRegularizer: Regularizer | undefined;
  private projections: Record<'query' | 'key' | 'value' | 'output', Projection> | undefined;
  private gate: Projection | undefined;

  constructor(args: HeadAttentionArgs, heads: Heads) {
    super(args);
    for (const [name, value] of Object.entries(heads)) {
      if (!Number.isInteger(value) || (value as number) < 1) {
        refuseOption(this.getClassName(), name, value, 'a whole number of at least 1');
      }
    }
    this.heads = heads;
    this.useBias = args.useBias ?? true;
    this.useGate = args.useGate ?? false;
    this.slidingWindow = args.slidingWindow ?? null;
    this.kernelInitializer = initializerOf(args.kernelInitializer, 'glorotUniform');
    this.biasInitializer = initializerOf(args.biasInitializer, 'zeros');
    this.kernelRegularizer = regularizerOf(args.kernelRegularizer);
    this.biasRegularizer = regularizerOf(args.biasRegularizer);
  }

  /** Sizes of the output behind the axes that it has in common with the query. */
  protected abstract outputSizes(query: Shape): readonly (number | null)[];
  /** The axes of the query along which it looks at the values; the batch axis is 0. */
  protected abstract axes(rank: number): readonly number[];

  override build(inputShape: Shape | Shape[]): void {
    const { query, value, key = value } = this.named<Shape>(inputShape);
    const { queries, keys, keyDim, valueDim } = this.heads;
    const add = (name: string, sizes: (number | null)[], summed: number): Projection => {
      if (sizes.includes(null))
        refuseInputs(this, JSON.stringify(inputShape), 'known sizes of the last axes');
      const { kernelInitializer, kernelRegularizer, biasInitializer, biasRegularizer } = this;
      const shape = sizes as number[];
      const kernel = this.addWeight(`${name}/kernel`, shape, 'float32', kernelInitializer, kernelRegularizer);
      const rest = shape.slice(summed);
      const bias = this.useBias
        ? this.addWeight(`${name}/bias`, rest, 'float32', biasInitializer, biasRegularizer)
        : undefined;
      return { kernel, bias, summed };
    };
    const last = (shape: Shape) => shape.at(-1) ?? null;
    const ofQuery = add('query', [last(query), queries, keyDim], 1);
    const ofKey = add('key', [last(key), keys, keyDim], 1);
    if (this.useGate) this.gate = add('gate', [last(query), queries, valueDim], 1);
    const ofValue = add('value', [last(value), keys, valueDim], 1);
    const output = add('attention_output', [queries, valueDim, ...this.outputSizes(query)], 2);
    this.projections = { query: ofQuery, key: ofKey, value: ofValue, output };
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const given = this.named(inputs);
      const { query, value, key = value } = given;
      const projections = this.projections as NonNullable<typeof this.projections>;
      const repeats = this.heads.queries / this.heads.keys;
      const q = tf.mul(project(query, projections.query), 1 / Math.sqrt(this.heads.keyDim));
      const k = repeated(project(key, projections.key), repeats);
      const v = repeated(project(value, projections.value), repeats);

      // Heads and all axes that are not looked along come first, in one axis; then places, then size.
      const { rank } = q;
      const along = this.axes(query.rank);
      const batch = [...range(0, rank - 2).filter((axis) => !along.includes(axis)), rank - 2];
      const order = [...batch, ...along, rank - 1];
      const sizes = (x: tf.Tensor, axes: readonly number[]) => axes.map((axis) => x.shape[axis] as number);
      const flat = (x: tf.Tensor) =>
        tf.reshape<tf.Rank.R3>(tf.transpose(x, order), [
          product(sizes(x, batch)),
          product(sizes(x, along)),
          x.shape[rank - 1] as number,
        ]);
      const scores = tf.matMul(flat(q), flat(k), false, true);
      const full = [...sizes(q, batch), ...sizes(q, along), ...sizes(k, along)];
      const mask = this.maskOf(given, query.shape[1] as number, value.shape[1] as number);
      const placed = mask === undefined ? undefined : spread(mask, full, along.length);
      let weights = maskedSoftmax(scores, placed && tf.reshape(placed, scores.shape));
      if (kwargs.training === true && this.dropout > 0) weights = tf.dropout(weights, this.dropout);
      const mixed = tf.matMul(weights, flat(v));
      const shaped = tf.reshape(mixed, [...sizes(q, batch), ...sizes(q, along), this.heads.valueDim]);
      const back = range(0, rank).map((axis) => order.indexOf(axis));
      let heads: tf.Tensor = tf.transpose(shaped, back);
      if (this.gate !== undefined) heads = tf.mul(heads, tf.sigmoid(project(query, this.gate)));
      const output = project(heads, projections.output);
      return this.returnAttentionScores ? [output, tf.reshape(weights, full)] : output;
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const { query, value, key = value } = this.named<Shape>(inputShape);
    const output = [...query.slice(0, -1), ...this.outputSizes(query)];
    if (!this.returnAttentionScores) return output;
    const along = this.axes(query.length);
    const batch = range(0, query.length - 1).filter((axis) => !along.includes(axis));
    const pick = (shape: Shape, axes: readonly number[]) => axes.map((axis) => shape[axis] ?? null);
    return [output, [...pick(query, batch), this.heads.queries, ...pick(query, along), ...pick(key, along)]];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      useBias: this.useBias,
      useGate: this.useGate,
      slidingWindow: this.slidingWindow,
      kernelInitializer: serialized(this.kernelInitializer),
      biasInitializer: serialized(this.biasInitializer),
      kernelRegularizer: serializedOrNull(this.kernelRegularizer),
      biasRegularizer: serializedOrNull(this.biasRegularizer),
    };
  }

  /** `[batch, queries, values]`, or with 1 for the batch; what may be looked at. */
  private maskOf(given: AttentionTensors, queries: number, values: number): tf.Tensor | undefined {
    const at = (mask: tf.Tensor | undefined, axis: number) =>
      mask === undefined ? [] : [tf.expandDims(truthOf(mask), axis)];
    const masks = [
      ...at(given.query_mask, -1),
      ...at(given.value_mask, -2),
      ...at(given.key_mask, -2),
      ...(given.attention_mask === undefined ? [] : [truthOf(given.attention_mask)]),
      ...(this.useCausalMask ? [causalMask(queries, values)] : []),
      ...(this.slidingWindow === null ? [] : [windowMask(queries, values, this.slidingWindow)]),
    ];
    return masks.length === 0 ? undefined : masks.reduce((a, b) => tf.logicalAnd(a, b));
  }
}

/** The last axes are summed over with the first of the kernel. */
function project(x: tf.Tensor, { kernel, bias, summed }: Projection): tf.Tensor {
  const weights = kernel.read();
  const lead = x.shape.slice(0, x.rank - summed);
  const rest = weights.shape.slice(summed);
  const width = product(weights.shape.slice(0, summed));
  const y = tf.matMul(
    tf.reshape(tf.cast(x, 'float32'), [product(lead), width]),
    tf.reshape(weights, [width, product(rest)]),
  );
  const shaped = tf.reshape(y, [...lead, ...rest]);
  return bias === undefined ? shaped : tf.add(shaped, bias.read());
}

/** Each head, the axis before the last, so many times. */
function repeated(x: tf.Tensor, times: number): tf.Tensor {
  if (times === 1) return x;
  const lead = x.shape.slice(0, -2);
  const [heads, size] = x.shape.slice(-2) as [number, number];
  // tfjs has no gradient for tiles of so many axes.
  const copies = tf.stack(
    Array.from({ length: times }, () => x),
    x.rank - 1,
  );
  return tf.reshape(copies, [...lead, heads * times, size]);
}

/** A mask of fewer axes than the scores gets axes before those that are looked along. */
function spread(mask: tf.Tensor, shape: number[], along: number): tf.Tensor {
  const split = mask.rank - 2 * along;
  const ones = Array<number>(shape.length - mask.rank).fill(1);
  return tf.broadcastTo(
    tf.reshape(mask, [...mask.shape.slice(0, split), ...ones, ...mask.shape.slice(split)]),
    shape,
  );
}
