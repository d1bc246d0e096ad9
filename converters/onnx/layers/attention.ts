import { flagOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { unsupportedLayer, weightOf } from '../emitter.ts';
import type { Shape, Value } from '../value.ts';
import { plainValue } from '../value.ts';
import type { AttentionOperands } from './attention-masks.ts';
import { allOf, attentionOperands, causalMask, givesScores, isCausal, spread } from './attention-masks.ts';

/** What Keras takes off the scores of masked places. */
const MASKED = 1e9;

/** Attention weights and what they make of the values, from `scores` of `[..., queries, keys]`. */
function attended(
  call: LayerCall,
  { query, value, key }: AttentionOperands,
  scores: string,
): readonly Value[] {
  const { builder } = call;
  const places = allOf(call, [
    value.mask === undefined ? undefined : spread(call, value.mask, [value.mask.shape.length - 1]),
    isCausal(call) ? causalMask(call, query, key, query.shape.length - 2) : undefined,
  ]);
  const masked =
    places === undefined
      ? scores
      : builder.node('Where', [places, scores, builder.node('Sub', [scores, builder.scalar(MASKED)])]);
  const weights = builder.node('Softmax', [masked], { axis: { i: -1 } });
  let output = builder.node('MatMul', [weights, builder.plain(value)]);
  if (query.mask !== undefined) {
    output = builder.node('Where', [spread(call, query.mask, [-1]), output, builder.scalar(0)]);
  }
  const shape: Shape = [...query.shape.slice(0, -1), value.shape.at(-1) ?? null];
  const outputs = [plainValue(output, shape)];
  if (givesScores(call)) {
    outputs.push(plainValue(weights, [...query.shape.slice(0, -1), key.shape.at(-2) ?? null]));
  }
  return outputs;
}

/** `query + key` for each query and each key: `[..., queries, keys, features]`. */
function sums({ builder }: LayerCall, { query, key }: AttentionOperands): string {
  const rows = builder.node('Unsqueeze', [builder.plain(query), builder.integers([-2])]);
  const columns = builder.node('Unsqueeze', [builder.plain(key), builder.integers([-3])]);
  return builder.node('Add', [rows, columns]);
}

function overFeatures({ builder }: LayerCall, x: string): string {
  return builder.node('ReduceSum', [x, builder.integers([-1])], { keepdims: { i: 0 } });
}

/** Luong's attention, by dot products or by sums (`score_mode`). */
function attention(call: LayerCall): readonly Value[] {
  const { builder, config } = call;
  const operands = attentionOperands(call);
  const { query, key } = operands;
  const rank = query.shape.length;
  const scaled = flagOf(config, 'use_scale', false);
  const scale = scaled ? builder.scalar(weightOf(call, 0, 'scale', [])[0] as number) : undefined;
  const times = (x: string) => (scale === undefined ? x : builder.node('Mul', [x, scale]));
  const mode = config.score_mode ?? 'dot';
  if (mode === 'dot') {
    const order = Array.from({ length: rank }, (_, axis) => axis);
    const turned = builder.transpose(builder.plain(key), [...order.slice(0, -2), rank - 1, rank - 2]);
    return attended(call, operands, times(builder.node('MatMul', [builder.plain(query), turned])));
  }
  if (mode === 'concat') {
    const weight = weightOf(call, scaled ? 1 : 0, 'concat score weight', [])[0] as number;
    const total = overFeatures(call, builder.node('Tanh', [times(sums(call, operands))]));
    return attended(call, operands, builder.node('Mul', [total, builder.scalar(weight)]));
  }
  throw unsupportedLayer(call.layer, `its score_mode is ${JSON.stringify(mode)}`);
}

/** Bahdanau's attention. */
function additiveAttention(call: LayerCall): readonly Value[] {
  const { builder, config } = call;
  const operands = attentionOperands(call);
  const features = operands.query.shape.at(-1) ?? null;
  let squashed = builder.node('Tanh', [sums(call, operands)]);
  if (flagOf(config, 'use_scale', true)) {
    const scale = builder.floats([...weightOf(call, 0, 'scale', [features])]);
    squashed = builder.node('Mul', [squashed, scale]);
  }
  return attended(call, operands, overFeatures(call, squashed));
}

const callArguments = ['call_inputs', 'use_causal_mask', 'return_attention_scores'];

export const attentionEmitters: Readonly<Record<string, LayerEmitter>> = {
  Attention: { emit: attention, callArguments },
  AdditiveAttention: { emit: additiveAttention, callArguments },
};
