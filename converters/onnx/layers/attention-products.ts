import { softmaxOver } from '../activations.ts';
import { numberOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { AttentionOperands } from './attention-masks.ts';
import { allOf, asBool, causalMask, givesScores, isCausal, spread, windowMask } from './attention-masks.ts';

/** What the scores of masked places become. */
const MASKED = -1e9;

/** How many heads there are, and how wide they are. */
export interface Heads {
  readonly queries: number;
  /** Fewer where several queries share one (GroupQueryAttention). */
  readonly keys: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

export interface Projected {
  /** `[..., heads, width]` */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly gate: string | undefined;
}

/** Places that count: what the inputs' masks and the options say, broadcast to `[batch, queries, keys]`. */
function placesOf(call: LayerCall, operands: AttentionOperands, simple: boolean): string | undefined {
  const { query, value, key, attentionMask } = operands;
  const { config } = call;
  const width = config.sliding_window;
  const causal = isCausal(call);
  const masks = [query.mask, value.mask, key.mask];
  if (simple && attentionMask !== undefined && attentionMask.shape.length !== 3) {
    throw unsupportedLayer(call.layer, `its attention_mask has ${attentionMask.shape.length} axes`);
  }
  if (!simple && (causal || typeof width === 'number' || masks.some((mask) => mask !== undefined))) {
    throw unsupportedLayer(call.layer, 'it has a mask and does not attend along the second of three axes');
  }
  return allOf(call, [
    query.mask === undefined ? undefined : spread(call, query.mask, [2]),
    value.mask === undefined ? undefined : spread(call, value.mask, [1]),
    key.mask === undefined || key.mask === value.mask ? undefined : spread(call, key.mask, [1]),
    causal ? causalMask(call, query, value, 1) : undefined,
    typeof width === 'number' ? windowMask(call, query, value, 1, width) : undefined,
    attentionMask === undefined ? undefined : asBool(call.builder, attentionMask),
  ]);
}

/**
 * Keras 3's Softmax gives zeros where nothing counts. It is used where there is dropout, where the scores are asked for
 * and for inputs of more than three axes; Keras 2 and the other way of Keras 3 give equal weights.
 */
function zerosWhereNothingCounts(call: LayerCall): boolean {
  const { config, inputs } = call;
  const explicit = numberOf(config, 'dropout', 0) > 0 || givesScores(call) || inputs[0]?.shape.length !== 3;
  // Only Keras 3 writes a seed.
  return config.seed !== undefined && explicit;
}

/** Attention weights; `places` has as many axes as the scores, or fewer in front. */
function weighted(
  call: LayerCall,
  scores: string,
  places: string | undefined,
  axes: readonly number[],
): string {
  const { builder } = call;
  if (places === undefined) return softmaxOver(builder, scores, axes);
  const masked = builder.node('Where', [places, scores, builder.scalar(MASKED)]);
  const weights = softmaxOver(builder, masked, axes);
  if (!zerosWhereNothingCounts(call)) return weights;
  return builder.node('Where', [places, weights, builder.scalar(0)]);
}

export interface Attended {
  /** `[batch, queries, heads, width]` */
  readonly output: string;
  /** `[batch, heads, queries, keys]` */
  readonly scores: string;
}

/** Attention along the second of three axes, by matrix products. */
export function attendedSimply(
  call: LayerCall,
  operands: AttentionOperands,
  { query, key, value }: Projected,
  heads: Heads,
): Attended {
  const { builder } = call;
  const shared = heads.queries / heads.keys;
  const grouped = shared !== 1;
  // Several queries' heads lie along an axis of their own, along which keys and values are broadcast.
  const spreadHeads = (x: string) => (grouped ? builder.node('Unsqueeze', [x, builder.integers([2])]) : x);
  const queries = grouped
    ? builder.transpose(builder.reshape(query, [0, 0, heads.keys, shared, heads.keyWidth]), [0, 2, 3, 1, 4])
    : builder.transpose(query, [0, 2, 1, 3]);
  const keys = spreadHeads(builder.transpose(key, [0, 2, 3, 1]));
  const values = spreadHeads(builder.transpose(value, [0, 2, 1, 3]));
  const places = placesOf(call, operands, true);
  const attentionAxes = places === undefined ? 0 : placesRank(operands);
  const headAxes = attentionAxes === 3 ? (grouped ? [1, 2] : [1]) : [];
  const spreadPlaces =
    places === undefined || headAxes.length === 0
      ? places
      : builder.node('Unsqueeze', [places, builder.integers(headAxes)]);
  const scores = weighted(call, builder.node('MatMul', [queries, keys]), spreadPlaces, [-1]);
  const output = builder.node('MatMul', [scores, values]);
  if (!grouped) return { output: builder.transpose(output, [0, 2, 1, 3]), scores };
  const turned = builder.transpose(output, [0, 3, 1, 2, 4]);
  const sizes = [operands.query.shape[1] ?? -1, operands.value.shape[1] ?? -1];
  return {
    output: builder.reshape(turned, [0, 0, heads.queries, heads.valueWidth]),
    scores: builder.reshape(scores, [0, heads.queries, ...sizes]),
  };
}

/** A causal mask alone has two axes; all others have three. */
function placesRank({ query, value, key, attentionMask }: AttentionOperands): 2 | 3 {
  const masks = [query.mask, value.mask, key.mask, attentionMask];
  return masks.some((mask) => mask !== undefined) ? 3 : 2;
}

/** Attention along any axes, as Einstein sums. */
export function attendedAlong(
  call: LayerCall,
  operands: AttentionOperands,
  { query, key, value }: Projected,
  axes: readonly number[],
): Attended {
  const { builder } = call;
  const rank = operands.query.shape.length + 1;
  const letter = (index: number) => String.fromCharCode('a'.charCodeAt(0) + index);
  const target = Array.from({ length: rank }, (_, axis) => letter(axis));
  const source = target.map((own, axis) => (axes.includes(axis) ? letter(rank + axes.indexOf(axis)) : own));
  const kept = target.filter((_, axis) => axis !== rank - 1 && !axes.includes(axis));
  const product = [
    ...kept,
    ...axes.map((axis) => target[axis] as string),
    ...axes.map((axis) => source[axis] as string),
  ].join('');
  const [from, to] = [source.join(''), target.join('')];
  const scores = builder.node('Einsum', [key, query], { equation: { s: `${from},${to}->${product}` } });
  const places = placesOf(call, operands, false);
  const scoresRank = kept.length + 2 * axes.length;
  const given = operands.attentionMask?.shape.length ?? 0;
  const before = scoresRank - given;
  // Keras puts the missing axes before those of the queries and keys.
  const first = given - 2 * axes.length;
  if (places !== undefined && (first < 0 || before < 0)) {
    throw unsupportedLayer(call.layer, `its attention_mask has ${given} axes`);
  }
  const spreadPlaces =
    places === undefined || before === 0
      ? places
      : builder.node('Unsqueeze', [
          places,
          builder.integers(Array.from({ length: before }, (_, index) => first + index)),
        ]);
  const last = Array.from({ length: axes.length }, (_, index) => index - axes.length);
  const weights = weighted(call, scores, spreadPlaces, last);
  return {
    output: builder.node('Einsum', [weights, value], { equation: { s: `${product},${from}->${to}` } }),
    scores: weights,
  };
}
