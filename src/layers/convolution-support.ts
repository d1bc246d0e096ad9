import * as tf from '@tensorflow/tfjs';
import type { LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import type { Activation, Constraint, DataFormat, Initializer, Regularizer } from './tfjs-classes.ts';
import { channelAxis, inChannelsLast, spatialAxes } from './tfjs-classes.ts';

type PerAxis = number | number[];

/** What the convolutions of Keras are made of, in tfjs's vocabulary. */
export interface ConvolutionArgs extends LayerArgs {
  readonly filters: number;
  readonly kernelSize: PerAxis;
  readonly strides?: PerAxis;
  readonly padding?: 'valid' | 'same' | 'causal';
  readonly dataFormat?: DataFormat;
  readonly dilationRate?: PerAxis;
  readonly groups?: number;
  readonly outputPadding?: PerAxis | null;
}

/** What tfjs makes of these arguments, in all its convolutions. */
export interface ConvolutionLayer extends tf.layers.Layer {
  readonly filters: number;
  readonly kernelSize: number[];
  readonly strides: number[];
  readonly padding: 'valid' | 'same' | 'causal';
  readonly dataFormat: DataFormat;
  readonly dilationRate: number[];
  readonly activation: Activation | null;
  readonly useBias: boolean;
  readonly biasInitializer: Initializer;
  readonly biasRegularizer: Regularizer | undefined;
  readonly biasConstraint: Constraint | undefined;
  kernel: tf.LayerVariable | null;
  bias: tf.LayerVariable | null;
}

/** Channels go last, `convolve` does its part, bias and activation follow in the layer's own order of axes. */
export function convolved(
  layer: ConvolutionLayer,
  inputs: tf.Tensor | tf.Tensor[],
  convolve: (x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const given = tf.cast(oneTensor(layer, inputs), 'float32');
  const y = inChannelsLast(given, layer.dataFormat, (x) => {
    const product = convolve(x);
    return layer.bias === null ? product : tf.add(product, layer.bias.read());
  });
  return layer.activation === null ? y : layer.activation.apply(y);
}

/** The size of the channel axis, which has to be known when a layer is built. */
export function channelsOf(layer: ConvolutionLayer, inputShape: Shape | Shape[], rank: number): number {
  const shape = oneShape(layer, inputShape);
  const channels = shape[channelAxis(rank, layer.dataFormat)] ?? null;
  if (shape.length === rank && channels !== null) return channels;
  return refuseInputs(layer, JSON.stringify(shape), `${rank} axes and a known number of channels`);
}

/** What the layer takes from now on: so many axes, so many channels. */
export function inputSpecOf(layer: ConvolutionLayer, rank: number, channels: number): tf.InputSpec[] {
  return [new tf.InputSpec({ ndim: rank, axes: { [channelAxis(rank, layer.dataFormat)]: channels } })];
}

/** A layer's own `addWeight`, which tfjs keeps from others. */
export type AddWeight = (
  name: string,
  shape: Shape,
  dtype: tf.DataType,
  initializer: Initializer,
  regularizer: Regularizer | undefined,
  trainable: boolean,
  constraint: Constraint | undefined,
) => tf.LayerVariable;

export function addBias(layer: ConvolutionLayer, size: number, addWeight: AddWeight): void {
  if (!layer.useBias) return;
  const { biasInitializer, biasRegularizer, biasConstraint } = layer;
  layer.bias = addWeight('bias', [size], 'float32', biasInitializer, biasRegularizer, true, biasConstraint);
}

export function checkGroups(className: string, groups: unknown, filters: number): number {
  const count = groups ?? 1;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && filters % count === 0)
    return count;
  return refuseOption(className, 'groups', groups, `a whole number that divides the ${filters} filters`);
}

/** The input's shape with other spatial sizes and channels. */
export function outputShapeOf(
  inputShape: Shape,
  dataFormat: DataFormat,
  channels: number | null,
  size: (given: number, axis: number) => number,
): Shape {
  const spatial = spatialAxes(inputShape.length, dataFormat);
  const shape = [...inputShape];
  spatial.forEach((axis, i) => {
    const given = shape[axis] ?? null;
    shape[axis] = given === null ? null : size(given, i);
  });
  shape[channelAxis(inputShape.length, dataFormat)] = channels;
  return shape;
}

export function convolvedLength(
  length: number,
  kernel: number,
  padding: string,
  stride: number,
  dilation: number,
): number {
  const positions = padding === 'valid' ? length - (kernel - 1) * dilation : length;
  return Math.max(0, Math.ceil(positions / stride));
}

/**
 * The kernel `(...space, a, b)` with `rate - 1` zeros between its numbers along each spatial axis. tfjs's convolutions
 * have no gradients with a dilation, and its transposed ones no dilation at all; with such a kernel they need none.
 */
export function dilated(kernel: tf.Tensor, rates: readonly number[]): tf.Tensor {
  let result = kernel;
  rates.forEach((rate, axis) => {
    const size = result.shape[axis] as number;
    if (rate === 1 || size === 1) return;
    const { shape } = result;
    const spread = tf.reshape(result, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
    const zeros = tf.zeros([...shape.slice(0, axis + 1), rate - 1, ...shape.slice(axis + 1)]);
    const filled = tf.concat([spread, zeros], axis + 1);
    const joined = tf.reshape(filled, [...shape.slice(0, axis), size * rate, ...shape.slice(axis + 1)]);
    const begin = shape.map(() => 0);
    const sizes = shape.map((length, i) => (i === axis ? (size - 1) * rate + 1 : length));
    result = tf.slice(joined, begin, sizes);
  });
  return result;
}

interface Steps {
  readonly strides: number[];
  readonly padding: 'valid' | 'same';
  readonly dilations: number[];
  readonly groups: number;
  /** In training the dilation goes into the kernel. */
  readonly training: boolean;
}

/** A convolution of pictures `(batch, rows, columns, channels)`, or of volumes, whose channels fall into groups. */
export function groupedConvolution(x: tf.Tensor, kernel: tf.Tensor, steps: Steps): tf.Tensor {
  const { strides, padding, groups, training } = steps;
  const spread = training ? dilated(kernel, steps.dilations) : kernel;
  const dilations = training ? steps.dilations.map(() => 1) : steps.dilations;
  const volume = x.rank === 5;
  const channels = x.shape.at(-1) as number;
  if (groups === channels && groups > 1 && !volume) {
    const [rows, columns, , filters] = spread.shape as [number, number, number, number];
    // Filter c * m + j of the grouped kernel is filter j of channel c of the depthwise one: the same memory.
    const depthwise: tf.Tensor4D = tf.reshape(spread, [rows, columns, channels, filters / channels]);
    return tf.depthwiseConv2d(x as tf.Tensor4D, depthwise, pair(strides), padding, 'NHWC', pair(dilations));
  }
  const one = (input: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    volume
      ? tf.conv3d(
          input as tf.Tensor5D,
          filter as tf.Tensor5D,
          triple(strides),
          padding,
          'NDHWC',
          triple(dilations),
        )
      : tf.conv2d(
          input as tf.Tensor4D,
          filter as tf.Tensor4D,
          pair(strides),
          padding,
          'NHWC',
          pair(dilations),
        );
  if (groups === 1) return one(x, spread);
  const kernels = tf.split(spread, groups, spread.rank - 1);
  const parts = tf.split(x, groups, x.rank - 1);
  return tf.concat(
    parts.map((part, group) => one(part, kernels[group] as tf.Tensor)),
    x.rank - 1,
  );
}

export const pair = (values: readonly number[]) => [values[0], values[1]] as [number, number];
export const triple = (values: readonly number[]) =>
  [values[0], values[1], values[2]] as [number, number, number];
