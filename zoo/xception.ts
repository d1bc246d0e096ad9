import type * as tf from '@tensorflow/tfjs';
import { classifierOrFeatures, modelBuilder } from './builder.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/**
 * Xception (Chollet 2016, arXiv 1610.02357) as in `keras/src/applications/xception.py`: the entry, middle and exit
 * flow of the paper's figure 5. Keras leaves the layers of the shortcuts unnamed.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or `[batch, rows, columns, 2048]`
 * without top (`[batch, 2048]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildXception = modelBuilder((network, image, settings) => {
  let x = convolve(network, image, 'block1_conv1', { filters: 32, strides: 2 });
  x = convolve(network, x, 'block1_conv2', { filters: 64, strides: 1 });
  x = shrinkingBlock(network, x, 'block2', [128, 128], { activateFirst: false });
  x = shrinkingBlock(network, x, 'block3', [256, 256]);
  x = shrinkingBlock(network, x, 'block4', [728, 728]);
  for (let number = 5; number <= 12; number++) x = middleBlock(network, x, `block${number}`);
  x = shrinkingBlock(network, x, 'block13', [728, 1024]);
  x = relu(network, separable(network, x, 'block14_sepconv1', 1536), 'block14_sepconv1');
  x = relu(network, separable(network, x, 'block14_sepconv2', 2048), 'block14_sepconv2');
  return classifierOrFeatures(network, x, settings, { namedPool: 'withTop' });
});

/** Halves the sides, beside a shortcut of a strided 1x1 convolution. */
function shrinkingBlock(
  network: Network,
  input: Tensor,
  name: string,
  [first, second]: readonly [number, number],
  { activateFirst = true } = {},
): Tensor {
  const args = { filters: second, kernelSize: 1, strides: 2, padding: 'same', useBias: false } as const;
  const shortcut = network.batchNormalization(network.conv2d(input, args));
  let x = activateFirst ? relu(network, input, `${name}_sepconv1`) : input;
  x = separable(network, x, `${name}_sepconv1`, first);
  x = separable(network, relu(network, x, `${name}_sepconv2`), `${name}_sepconv2`, second);
  x = network.maxPooling2d(x, { name: `${name}_pool`, poolSize: 3, strides: 2, padding: 'same' });
  return network.add([x, shortcut]);
}

/** Three activated separable convolutions that keep size and width, and a plain shortcut. */
function middleBlock(network: Network, input: Tensor, name: string): Tensor {
  let x = input;
  for (let number = 1; number <= 3; number++) {
    const sepconv = `${name}_sepconv${number}`;
    x = separable(network, relu(network, x, sepconv), sepconv, 728);
  }
  return network.add([x, input]);
}

function convolve(
  network: Network,
  x: Tensor,
  name: string,
  { filters, strides }: { filters: number; strides: number },
): Tensor {
  x = network.conv2d(x, { name, filters, kernelSize: 3, strides, useBias: false });
  return relu(network, network.batchNormalization(x, { name: `${name}_bn` }), name);
}

function separable(network: Network, x: Tensor, name: string, filters: number): Tensor {
  x = network.separableConv2d(x, { name, filters, kernelSize: 3, padding: 'same', useBias: false });
  return network.batchNormalization(x, { name: `${name}_bn` });
}

/** Keras names an activation after the convolution beside it, be it before or after. */
function relu(network: Network, x: Tensor, convolution: string): Tensor {
  return network.activation(x, { name: `${convolution}_act`, activation: 'relu' });
}
