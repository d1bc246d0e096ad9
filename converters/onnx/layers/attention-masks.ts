import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Value } from '../value.ts';

/** `0, 1, 2, ...` along one axis of a value, as int64; `axes` behind it have one element. */
function positions({ builder }: LayerCall, value: Value, axis: number, axes: number): string {
  const size = value.shape[axis] ?? null;
  const ones = Array.from({ length: axes }, () => 1);
  if (size !== null) {
    return builder.integers(
      Array.from({ length: size }, (_, index) => index),
      [size, ...ones],
    );
  }
  const plain = builder.plain(value);
  const known = builder.node('Shape', [plain], { start: { i: axis }, end: { i: axis + 1 } });
  const count = builder.node('Squeeze', [known, builder.integers([0])]);
  const range = builder.node('Range', [builder.integers([0], []), count, builder.integers([1], [])]);
  return axes === 0
    ? range
    : builder.node('Unsqueeze', [range, builder.integers(ones.map((_, index) => index + 1))]);
}

const KNOWN: readonly unknown[] = [
  'query',
  'value',
  'key',
  'attention_mask',
  'query_mask',
  'value_mask',
  'key_mask',
];

/** What attention is called with, by Keras's names. */
export interface AttentionOperands {
  readonly query: Value;
  readonly value: Value;
  readonly key: Value;
  /** `[batch, queries, keys]` */
  readonly attentionMask: Value | undefined;
}

/** `call_inputs` names the inputs where they are not query, value and key; a mask that it names is the only one. */
export function attentionOperands(call: LayerCall): AttentionOperands {
  const { config, callArguments, inputs, layer } = call;
  const given = callArguments.call_inputs ?? config.call_inputs ?? ['query', 'value', 'key'];
  const names = Array.isArray(given) ? given : [];
  const at = (name: string): Value | undefined => {
    const index = names.indexOf(name);
    return index < 0 ? undefined : inputs[index];
  };
  const query = at('query');
  const value = at('value');
  const key = at('key') ?? value;
  const unknown = names.filter((name) => !KNOWN.includes(name));
  if (
    query === undefined ||
    value === undefined ||
    key === undefined ||
    inputs.length > names.length ||
    unknown.length > 0
  ) {
    throw unsupportedLayer(layer, `it has ${inputs.length} inputs, named ${JSON.stringify(given)}`);
  }
  const ranks = new Set([query, value, key].map(({ shape }) => shape.length));
  if (ranks.size !== 1 || query.shape.length < 3) {
    throw unsupportedLayer(layer, `its inputs have ${[...ranks].join(' and ')} axes`);
  }
  const stated = ['query_mask', 'value_mask', 'key_mask'].some((name) => names.includes(name));
  const withMask = (operand: Value, name: string): Value =>
    stated ? { ...operand, mask: at(`${name}_mask`) } : operand;
  return {
    query: withMask(query, 'query'),
    value: withMask(value, 'value'),
    key: withMask(key, 'key'),
    attentionMask: at('attention_mask'),
  };
}

/** Whether a call, or a layer for all of its calls, asks that no query sees what comes behind it. */
export function isCausal({ config, callArguments }: LayerCall): boolean {
  return [config.causal, config.use_causal_mask, callArguments.use_causal_mask].includes(true);
}

/** Whether a call, or a layer for all of its calls, gives its weights out too. */
export function givesScores({ config, callArguments }: LayerCall): boolean {
  return [config.return_attention_scores, callArguments.return_attention_scores].includes(true);
}

/** `[queries, keys]`: true where a key does not stand behind the query. */
export function causalMask(call: LayerCall, query: Value, key: Value, axis: number): string {
  const rows = positions(call, query, axis, 1);
  return call.builder.node('GreaterOrEqual', [rows, positions(call, key, axis, 0)]);
}

/** `[queries, keys]`: true where the two are less than `width` apart. */
export function windowMask(call: LayerCall, query: Value, key: Value, axis: number, width: number): string {
  const { builder } = call;
  const apart = builder.node('Sub', [positions(call, query, axis, 1), positions(call, key, axis, 0)]);
  return builder.node('Less', [builder.node('Abs', [apart]), builder.integers([width], [])]);
}

/** All that are there, joined; they are broadcast. */
export function allOf({ builder }: LayerCall, masks: readonly (string | undefined)[]): string | undefined {
  const given = masks.filter((mask) => mask !== undefined);
  return given.length === 0 ? undefined : given.reduce((a, b) => builder.node('And', [a, b]));
}

/** A mask `[batch, steps]` with axes of one element at these places of the result. */
export function spread({ builder }: LayerCall, mask: Value, axes: readonly number[]): string {
  return builder.node('Unsqueeze', [asBool(builder, mask), builder.integers(axes)]);
}

export function asBool(builder: LayerCall['builder'], mask: Value): string {
  return builder.plain(builder.castValue(mask, 'bool'));
}
