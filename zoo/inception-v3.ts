import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder } from './builder.ts';
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

/**
 * InceptionV3 (Szegedy et al. 2015, arXiv 1512.00567) as in `keras/src/applications/inception_v3.py`. Keras names only
 * the joints `mixed0` to `mixed10`, so layers are made in its order: that is what numbers the others.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or `[batch, rows, columns, 2048]`
 * without top (`[batch, 2048]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildInceptionV3 = modelBuilder((network, image, settings) => {
  let x = inceptionStem(network, image);

  // 35 x 35: figure 5 of the paper.
  x = blockA(network, x, 'mixed0', { pool: 32 });
  x = blockA(network, x, 'mixed1', { pool: 64 });
  x = blockA(network, x, 'mixed2', { pool: 64 });
  x = firstReduction(network, x, 'mixed3');
  // 17 x 17: figure 6, with n = 7.
  x = blockB(network, x, 'mixed4', { narrow: 128 });
  x = blockB(network, x, 'mixed5', { narrow: 160 });
  x = blockB(network, x, 'mixed6', { narrow: 160 });
  x = blockB(network, x, 'mixed7', { narrow: 192 });
  x = secondReduction(network, x, 'mixed8');
  // 8 x 8: figure 7.
  x = blockC(network, x, 'mixed9', { joint: 'mixed9_0' });
  x = blockC(network, x, 'mixed10', { joint: 'mixed9_1' });
  return classifierOrFeatures(network, x, settings, { namedPool: 'withTop' });
});

function blockA(network: Network, x: Tensor, name: string, { pool }: { pool: number }): Tensor {
  const branches = [
    branch(network, x, [64, 1]),
    branch(network, x, [48, 1], [64, 5]),
    branch(network, x, [64, 1], [96, 3], [96, 3]),
    pooledBranch(network, x, pool),
  ];
  return network.concatenate(branches, { name });
}

function firstReduction(network: Network, x: Tensor, name: string): Tensor {
  const branches = [
    branch(network, x, [384, 3, HALVING]),
    branch(network, x, [64, 1], [96, 3], [96, 3, HALVING]),
    halvingPool(network, x),
  ];
  return network.concatenate(branches, { name });
}

/** 7x7 convolutions, each as a row and a column; `narrow` filters but for the last. */
function blockB(network: Network, x: Tensor, name: string, { narrow }: { narrow: number }): Tensor {
  const row: [number, number] = [1, 7];
  const column: [number, number] = [7, 1];
  const branches = [
    branch(network, x, [192, 1]),
    branch(network, x, [narrow, 1], [narrow, row], [192, column]),
    branch(network, x, [narrow, 1], [narrow, column], [narrow, row], [narrow, column], [192, row]),
    pooledBranch(network, x, 192),
  ];
  return network.concatenate(branches, { name });
}

function secondReduction(network: Network, x: Tensor, name: string): Tensor {
  const branches = [
    branch(network, x, [192, 1], [320, 3, HALVING]),
    branch(network, x, [192, 1], [192, [1, 7]], [192, [7, 1]], [192, 3, HALVING]),
    halvingPool(network, x),
  ];
  return network.concatenate(branches, { name });
}

/** 3x3 convolutions, each as a row beside a column; Keras names one of the two joints within. */
function blockC(network: Network, x: Tensor, name: string, { joint }: { joint: string }): Tensor {
  const rowAndColumn = (narrow: Tensor, jointName?: string) => {
    const sides = [convolve(network, narrow, 384, [1, 3]), convolve(network, narrow, 384, [3, 1])];
    return network.concatenate(sides, jointName === undefined ? undefined : { name: jointName });
  };
  const branches = [
    branch(network, x, [320, 1]),
    rowAndColumn(branch(network, x, [384, 1]), joint),
    rowAndColumn(branch(network, x, [448, 1], [384, 3])),
    pooledBranch(network, x, 192),
  ];
  return network.concatenate(branches, { name });
}
