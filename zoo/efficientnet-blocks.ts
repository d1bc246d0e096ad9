import * as tf from '@tensorflow/tfjs';
import type { ResolvedOptions } from './build-options.ts';
import type { RandomKernel } from './initializers.ts';
import { truncatedNormal } from './initializers.ts';
import type { Network } from './network.ts';
import { pooled } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Table 1 of EfficientNet's paper, which Lite shares: kernel size, strides of the first block, expansion, filters, number of blocks. */
export const efficientNetStages = [
  [3, 1, 1, 16, 1],
  [3, 2, 6, 24, 2],
  [5, 2, 6, 40, 2],
  [3, 2, 6, 80, 3],
  [5, 1, 6, 112, 3],
  [5, 2, 6, 192, 4],
  [3, 1, 6, 320, 1],
] as const;

/** Kernels of convolutions. */
export const convolutionKernel = truncatedNormal(2, 'fanOut');

/** Kernel of the classifier: uniform, with a variance of `1 / (3 fan out)`. */
export const classifierKernel: RandomKernel = (seed) =>
  tf.initializers.varianceScaling({
    scale: 1 / 3,
    mode: 'fanOut',
    distribution: 'uniform',
    seed,
  });

export interface ConvolutionOptions {
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
  /** Default `same`. */
  readonly padding?: 'same' | 'valid';
  /** Of the BatchNormalization. Default 0.99. */
  readonly momentum?: number;
}

/** A convolution without bias and its BatchNormalization; `name` ends with an underscore. */
export function convolveAndNormalise(
  network: Network,
  x: Tensor,
  name: string,
  { filters, kernelSize, strides = 1, padding = 'same', momentum = 0.99 }: ConvolutionOptions,
): Tensor {
  const convolved = network.conv2d(x, {
    name: `${name}conv`,
    filters,
    kernelSize,
    strides,
    padding,
    useBias: false,
    random: convolutionKernel,
  });
  return network.batchNormalization(convolved, { name: `${name}bn`, momentum });
}

export function swish(network: Network, x: Tensor, name: string): Tensor {
  return network.activation(x, { name, activation: 'swish' });
}

/**
 * Squeeze and excite (Hu et al. 2017, arXiv 1709.01507): a factor between 0 and 1 for each channel, from the channels'
 * means. `name` is the block's, with its underscore.
 */
export function squeezeAndExcite(network: Network, x: Tensor, name: string, squeezed: number): Tensor {
  const channels = x.shape[3]!;
  let factors = network.globalAveragePooling2d(x, { name: `${name}se_squeeze` });
  factors = network.reshape(factors, { name: `${name}se_reshape`, targetShape: [1, 1, channels] });
  factors = network.conv2d(factors, {
    name: `${name}se_reduce`,
    filters: squeezed,
    kernelSize: 1,
    padding: 'same',
    activation: 'swish',
    random: convolutionKernel,
  });
  factors = network.conv2d(factors, {
    name: `${name}se_expand`,
    filters: channels,
    kernelSize: 1,
    padding: 'same',
    activation: 'sigmoid',
    random: convolutionKernel,
  });
  return network.multiply([x, factors], { name: `${name}se_excite` });
}

/**
 * Adds a block's input to what it made of it. In training the block is left out for whole pictures of the batch, at
 * the given rate: stochastic depth (Huang et al. 2016, arXiv 1603.09382).
 */
export function addWithStochasticDepth(
  network: Network,
  x: Tensor,
  input: Tensor,
  name: string,
  rate: number,
): Tensor {
  // tfjs's types know no null, which stands for the batch here and in Keras; its code does.
  const noiseShape = [null, 1, 1, 1] as unknown as number[];
  const dropped = rate > 0 ? network.dropout(x, { name: `${name}drop`, rate, noiseShape }) : x;
  return network.add([dropped, input], { name: `${name}add` });
}

/** The end of the network: the classifier after pooling and dropout, or the feature map, pooled or not. */
export function efficientNetTop(
  network: Network,
  x: Tensor,
  { includeTop, pooling, classes, classifierActivation }: ResolvedOptions,
  dropout: number,
): Tensor {
  if (!includeTop) return pooled(network, x, pooling, { named: true });
  const features = network.globalAveragePooling2d(x, { name: 'avg_pool' });
  return network.dense(network.dropout(features, { name: 'top_dropout', rate: dropout }), {
    name: 'predictions',
    units: classes,
    activation: classifierActivation,
    random: classifierKernel,
  });
}
