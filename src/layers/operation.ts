import type * as tf from '@tensorflow/tfjs';
import { axisFromFront } from './tfjs-classes.ts';

/** What an operation's config says besides its operands, with the names that tfjs makes of Keras's (`transposeA`). */
export type Options = Readonly<Record<string, unknown>>;
export type Operation = (operands: readonly tf.Tensor[], options: Options) => tf.Tensor | tf.Tensor[];

/** An operation on one tensor. */
export const unary =
  (compute: (x: tf.Tensor, options: Options) => tf.Tensor | tf.Tensor[]): Operation =>
  ([x], options) =>
    compute(x as tf.Tensor, options);

/** The axis of an option counted from the front. */
export const axisOf = (axis: unknown, rank: number) => axisFromFront(axis as number, rank) ?? Number.NaN;

/** The axes of an option counted from the front; `null` is all of them. */
export function axesOf(value: unknown, rank: number): number[] {
  if (value === null || value === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  return [value].flat().map((axis) => axisOf(axis, rank));
}
