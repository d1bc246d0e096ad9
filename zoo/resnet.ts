import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder, rowOf } from './builder.ts';
import type { ModelCard } from './card.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Blocks in the stages conv2 to conv5: table 1 of the paper. */
const blocks: Readonly<Record<string, readonly number[]>> = {
  resnet50: [3, 4, 6, 3],
  resnet101: [3, 4, 23, 3],
  resnet152: [3, 8, 36, 3],
  resnet50v2: [3, 4, 6, 3],
  resnet101v2: [3, 4, 23, 3],
  resnet152v2: [3, 8, 36, 3],
};
/** Filters of the narrow convolutions of each stage; a block gives out four times as many. */
const stageFilters = [64, 128, 256, 512];
const WIDENING = 4;
const EPSILON = 1.001e-5;
/** Of `keras/applications/resnet50.py` in Keras 1 and of `resnet50.py` in keras-applications. */
const EPSILON_OF_2016 = 1e-3;
const ONE_ON_EACH_SIDE: [[number, number], [number, number]] = [
  [1, 1],
  [1, 1],
];

/**
 * ResNet50, 101 and 152 (He et al. 2015, arXiv 1512.03385) as in `keras/src/applications/resnet.py`: the stride is on
 * the first 1x1 convolution, and every convolution has a bias.
 *
 * Input `[batch, height, width, 3]`, BGR minus the ImageNet mean (mode `caffe`). Output `[batch, classes]`, or
 * `[batch, rows, columns, 2048]` without top (`[batch, 2048]` when pooled).
 *
 * The network of 2016, which the same layers make but for the epsilon and the first pool, has today's names here.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildResNet = modelBuilder((given, image, settings) => {
  const { of2016 } = settings.initialisation;
  const network = of2016 === undefined ? given : withEpsilon(given, EPSILON_OF_2016);
  let x = stem(network, image);
  x = normalise(network, x, 'conv1_bn');
  x = relu(network, x, 'conv1_relu');
  x = pool(network, x, { padded: of2016?.poolPadding });
  forEachBlock(settings.card, (name, filters, { first, stage }) => {
    x = block(network, x, name, filters, { strides: first && stage > 0 ? 2 : 1, project: first });
  });
  return classifierOrFeatures(network, x, settings, { namedPool: 'always' });
});

/**
 * ResNet50V2, 101V2 and 152V2 (He et al. 2016, arXiv 1603.05027) as in `keras/src/applications/resnet.py`: normalised
 * and activated before each convolution, with the stride in the last block of a stage.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or `[batch, rows, columns, 2048]`
 * without top (`[batch, 2048]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildResNetV2 = modelBuilder((network, image, settings) => {
  let x = pool(network, stem(network, image));
  forEachBlock(settings.card, (name, filters, { first, last, stage }) => {
    x = preactivatedBlock(network, x, name, filters, {
      strides: last && stage < 3 ? 2 : 1,
      project: first,
    });
  });
  x = relu(network, normalise(network, x, 'post_bn'), 'post_relu');
  return classifierOrFeatures(network, x, settings, { namedPool: 'always' });
});

function forEachBlock(
  card: ModelCard,
  visit: (name: string, filters: number, place: { stage: number; first: boolean; last: boolean }) => void,
): void {
  rowOf(blocks, card).forEach((count, stage) => {
    for (let number = 1; number <= count; number++) {
      const place = { stage, first: number === 1, last: number === count };
      visit(`conv${stage + 2}_block${number}`, stageFilters[stage]!, place);
    }
  });
}

function stem(network: Network, image: Tensor): Tensor {
  const padded = network.zeroPadding2d(image, {
    name: 'conv1_pad',
    padding: [
      [3, 3],
      [3, 3],
    ],
  });
  return network.conv2d(padded, { name: 'conv1_conv', filters: 64, kernelSize: 7, strides: 2 });
}

/** Padded with zeros by hand: in V2 it sees values below zero, which would win against a pool's own padding. */
function pool(network: Network, x: Tensor, { padded = true }: { padded?: boolean } = {}): Tensor {
  const input = padded ? network.zeroPadding2d(x, { name: 'pool1_pad', padding: ONE_ON_EACH_SIDE }) : x;
  return network.maxPooling2d(input, { name: 'pool1_pool', poolSize: 3, strides: 2 });
}

function normalise(network: Network, x: Tensor, name: string): Tensor {
  return network.batchNormalization(x, { name, epsilon: EPSILON });
}

function withEpsilon(network: Network, epsilon: number): Network {
  return {
    ...network,
    batchNormalization: (x, args) => network.batchNormalization(x, { ...args, epsilon }),
  };
}

function relu(network: Network, x: Tensor, name: string): Tensor {
  return network.activation(x, { name, activation: 'relu' });
}

interface BlockOptions {
  readonly strides: number;
  /** Whether the shortcut is a 1x1 convolution. */
  readonly project: boolean;
}

function block(
  network: Network,
  input: Tensor,
  name: string,
  filters: number,
  { strides, project }: BlockOptions,
): Tensor {
  let shortcut = input;
  if (project) {
    const args = { name: `${name}_0_conv`, filters: WIDENING * filters, kernelSize: 1, strides };
    shortcut = normalise(network, network.conv2d(input, args), `${name}_0_bn`);
  }
  let x = network.conv2d(input, { name: `${name}_1_conv`, filters, kernelSize: 1, strides });
  x = relu(network, normalise(network, x, `${name}_1_bn`), `${name}_1_relu`);
  x = network.conv2d(x, { name: `${name}_2_conv`, filters, kernelSize: 3, padding: 'same' });
  x = relu(network, normalise(network, x, `${name}_2_bn`), `${name}_2_relu`);
  x = network.conv2d(x, { name: `${name}_3_conv`, filters: WIDENING * filters, kernelSize: 1 });
  x = normalise(network, x, `${name}_3_bn`);
  // The shortcut comes first: it decides the order of the weights in Keras's files.
  x = network.add([shortcut, x], { name: `${name}_add` });
  return relu(network, x, `${name}_out`);
}

function preactivatedBlock(
  network: Network,
  input: Tensor,
  name: string,
  filters: number,
  { strides, project }: BlockOptions,
): Tensor {
  const activated = relu(network, normalise(network, input, `${name}_preact_bn`), `${name}_preact_relu`);
  let shortcut = input;
  if (project) {
    const args = { name: `${name}_0_conv`, filters: WIDENING * filters, kernelSize: 1, strides };
    shortcut = network.conv2d(activated, args);
  } else if (strides > 1) {
    shortcut = network.maxPooling2d(input, { poolSize: 1, strides });
  }
  let x = network.conv2d(activated, { name: `${name}_1_conv`, filters, kernelSize: 1, useBias: false });
  x = relu(network, normalise(network, x, `${name}_1_bn`), `${name}_1_relu`);
  x = network.zeroPadding2d(x, { name: `${name}_2_pad`, padding: ONE_ON_EACH_SIDE });
  x = network.conv2d(x, { name: `${name}_2_conv`, filters, kernelSize: 3, strides, useBias: false });
  x = relu(network, normalise(network, x, `${name}_2_bn`), `${name}_2_relu`);
  x = network.conv2d(x, { name: `${name}_3_conv`, filters: WIDENING * filters, kernelSize: 1 });
  return network.add([shortcut, x], { name: `${name}_out` });
}
