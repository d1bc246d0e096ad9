import type * as tf from '@tensorflow/tfjs';
import { stridedPadding } from './strided-padding.ts';
import { truncatedNormal } from './initializers.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Keras's `he_normal`. */
export const heNormal = truncatedNormal(2, 'fanIn');

export interface CellOptions {
  /** What the names of the cell's layers end with. */
  readonly id: string;
  /** Of each branch. */
  readonly filters: number;
}

export function normalise(network: Network, x: Tensor, name: string): Tensor {
  return network.batchNormalization(x, { name, momentum: 0.9997, epsilon: 1e-3 });
}

/** Keras leaves these unnamed: all layers of a cell are made in its order, for that is what numbers them. */
function relu(network: Network, x: Tensor): Tensor {
  return network.activation(x, { activation: 'relu' });
}

/** The normal cell of the paper's figure 4: keeps the size. `previous` is the output of the cell before `input`'s. */
export function normalCell(
  network: Network,
  input: Tensor,
  previous: Tensor,
  { id, filters }: CellOptions,
): Tensor {
  const p = adjusted(network, previous, input, { id, filters });
  const h = squeezed(network, input, `normal_conv_1_${id}`, `normal_bn_1_${id}`, filters);
  const separable = (x: Tensor, kernelSize: number, branch: string) =>
    separableTwice(network, x, `normal_${branch}_${id}`, { filters, kernelSize });
  const average = (x: Tensor, branch: string) =>
    network.averagePooling2d(x, { name: `normal_${branch}_${id}`, ...UNSTRIDED_POOL });
  const add = (left: Tensor, right: Tensor, block: number) =>
    network.add([left, right], { name: `normal_add_${block}_${id}` });

  const x1 = add(separable(h, 5, 'left1'), separable(p, 3, 'right1'), 1);
  const x2 = add(separable(p, 5, 'left2'), separable(p, 3, 'right2'), 2);
  const x3 = add(average(h, 'left3'), p, 3);
  const x4 = add(average(p, 'left4'), average(p, 'right4'), 4);
  const x5 = add(separable(h, 3, 'left5'), h, 5);
  return network.concatenate([p, x1, x2, x3, x4, x5], { name: `normal_concat_${id}` });
}

/** The reduction cell of the paper's figure 4: halves the size. */
export function reductionCell(
  network: Network,
  input: Tensor,
  previous: Tensor,
  { id, filters }: CellOptions,
): Tensor {
  const p = adjusted(network, previous, input, { id, filters });
  const h = squeezed(network, input, `reduction_conv_1_${id}`, `reduction_bn_1_${id}`, filters);
  // The pools below are valid: the zeros count in their averages and can win against values below zero.
  const padded = network.zeroPadding2d(h, { name: `reduction_pad_1_${id}`, padding: stridedPadding(h, 3) });
  const halving = (x: Tensor, kernelSize: number, branch: string) =>
    separableTwice(network, x, `reduction_${branch}_${id}`, { filters, kernelSize, strides: 2 });
  const pool = { poolSize: 3, strides: 2 };

  const x1 = network.add([halving(h, 5, 'left1'), halving(p, 7, 'right1')], {
    name: `reduction_add_1_${id}`,
  });
  const x2 = network.add(
    [network.maxPooling2d(padded, { name: `reduction_left2_${id}`, ...pool }), halving(p, 7, 'right2')],
    { name: `reduction_add_2_${id}` },
  );
  const x3 = network.add(
    [network.averagePooling2d(padded, { name: `reduction_left3_${id}`, ...pool }), halving(p, 5, 'right3')],
    { name: `reduction_add3_${id}` },
  );
  const x4 = network.add([
    x2,
    network.averagePooling2d(x1, { name: `reduction_left4_${id}`, ...UNSTRIDED_POOL }),
  ]);
  const x5 = network.add(
    [
      separableTwice(network, x1, `reduction_left4_${id}`, { filters, kernelSize: 3 }),
      network.maxPooling2d(padded, { name: `reduction_right5_${id}`, ...pool }),
    ],
    { name: `reduction_add4_${id}` },
  );
  return network.concatenate([x2, x3, x4, x5], { name: `reduction_concat_${id}` });
}

const UNSTRIDED_POOL = { poolSize: 3, strides: 1, padding: 'same' } as const;

/** A 1x1 convolution to the width of the cell's branches. */
function squeezed(network: Network, x: Tensor, name: string, normalization: string, filters: number): Tensor {
  x = network.conv2d(relu(network, x), {
    name,
    filters,
    kernelSize: 1,
    padding: 'same',
    useBias: false,
    random: heNormal,
  });
  return normalise(network, x, normalization);
}

/** A separable convolution, twice; `strides` are the first one's. */
function separableTwice(
  network: Network,
  x: Tensor,
  block: string,
  { filters, kernelSize, strides = 1 }: { filters: number; kernelSize: number; strides?: 1 | 2 },
): Tensor {
  x = relu(network, x);
  if (strides === 2) {
    x = network.zeroPadding2d(x, {
      name: `separable_conv_1_pad_${block}`,
      padding: stridedPadding(x, kernelSize),
    });
  }
  x = network.separableConv2d(x, {
    name: `separable_conv_1_${block}`,
    filters,
    kernelSize,
    strides,
    padding: strides === 2 ? 'valid' : 'same',
    useBias: false,
  });
  x = relu(network, normalise(network, x, `separable_conv_1_bn_${block}`));
  x = network.separableConv2d(x, {
    name: `separable_conv_2_${block}`,
    filters,
    kernelSize,
    padding: 'same',
    useBias: false,
  });
  return normalise(network, x, `separable_conv_2_bn_${block}`);
}

/** Brings the output of the cell before to the size of `input` and the width of the cell's branches. */
function adjusted(network: Network, previous: Tensor, input: Tensor, { id, filters }: CellOptions): Tensor {
  // Keras asks for the width alone; the height differs when, and only when, the width does.
  if (previous.shape[2] !== input.shape[2]) return halved(network, previous, { id, filters });
  if (previous.shape[3] === filters || previous === input) return previous;
  return squeezed(network, previous, `adjust_conv_projection_${id}`, `adjust_bn_${id}`, filters);
}

/** Every second pixel, and those one further to the right and below, each to half of the filters. */
function halved(network: Network, previous: Tensor, { id, filters }: CellOptions): Tensor {
  const x = network.activation(previous, { name: `adjust_relu_1_${id}`, activation: 'relu' });
  const everySecond = (shifted: Tensor, path: 1 | 2) => {
    const picked = network.averagePooling2d(shifted, {
      name: `adjust_avg_pool_${path}_${id}`,
      poolSize: 1,
      strides: 2,
    });
    return network.conv2d(picked, {
      name: `adjust_conv_${path}_${id}`,
      filters: filters / 2,
      kernelSize: 1,
      padding: 'same',
      useBias: false,
      random: heNormal,
    });
  };
  const here = everySecond(x, 1);
  const padded = network.zeroPadding2d(x, {
    padding: [
      [0, 1],
      [0, 1],
    ],
  });
  const shifted = network.cropping2d(padded, {
    cropping: [
      [1, 0],
      [1, 0],
    ],
  });
  const joined = network.concatenate([here, everySecond(shifted, 2)]);
  return normalise(network, joined, `adjust_bn_${id}`);
}
