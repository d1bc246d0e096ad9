/** Sizes in Keras's order; `null` is known only at run time. The batch comes first. */
export type Shape = readonly (number | null)[];

/**
 * `plain` is Keras's own order of axes, for tensors of any rank. `channelsFirst` holds `[batch, ...sizes, channels]`, of
 * 3 axes or more, as `[batch, channels, ...sizes]`.
 */
export type Layout = 'plain' | 'channelsFirst';

export type ValueType = 'float32' | 'int32' | 'bool';

/**
 * A tensor of the model while it is written. It may exist in both layouts; `born` is the one that its operator
 * produced, the other is made by a transpose when somebody asks for it, once.
 */
export interface Value {
  readonly shape: Shape;
  readonly born: Layout;
  /** Names of the ONNX values that hold it. */
  readonly forms: { plain?: string; channelsFirst?: string };
  /** What its numbers are; absent: float32. */
  readonly dtype?: ValueType;
  /** Keras's mask: `true` for the steps that count, mostly of `[batch, steps]`. See `layers/masks.ts`. */
  readonly mask?: Value;
  /** Of a `[batch, channels]` value that was a pooled map: the name of the same numbers as `[batch, channels, 1, 1]`. */
  readonly pooledMap?: string;
}

export function plainValue(name: string, shape: Shape, dtype?: ValueType): Value {
  return { shape, born: 'plain', forms: { plain: name }, ...typed(dtype) };
}

/** `shape` is in Keras's order, `[batch, ...sizes, channels]`. */
export function channelsFirstValue(name: string, shape: Shape, dtype?: ValueType): Value {
  return { shape, born: 'channelsFirst', forms: { channelsFirst: name }, ...typed(dtype) };
}

function typed(dtype: ValueType | undefined): { dtype?: ValueType } {
  return dtype === undefined || dtype === 'float32' ? {} : { dtype };
}

export function valueType({ dtype = 'float32' }: Value): ValueType {
  return dtype;
}

/** The value in the layout it was born in. */
export function bornForm(value: Value): string {
  return value.forms[value.born] as string;
}

/** Where an axis of Keras's order, counted from the front, stands when the channels come first. */
export function channelsFirstAxis(axis: number, rank: number): number {
  if (axis === 0) return 0;
  return axis === rank - 1 ? 1 : axis + 1;
}

/** Where an axis of Keras's order, counted from the front, stands in the layout that the value was born in. */
export function bornAxis(value: Value, axis: number): number {
  return value.born === 'plain' ? axis : channelsFirstAxis(axis, value.shape.length);
}

/** The permutation of a transpose to `layout` from the other one. */
export function layoutOrder(layout: Layout, rank: number): number[] {
  const sizes = Array.from({ length: rank - 2 }, (_, index) => index);
  if (layout === 'plain') return [0, ...sizes.map((index) => index + 2), 1];
  return [0, rank - 1, ...sizes.map((index) => index + 1)];
}
