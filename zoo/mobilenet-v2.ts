import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder } from './builder.ts';
import { divisibleFilters } from './divisible-filters.ts';
import type { Network } from './network.ts';
import { stridedPadding } from './strided-padding.ts';

type Tensor = tf.SymbolicTensor;

/** Rows of table 2 of the paper: filters, number of blocks, and the stride of the first one. */
const stages: readonly (readonly [filters: number, count: number, strides: 1 | 2])[] = [
  [16, 1, 1],
  [24, 2, 2],
  [32, 3, 2],
  [64, 4, 2],
  [96, 3, 1],
  [160, 3, 2],
  [320, 1, 1],
];
const STEM_FILTERS = 32;
const LAST_FILTERS = 1280;
/** How many times its input's channels a block widens to; the first block does not. */
const EXPANSION = 6;
const MOMENTUM = 0.999;

/**
 * MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) as in `keras/src/applications/mobilenet_v2.py`: blocks that widen,
 * convolve each channel, and narrow again without activation.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or `[batch, rows, columns, 1280]`
 * without top (`[batch, 1280]` when pooled); with `alpha` above 1 there are more than 1280 channels.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildMobileNetV2 = modelBuilder((network, image, settings) => {
  const { alpha } = settings;
  let x = network.conv2d(image, {
    name: 'Conv1',
    filters: divisibleFilters(STEM_FILTERS * alpha),
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    useBias: false,
  });
  x = relu6(network, normalise(network, x, 'bn_Conv1'), 'Conv1_relu');
  let number = 0;
  for (const [filters, count, firstStrides] of stages) {
    for (let repeat = 0; repeat < count; repeat++) {
      x = block(network, x, number++, {
        // Keras cuts the fraction off before it rounds.
        filters: divisibleFilters(Math.floor(filters * alpha)),
        strides: repeat === 0 ? firstStrides : 1,
      });
    }
  }
  // A narrow network keeps a wide last layer, as the paper says.
  const lastFilters = alpha > 1 ? divisibleFilters(LAST_FILTERS * alpha) : LAST_FILTERS;
  x = network.conv2d(x, { name: 'Conv_1', filters: lastFilters, kernelSize: 1, useBias: false });
  x = relu6(network, normalise(network, x, 'Conv_1_bn'), 'out_relu');
  return classifierOrFeatures(network, x, settings, { namedPool: 'never' });
});

interface BlockOptions {
  readonly filters: number;
  readonly strides: 1 | 2;
}

/** An inverted residual block. */
function block(network: Network, input: Tensor, number: number, { filters, strides }: BlockOptions): Tensor {
  const prefix = number === 0 ? 'expanded_conv_' : `block_${number}_`;
  const channels = input.shape[3]!;
  let x = input;
  if (number > 0) {
    x = pointwise(network, x, `${prefix}expand`, EXPANSION * channels);
    x = relu6(network, normalise(network, x, `${prefix}expand_BN`), `${prefix}expand_relu`);
  }
  if (strides === 2) x = network.zeroPadding2d(x, { name: `${prefix}pad`, padding: stridedPadding(x, 3) });
  x = network.depthwiseConv2d(x, {
    name: `${prefix}depthwise`,
    kernelSize: 3,
    strides,
    padding: strides === 1 ? 'same' : 'valid',
    useBias: false,
  });
  x = relu6(network, normalise(network, x, `${prefix}depthwise_BN`), `${prefix}depthwise_relu`);
  x = normalise(network, pointwise(network, x, `${prefix}project`, filters), `${prefix}project_BN`);
  return strides === 1 && channels === filters ? network.add([input, x], { name: `${prefix}add` }) : x;
}

function pointwise(network: Network, x: Tensor, name: string, filters: number): Tensor {
  return network.conv2d(x, { name, filters, kernelSize: 1, padding: 'same', useBias: false });
}

function normalise(network: Network, x: Tensor, name: string): Tensor {
  return network.batchNormalization(x, { name, momentum: MOMENTUM });
}

function relu6(network: Network, x: Tensor, name: string): Tensor {
  return network.relu(x, { name, maxValue: 6 });
}
