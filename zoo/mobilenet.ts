import type * as tf from '@tensorflow/tfjs';
import { modelBuilder } from './builder.ts';
import { ModelError } from '../src/base/errors.ts';
import type { Network } from './network.ts';
import { pooled } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Filters and strides of the thirteen depthwise separable blocks: table 1 of the paper. */
const blocks: readonly (readonly [filters: number, strides: 1 | 2])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];
const STEM_FILTERS = 32;
const DROPOUT = 1e-3;
const ONE_AT_THE_END: [[number, number], [number, number]] = [
  [0, 1],
  [0, 1],
];

/**
 * MobileNet (Howard et al. 2017, arXiv 1704.04861) as in `keras/src/applications/mobilenet.py`.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or
 * `[batch, rows, columns, 1024 * alpha]` without top (`[batch, 1024 * alpha]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildMobileNet = modelBuilder((network, image, settings) => {
  const { card, includeTop, pooling, classes, alpha, depthMultiplier, dropout = DROPOUT } = settings;
  const width = (filters: number) => Math.floor(filters * alpha);
  if (width(STEM_FILTERS) < 1) {
    throw new ModelError('MODEL_OPTION', `${card.title} cannot be built with this alpha.`, {
      given: `alpha: ${alpha}`,
      expected: `at least 1/${STEM_FILTERS}: the first convolution has ${STEM_FILTERS} filters times alpha`,
      nextStep: 'choose a larger alpha; published weights have 0.25, 0.5, 0.75 and 1',
    });
  }

  let x = network.conv2d(image, {
    name: 'conv1',
    filters: width(STEM_FILTERS),
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    useBias: false,
  });
  x = activated(network, x, 'conv1');
  blocks.forEach(([filters, strides], index) => {
    x = separableBlock(network, x, index + 1, { filters: width(filters), strides, depthMultiplier });
  });

  if (!includeTop) return pooled(network, x, pooling, { named: false });
  x = network.globalAveragePooling2d(x, { keepDims: true });
  x = network.dropout(x, { name: 'dropout', rate: dropout });
  x = network.conv2d(x, { name: 'conv_preds', filters: classes, kernelSize: 1, padding: 'same' });
  x = network.reshape(x, { name: 'reshape_2', targetShape: [classes] });
  return network.activation(x, { name: 'predictions', activation: settings.classifierActivation });
});

interface BlockOptions {
  readonly filters: number;
  readonly strides: 1 | 2;
  readonly depthMultiplier: number;
}

/** A depthwise 3x3 convolution, which keeps channels apart, and a 1x1 convolution that mixes them. */
function separableBlock(
  network: Network,
  input: Tensor,
  number: number,
  { filters, strides, depthMultiplier }: BlockOptions,
): Tensor {
  let x = input;
  if (strides === 2) x = network.zeroPadding2d(x, { name: `conv_pad_${number}`, padding: ONE_AT_THE_END });
  x = network.depthwiseConv2d(x, {
    name: `conv_dw_${number}`,
    kernelSize: 3,
    strides,
    padding: strides === 1 ? 'same' : 'valid',
    depthMultiplier,
    useBias: false,
  });
  x = activated(network, x, `conv_dw_${number}`);
  x = network.conv2d(x, {
    name: `conv_pw_${number}`,
    filters,
    kernelSize: 1,
    padding: 'same',
    useBias: false,
  });
  return activated(network, x, `conv_pw_${number}`);
}

function activated(network: Network, x: Tensor, name: string): Tensor {
  return network.relu(network.batchNormalization(x, { name: `${name}_bn` }), {
    name: `${name}_relu`,
    maxValue: 6,
  });
}
