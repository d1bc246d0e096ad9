import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder, rowOf } from './builder.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Blocks in each of the four dense stages: table 1 of the paper. */
const blocks: Readonly<Record<string, readonly number[]>> = {
  densenet121: [6, 12, 24, 16],
  densenet169: [6, 12, 32, 32],
  densenet201: [6, 12, 48, 32],
};
/** Channels that each block adds: k in the paper. */
const GROWTH_RATE = 32;
/** A bottleneck has 4k filters. */
const BOTTLENECK = 4;
/** A transition keeps this part of the channels. */
const COMPRESSION = 0.5;
const EPSILON = 1.001e-5;

/**
 * DenseNet121, 169 and 201 (Huang et al. 2016, arXiv 1608.06993) as in `keras/src/applications/densenet.py`.
 *
 * Input `[batch, height, width, 3]`, 0 to 1 minus the ImageNet mean, by the ImageNet deviation (mode `torch`). Output
 * `[batch, classes]`, or `[batch, rows, columns, width]` without top (`[batch, width]` when pooled); the width is 1024,
 * 1664 or 1920.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildDenseNet = modelBuilder((network, image, settings) => {
  const counts = rowOf(blocks, settings.card);

  let x = pad(network, image, 3);
  x = network.conv2d(x, { name: 'conv1_conv', filters: 64, kernelSize: 7, strides: 2, useBias: false });
  x = normalisedRelu(network, x, { bn: 'conv1_bn', relu: 'conv1_relu' });
  x = network.maxPooling2d(pad(network, x, 1), { name: 'pool1', poolSize: 3, strides: 2 });
  counts.forEach((count, index) => {
    const stage = index + 2;
    for (let number = 1; number <= count; number++) x = denseBlock(network, x, `conv${stage}_block${number}`);
    if (index < counts.length - 1) x = transition(network, x, `pool${stage}`);
  });
  x = normalisedRelu(network, x, { bn: 'bn', relu: 'relu' });
  return classifierOrFeatures(network, x, settings, { namedPool: 'always' });
});

function denseBlock(network: Network, input: Tensor, name: string): Tensor {
  let x = normalisedRelu(network, input, { bn: `${name}_0_bn`, relu: `${name}_0_relu` });
  const narrow = { filters: BOTTLENECK * GROWTH_RATE, kernelSize: 1, useBias: false };
  x = network.conv2d(x, { name: `${name}_1_conv`, ...narrow });
  x = normalisedRelu(network, x, { bn: `${name}_1_bn`, relu: `${name}_1_relu` });
  const grown = { filters: GROWTH_RATE, kernelSize: 3, padding: 'same', useBias: false } as const;
  x = network.conv2d(x, { name: `${name}_2_conv`, ...grown });
  return network.concatenate([input, x], { name: `${name}_concat` });
}

function transition(network: Network, x: Tensor, name: string): Tensor {
  const filters = Math.floor(x.shape.at(-1)! * COMPRESSION);
  x = normalisedRelu(network, x, { bn: `${name}_bn`, relu: `${name}_relu` });
  x = network.conv2d(x, { name: `${name}_conv`, filters, kernelSize: 1, useBias: false });
  return network.averagePooling2d(x, { name: `${name}_pool`, poolSize: 2, strides: 2 });
}

function normalisedRelu(network: Network, x: Tensor, names: { bn: string; relu: string }): Tensor {
  x = network.batchNormalization(x, { name: names.bn, epsilon: EPSILON });
  return network.activation(x, { name: names.relu, activation: 'relu' });
}

/** `pixels` of zeros on each side; Keras leaves these layers unnamed. */
function pad(network: Network, x: Tensor, pixels: number): Tensor {
  return network.zeroPadding2d(x, {
    padding: [
      [pixels, pixels],
      [pixels, pixels],
    ],
  });
}
