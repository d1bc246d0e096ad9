import type * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import { divisibleFilters } from './divisible-filters.ts';
import type { Network } from './network.ts';
import { pooled } from './network.ts';
import { stridedPadding } from './strided-padding.ts';

type Tensor = tf.SymbolicTensor;
type Nonlinearity = 'RE' | 'HS';

/** Expansion of the input's channels, filters, kernel, squeeze-and-excite, nonlinearity, strides. */
type Row = readonly [number, filters: number, 3 | 5, squeeze: boolean, Nonlinearity, strides: 1 | 2];

interface Table {
  readonly blocks: readonly Row[];
  /** Filters of `conv_2`, the layer before the classifier. */
  readonly lastFilters: number;
}

/** Tables 1 and 2 of the paper. */
const tables: Readonly<Record<string, Table>> = {
  mobilenetv3large: {
    blocks: [
      [1, 16, 3, false, 'RE', 1],
      [4, 24, 3, false, 'RE', 2],
      [3, 24, 3, false, 'RE', 1],
      [3, 40, 5, true, 'RE', 2],
      [3, 40, 5, true, 'RE', 1],
      [3, 40, 5, true, 'RE', 1],
      [6, 80, 3, false, 'HS', 2],
      [2.5, 80, 3, false, 'HS', 1],
      [2.3, 80, 3, false, 'HS', 1],
      [2.3, 80, 3, false, 'HS', 1],
      [6, 112, 3, true, 'HS', 1],
      [6, 112, 3, true, 'HS', 1],
      [6, 160, 5, true, 'HS', 2],
      [6, 160, 5, true, 'HS', 1],
      [6, 160, 5, true, 'HS', 1],
    ],
    lastFilters: 1280,
  },
  mobilenetv3small: {
    blocks: [
      [1, 16, 3, true, 'RE', 2],
      [72 / 16, 24, 3, false, 'RE', 2],
      [88 / 24, 24, 3, false, 'RE', 1],
      [4, 40, 5, true, 'HS', 2],
      [6, 40, 5, true, 'HS', 1],
      [6, 40, 5, true, 'HS', 1],
      [3, 48, 5, true, 'HS', 1],
      [3, 48, 5, true, 'HS', 1],
      [6, 96, 5, true, 'HS', 2],
      [6, 96, 5, true, 'HS', 1],
      [6, 96, 5, true, 'HS', 1],
    ],
    lastFilters: 1024,
  },
};
const STEM_FILTERS = 16;
const SQUEEZE = 0.25;
const MOMENTUM = 0.999;
const DROPOUT = 0.2;

/**
 * MobileNetV3 Small and Large (Howard et al. 2019, arXiv 1905.02244) as in `keras/src/applications/mobilenet_v3.py`.
 * `minimalistic` leaves out what small processors are slow at: 5x5 kernels, hard-swish and squeeze-and-excite.
 *
 * Input `[batch, height, width, 3]`, 0 to 255, or -1 to 1 (mode `tf`) with `includePreprocessing: false`. Output
 * `[batch, classes]`, or `[batch, rows, columns, features]` without top (`[batch, features]` when pooled): 576 features
 * of Small and 960 of Large.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildMobileNetV3 = modelBuilder((network, image, settings) => {
  const { includeTop, pooling, classes, alpha, minimalistic, dropout = DROPOUT } = settings;
  const table = rowOf(tables, settings.card);
  const activate = minimalistic ? relu : hardSwish;

  let x = settings.includePreprocessing ? network.rescaling(image, { scale: 1 / 127.5, offset: -1 }) : image;
  x = network.conv2d(x, {
    name: 'conv',
    filters: STEM_FILTERS,
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    useBias: false,
  });
  x = activate(network, normalise(network, x, 'conv_bn'));
  table.blocks.forEach(([expansion, filters, kernelSize, squeeze, nonlinearity, strides], number) => {
    x = block(network, x, number, {
      expansion,
      filters: divisibleFilters(filters * alpha),
      kernelSize: minimalistic ? 3 : kernelSize,
      squeeze: squeeze && !minimalistic,
      activate: nonlinearity === 'RE' ? relu : activate,
      strides,
    });
  });
  x = pointwise(network, x, 'conv_1', divisibleFilters(x.shape[3]! * 6));
  x = activate(network, normalise(network, x, 'conv_1_bn'));

  if (!includeTop) return pooled(network, x, pooling, { named: true });
  const filters = alpha > 1 ? divisibleFilters(table.lastFilters * alpha) : table.lastFilters;
  x = network.globalAveragePooling2d(x, { keepDims: true });
  x = activate(network, network.conv2d(x, { name: 'conv_2', filters, kernelSize: 1, padding: 'same' }));
  if (dropout > 0) x = network.dropout(x, { rate: dropout });
  x = network.conv2d(x, { name: 'logits', filters: classes, kernelSize: 1, padding: 'same' });
  x = network.flatten(x);
  return network.activation(x, { name: 'predictions', activation: settings.classifierActivation });
});

interface BlockOptions {
  readonly expansion: number;
  readonly filters: number;
  readonly kernelSize: 3 | 5;
  readonly squeeze: boolean;
  readonly activate: (network: Network, x: Tensor) => Tensor;
  readonly strides: 1 | 2;
}

/** An inverted residual block; the first one does not widen. */
function block(network: Network, input: Tensor, number: number, options: BlockOptions): Tensor {
  const { filters, kernelSize, activate, strides } = options;
  const prefix = number === 0 ? 'expanded_conv_' : `expanded_conv_${number}_`;
  const channels = input.shape[3]!;
  const expanded = divisibleFilters(channels * options.expansion);
  let x = input;
  if (number > 0) {
    x = pointwise(network, x, `${prefix}expand`, expanded);
    x = activate(network, normalise(network, x, `${prefix}expand_bn`));
  }
  if (strides === 2) {
    x = network.zeroPadding2d(x, { name: `${prefix}depthwise_pad`, padding: stridedPadding(x, kernelSize) });
  }
  x = network.depthwiseConv2d(x, {
    name: `${prefix}depthwise`,
    kernelSize,
    strides,
    padding: strides === 1 ? 'same' : 'valid',
    useBias: false,
  });
  x = activate(network, normalise(network, x, `${prefix}depthwise_bn`));
  if (options.squeeze) x = squeezeAndExcite(network, x, expanded, `${prefix}squeeze_excite_`);
  x = normalise(network, pointwise(network, x, `${prefix}project`, filters), `${prefix}project_bn`);
  return strides === 1 && channels === filters ? network.add([input, x], { name: `${prefix}add` }) : x;
}

/** Weighs the channels by what is in all of the picture. */
function squeezeAndExcite(network: Network, input: Tensor, channels: number, prefix: string): Tensor {
  let x = network.globalAveragePooling2d(input, { name: `${prefix}avg_pool`, keepDims: true });
  const squeezed = divisibleFilters(channels * SQUEEZE);
  x = network.conv2d(x, { name: `${prefix}conv`, filters: squeezed, kernelSize: 1, padding: 'same' });
  x = network.relu(x, { name: `${prefix}relu` });
  x = network.conv2d(x, { name: `${prefix}conv_1`, filters: channels, kernelSize: 1, padding: 'same' });
  return network.multiply([input, hardSigmoid(network, x, prefix)], { name: `${prefix}mul` });
}

/** `relu6(x + 3) / 6`. What Keras adds and multiplies without a layer are layers of ours here, with names of their own. */
function hardSigmoid(network: Network, x: Tensor, prefix: string): Tensor {
  const shifted = network.rescaling(x, { name: `${prefix}shift`, scale: 1, offset: 3 });
  return network.rescaling(network.relu(shifted, { maxValue: 6 }), {
    name: `${prefix}scale`,
    scale: 1 / 6,
    offset: 0,
  });
}

function hardSwish(network: Network, x: Tensor): Tensor {
  return network.activation(x, { activation: 'hardSwish' });
}

function relu(network: Network, x: Tensor): Tensor {
  return network.relu(x);
}

function pointwise(network: Network, x: Tensor, name: string, filters: number): Tensor {
  return network.conv2d(x, { name, filters, kernelSize: 1, padding: 'same', useBias: false });
}

function normalise(network: Network, x: Tensor, name: string): Tensor {
  return network.batchNormalization(x, { name, momentum: MOMENTUM });
}
