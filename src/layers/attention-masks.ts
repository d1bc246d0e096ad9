import * as tf from '@tensorflow/tfjs';

/** What attention is called with, in Keras's names. The first three are the inputs, the others masks of them. */
export type AttentionInput =
  'query' | 'value' | 'key' | 'query_mask' | 'value_mask' | 'key_mask' | 'attention_mask';

const NAMES: readonly AttentionInput[] = [
  'query',
  'value',
  'key',
  'query_mask',
  'value_mask',
  'key_mask',
  'attention_mask',
];

/** The names as they come out of a config of tfjs, which has turned `query_mask` into `queryMask`. */
export function attentionInputs(given: unknown): readonly AttentionInput[] | undefined {
  if (given == null) return [];
  if (!Array.isArray(given)) return undefined;
  const names = given.map((item) =>
    NAMES.find((name) => name === item || name.replace('_mask', 'Mask') === item),
  );
  if (names.includes(undefined) || new Set(names).size !== names.length) return undefined;
  return names as AttentionInput[];
}

export type AttentionTensors = Partial<Record<AttentionInput, tf.Tensor>>;

/** Inputs by name; without names they are query, value and key. */
export function namedInputs<Item>(
  inputs: readonly Item[],
  names: readonly AttentionInput[],
): Partial<Record<AttentionInput, Item>> | undefined {
  const order = names.length > 0 ? names : NAMES.slice(0, 3);
  if (inputs.length > order.length || (names.length > 0 && inputs.length !== names.length)) return undefined;
  const named = inputs.map((input, index) => [order[index]!, input] as const);
  return Object.fromEntries(named);
}

/** `[1, queries, values]`: true where a query may look, itself and what came before. */
export function causalMask(queries: number, values: number): tf.Tensor {
  return tf.tidy(() => {
    const rows = tf.expandDims(tf.range(0, queries), 1);
    const columns = tf.expandDims(tf.range(0, values), 0);
    return tf.expandDims(tf.greaterEqual(rows, columns), 0);
  });
}

/** `[1, queries, values]`: true within `width - 1` places to either side. */
export function windowMask(queries: number, values: number, width: number): tf.Tensor {
  return tf.tidy(() => {
    const rows = tf.expandDims(tf.range(0, queries), 1);
    const columns = tf.expandDims(tf.range(0, values), 0);
    return tf.expandDims(tf.less(tf.abs(tf.sub(rows, columns)), width), 0);
  });
}

/** Softmax over the last axis; where `mask` is false there is no weight. Rows that are false throughout are even. */
export function maskedSoftmax(scores: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
  if (mask === undefined) return tf.softmax(scores);
  // Far below every score, and all alike in float32.
  return tf.softmax(tf.where(tf.broadcastTo(mask, scores.shape), scores, tf.fill(scores.shape, -1e9)));
}
