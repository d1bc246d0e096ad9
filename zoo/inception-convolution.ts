import type * as tf from '@tensorflow/tfjs';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

export interface InceptionConvolutionOptions {
  readonly strides?: number;
  /** Default `same`. */
  readonly padding?: 'same' | 'valid';
  /** Of the convolution; its normalisation and activation add `_bn` and `_ac`. Default: all three are unnamed. */
  readonly name?: string;
}

/**
 * What the Inception networks are made of: a convolution without bias, a BatchNormalization that only shifts (no
 * gamma), and ReLU. `kernelSize` is a side or `[rows, columns]`.
 */
export function convolve(
  network: Network,
  x: Tensor,
  filters: number,
  kernelSize: number | [number, number],
  { strides = 1, padding = 'same', name }: InceptionConvolutionOptions = {},
): Tensor {
  x = network.conv2d(x, { name, filters, kernelSize, strides, padding, useBias: false });
  x = network.batchNormalization(x, { name: name && `${name}_bn`, scale: false });
  return network.activation(x, { name: name && `${name}_ac`, activation: 'relu' });
}

/** One step of a branch. */
export type InceptionStep = readonly [
  filters: number,
  kernelSize: number | [number, number],
  options?: InceptionConvolutionOptions,
];

/** Convolutions one after the other. */
export function branch(network: Network, x: Tensor, ...steps: readonly InceptionStep[]): Tensor {
  return steps.reduce(
    (y, [filters, kernelSize, options]) => convolve(network, y, filters, kernelSize, options),
    x,
  );
}

/** Halves the sides, with no padding: the last step of a branch of a reduction. */
export const HALVING: InceptionConvolutionOptions = { strides: 2, padding: 'valid' };

/** The stem of both networks: 299 pixels become 35, and 3 channels 192. */
export function inceptionStem(network: Network, image: Tensor): Tensor {
  let x = convolve(network, image, 32, 3, HALVING);
  x = convolve(network, x, 32, 3, { padding: 'valid' });
  x = convolve(network, x, 64, 3);
  x = halvingPool(network, x);
  x = convolve(network, x, 80, 1, { padding: 'valid' });
  x = convolve(network, x, 192, 3, { padding: 'valid' });
  return halvingPool(network, x);
}

export function halvingPool(network: Network, x: Tensor): Tensor {
  return network.maxPooling2d(x, { poolSize: 3, strides: 2 });
}

/** The pooled branch of an Inception block: an average that keeps the size, then a 1x1 convolution. */
export function pooledBranch(network: Network, x: Tensor, filters: number): Tensor {
  const average = network.averagePooling2d(x, { poolSize: 3, strides: 1, padding: 'same' });
  return convolve(network, average, filters, 1);
}
