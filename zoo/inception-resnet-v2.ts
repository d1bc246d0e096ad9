import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder } from './builder.ts';
import type { InceptionStep } from './inception-convolution.ts';
import {
  branch,
  convolve,
  HALVING,
  halvingPool,
  inceptionStem,
  pooledBranch,
} from './inception-convolution.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** The branches of the residual blocks: figures 16, 17 and 19 of the paper, with Keras's filters. */
const residualBranches: Readonly<Record<string, readonly (readonly InceptionStep[])[]>> = {
  block35: [
    [[32, 1]],
    [
      [32, 1],
      [32, 3],
    ],
    [
      [32, 1],
      [48, 3],
      [64, 3],
    ],
  ],
  block17: [
    [[192, 1]],
    [
      [128, 1],
      [160, [1, 7]],
      [192, [7, 1]],
    ],
  ],
  block8: [
    [[192, 1]],
    [
      [192, 1],
      [224, [1, 3]],
      [256, [3, 1]],
    ],
  ],
};

/**
 * InceptionResNetV2 (Szegedy et al. 2016, arXiv 1602.07261) as in `keras/src/applications/inception_resnet_v2.py`. Most
 * layers have no name in Keras, so they are made in its order: that is what numbers them.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or `[batch, rows, columns, 1536]`
 * without top (`[batch, 1536]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildInceptionResNetV2 = modelBuilder((network, image, settings) => {
  let x = inceptionStem(network, image);
  // 35 x 35
  x = firstBlock(network, x, 'mixed_5b');
  for (let number = 1; number <= 10; number++) x = residualBlock(network, x, 'block35', number, 0.17);
  x = firstReduction(network, x, 'mixed_6a');
  // 17 x 17
  for (let number = 1; number <= 20; number++) x = residualBlock(network, x, 'block17', number, 0.1);
  x = secondReduction(network, x, 'mixed_7a');
  // 8 x 8
  for (let number = 1; number <= 9; number++) x = residualBlock(network, x, 'block8', number, 0.2);
  x = residualBlock(network, x, 'block8', 10, 1, { activate: false });
  x = convolve(network, x, 1536, 1, { name: 'conv_7b' });
  return classifierOrFeatures(network, x, settings, { namedPool: 'withTop' });
});

function firstBlock(network: Network, x: Tensor, name: string): Tensor {
  const branches = [
    branch(network, x, [96, 1]),
    branch(network, x, [48, 1], [64, 5]),
    branch(network, x, [64, 1], [96, 3], [96, 3]),
    pooledBranch(network, x, 64),
  ];
  return network.concatenate(branches, { name });
}

function firstReduction(network: Network, x: Tensor, name: string): Tensor {
  const branches = [
    branch(network, x, [384, 3, HALVING]),
    branch(network, x, [256, 1], [256, 3], [384, 3, HALVING]),
    halvingPool(network, x),
  ];
  return network.concatenate(branches, { name });
}

function secondReduction(network: Network, x: Tensor, name: string): Tensor {
  const branches = [
    branch(network, x, [256, 1], [384, 3, HALVING]),
    branch(network, x, [256, 1], [288, 3, HALVING]),
    branch(network, x, [256, 1], [288, 3], [320, 3, HALVING]),
    halvingPool(network, x),
  ];
  return network.concatenate(branches, { name });
}

/** Adds `scale` times what the branches find; a 1x1 convolution with a bias brings it to the width of `input`. */
function residualBlock(
  network: Network,
  input: Tensor,
  type: string,
  number: number,
  scale: number,
  { activate = true } = {},
): Tensor {
  const name = `${type}_${number}`;
  const branches = residualBranches[type]!.map((steps) => branch(network, input, ...steps));
  const mixed = network.concatenate(branches, { name: `${name}_mixed` });
  const residual = network.conv2d(mixed, {
    name: `${name}_conv`,
    filters: input.shape.at(-1)!,
    kernelSize: 1,
    padding: 'same',
  });
  const x = network.customScale([input, residual], { scale });
  return activate ? network.activation(x, { name: `${name}_ac`, activation: 'relu' }) : x;
}
