/** Sizes in Keras's order; `null` is known only at run time. The batch comes first. */
export type Shape = readonly (number | null)[];

/** `plain` is Keras's own order of axes; `channelsFirst` holds `[batch, rows, columns, channels]` as NCHW. */
export type Layout = 'plain' | 'channelsFirst';

/**
 * A tensor of the model while it is written. It may exist in both layouts; `born` is the one that its operator
 * produced, the other is made by a transpose when somebody asks for it, once.
 */
export interface Value {
  readonly shape: Shape;
  readonly born: Layout;
  /** Names of the ONNX values that hold it. */
  readonly forms: { plain?: string; channelsFirst?: string };
  /** Of a `[batch, channels]` value that was a pooled map: the name of the same numbers as `[batch, channels, 1, 1]`. */
  readonly pooledMap?: string;
}

export function plainValue(name: string, shape: Shape): Value {
  return { shape, born: 'plain', forms: { plain: name } };
}

/** `shape` is in Keras's order, `[batch, rows, columns, channels]`. */
export function channelsFirstValue(name: string, shape: Shape): Value {
  return { shape, born: 'channelsFirst', forms: { channelsFirst: name } };
}

/** The value in the layout it was born in. */
export function bornForm(value: Value): string {
  return value.forms[value.born] as string;
}

/** Where an axis of Keras's order stands in NCHW. */
export const CHANNELS_FIRST_AXIS = [0, 2, 3, 1] as const;
