import { countOf, flagOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, unsupportedLayer } from '../emitter.ts';
import type { Shape, Value } from '../value.ts';
import { plainValue } from '../value.ts';
import type { AttentionOperands } from './attention-masks.ts';
import { attentionOperands, givesScores } from './attention-masks.ts';
import type { Attended, Heads, Projected } from './attention-products.ts';
import { attendedAlong, attendedSimply } from './attention-products.ts';

/** Reads the projections' weights one after the other, as they stand in the layer's list. */
class Projections {
  readonly #call: LayerCall;
  readonly #bias: boolean;
  #next = 0;

  constructor(call: LayerCall) {
    this.#call = call;
    this.#bias = flagOf(call.config, 'use_bias', true);
  }

  /** `[..., features]` as `[..., heads, width]`. */
  split(role: string, x: Value, heads: number, width: number): string {
    const { builder, layer } = this.#call;
    const features = x.shape.at(-1);
    if (features == null) throw unsupportedLayer(layer, 'the size of the last axis of an input is not known');
    const product = this.#product(role, builder.plain(x), [features], [heads, width]);
    return builder.reshape(product, [...x.shape.slice(0, -1).map(() => 0), heads, width]);
  }

  /** `[..., heads * width]` as `[..., ...shape]`; `axes` is how many axes come before. */
  join(
    role: string,
    x: string,
    heads: number,
    width: number,
    shape: readonly number[],
    axes: number,
  ): string {
    const product = this.#product(role, x, [heads, width], shape);
    if (shape.length === 1) return product;
    return this.#call.builder.reshape(product, [...Array.from({ length: axes }, () => 0), ...shape]);
  }

  #product(role: string, x: string, from: readonly number[], to: readonly number[]): string {
    const { builder, weightKey } = this.#call;
    const kernel = checkedWeight(this.#call, this.#next++, `${role} kernel`, [...from, ...to]);
    const rows = from.reduce((total, size) => total * size, 1);
    const width = to.reduce((total, size) => total * size, 1);
    const matrix = builder.weights(`${weightKey}:${role}_kernel`, [rows, width], kernel.tensor);
    const product = builder.node('MatMul', [x, matrix]);
    if (!this.#bias) return product;
    const bias = checkedWeight(this.#call, this.#next++, `${role} bias`, to);
    const name = builder.weights(`${weightKey}:${role}_bias`, [width], bias.tensor);
    return builder.node('Add', [product, name]);
  }
}

function projected(
  call: LayerCall,
  weights: Projections,
  operands: AttentionOperands,
  heads: Heads,
): Projected {
  const query = weights.split('query', operands.query, heads.queries, heads.keyWidth);
  const key = weights.split('key', operands.key, heads.keys, heads.keyWidth);
  const gate = flagOf(call.config, 'use_gate', false)
    ? call.builder.node('Sigmoid', [weights.split('gate', operands.query, heads.queries, heads.valueWidth)])
    : undefined;
  const value = weights.split('value', operands.value, heads.keys, heads.valueWidth);
  const scale = call.builder.scalar(1 / Math.sqrt(heads.keyWidth));
  return { query: call.builder.node('Mul', [query, scale]), key, value, gate };
}

function outputSizes(call: LayerCall, query: Value): number[] {
  const given = call.config.output_shape;
  const list = Array.isArray(given) ? given : given == null ? [query.shape.at(-1) ?? null] : [given];
  if (list.length > 0 && list.every((size) => typeof size === 'number')) return list;
  throw unsupportedLayer(call.layer, `its output_shape is ${JSON.stringify(given)}`);
}

function attentionAxes(call: LayerCall, rank: number): number[] {
  const given = call.config.attention_axes ?? Array.from({ length: rank - 2 }, (_, index) => index + 1);
  const list = Array.isArray(given) ? given : [given];
  return list.map((axis) => {
    const front = typeof axis === 'number' && axis < 0 ? axis + rank : axis;
    if (typeof front === 'number' && Number.isInteger(front) && front > 0 && front < rank - 1) return front;
    throw unsupportedLayer(call.layer, `its attention_axes are ${JSON.stringify(given)}`);
  });
}

function finished(
  call: LayerCall,
  weights: Projections,
  operands: AttentionOperands,
  heads: Heads,
  { gate }: Projected,
  { output, scores }: Attended,
  scoresShape: Shape,
): readonly Value[] {
  const { builder } = call;
  const { shape } = operands.query;
  const sizes = outputSizes(call, operands.query);
  const axes = shape.length - 1;
  const gated = gate === undefined ? output : builder.node('Mul', [output, gate]);
  const flat = builder.reshape(gated, [
    ...Array.from({ length: axes }, () => 0),
    heads.queries * heads.valueWidth,
  ]);
  const name = weights.join('attention_output', flat, heads.queries, heads.valueWidth, sizes, axes);
  const value = plainValue(name, [...shape.slice(0, -1), ...sizes]);
  if (!givesScores(call)) return [value];
  return [value, plainValue(scores, scoresShape)];
}

function multiHeadAttention(call: LayerCall): readonly Value[] {
  const operands = attentionOperands(call);
  const { query, value } = operands;
  const queries = countOf(call, 'num_heads');
  const keyWidth = countOf(call, 'key_dim');
  const valueWidth = call.config.value_dim == null ? keyWidth : countOf(call, 'value_dim');
  const heads = { queries, keys: queries, keyWidth, valueWidth };
  const axes = attentionAxes(call, query.shape.length);
  const weights = new Projections(call);
  const parts = projected(call, weights, operands, heads);
  const simple = query.shape.length === 3;
  const attended = simple
    ? attendedSimply(call, operands, parts, heads)
    : attendedAlong(call, operands, parts, axes);
  const others = query.shape.slice(0, -1).filter((_, axis) => !axes.includes(axis));
  const along = (of: Value) => axes.map((axis) => of.shape[axis] ?? null);
  const scoresShape = [...others, queries, ...along(query), ...along(value)];
  return finished(call, weights, operands, heads, parts, attended, scoresShape);
}

function groupQueryAttention(call: LayerCall): readonly Value[] {
  const operands = attentionOperands(call);
  const { query, value } = operands;
  const width = countOf(call, 'head_dim');
  const queries = countOf(call, 'num_query_heads');
  const keys = countOf(call, 'num_key_value_heads');
  if (query.shape.length !== 3 || queries % keys !== 0) {
    throw unsupportedLayer(
      call.layer,
      `it has ${queries} and ${keys} heads, and its input has ${query.shape.length} axes`,
    );
  }
  const heads = { queries, keys, keyWidth: width, valueWidth: width };
  const weights = new Projections(call);
  const parts = projected(call, weights, operands, heads);
  const attended = attendedSimply(call, operands, parts, heads);
  const scoresShape = [query.shape[0] ?? null, queries, query.shape[1] ?? null, value.shape[1] ?? null];
  return finished(call, weights, operands, heads, parts, attended, scoresShape);
}

const callArguments = ['call_inputs', 'return_attention_scores', 'use_causal_mask'];

export const attentionHeadEmitters: Readonly<Record<string, LayerEmitter>> = {
  MultiHeadAttention: { emit: multiHeadAttention, callArguments },
  GroupQueryAttention: { emit: groupQueryAttention, callArguments },
  GroupedQueryAttention: { emit: groupQueryAttention, callArguments },
};
