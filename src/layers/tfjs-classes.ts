import * as tf from '@tensorflow/tfjs';
import { refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import { registeredClass } from './registered.ts';

export interface TfjsClass<Layer extends tf.layers.Layer, Args> {
  new (args: Args): Layer;
  readonly fromConfig: typeof tf.serialization.Serializable.fromConfig;
}

/** tfjs exports its classes under no name, but registers them: a subclass has their initialisers, regularisers and so on. */
export function tfjsClass<Layer extends tf.layers.Layer, Args>(className: string): TfjsClass<Layer, Args> {
  return registeredClass(className) as TfjsClass<Layer, Args>;
}

export type Initializer = ReturnType<typeof tf.initializers.zeros>;
export type Regularizer = ReturnType<typeof tf.regularizers.l2>;
export type Constraint = ReturnType<typeof tf.constraints.nonNeg>;
export interface Activation {
  apply(x: tf.Tensor): tf.Tensor;
}
export type DataFormat = 'channelsFirst' | 'channelsLast';

/** The layer's axes of length, rows and so on: those between batch and channels. */
export function spatialAxes(rank: number, dataFormat: DataFormat): number[] {
  const first = dataFormat === 'channelsFirst' ? 2 : 1;
  return Array.from({ length: rank - 2 }, (_, i) => first + i);
}

export function channelAxis(rank: number, dataFormat: DataFormat): number {
  return dataFormat === 'channelsFirst' ? 1 : rank - 1;
}

/** `(batch, channels, ...space)` to `(batch, ...space, channels)`. */
export function channelsLast(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, ...spatialAxes(x.rank, 'channelsFirst'), 1]);
}

/** `(batch, ...space, channels)` to `(batch, channels, ...space)`. */
export function channelsFirst(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, x.rank - 1, ...spatialAxes(x.rank, 'channelsLast')]);
}

/** What `compute` makes of a tensor whose channels are last, in the layer's own order of axes. */
export function inChannelsLast(
  x: tf.Tensor,
  dataFormat: DataFormat,
  compute: (x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return dataFormat === 'channelsFirst' ? channelsFirst(compute(channelsLast(x))) : compute(x);
}

/** Counted from the front. `undefined` for an axis that `rank` axes lack. */
export function axisFromFront(axis: number, rank: number): number | undefined {
  const fromFront = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && fromFront >= 0 && fromFront < rank ? fromFront : undefined;
}

/** The layer's axis counted from the front, which its input has to have. */
export function axisOfInput(layer: tf.layers.Layer, axis: number, rank: number): number {
  return (
    axisFromFront(axis, rank) ??
    refuseInputs(layer, `an input of ${rank} axes`, `an input that has axis ${axis}`)
  );
}

/** A number for each of `count` axes, from one number or a list. */
export function each(value: number | readonly number[], count: number): number[] {
  return typeof value === 'number' ? Array.from({ length: count }, () => value) : [...value];
}
