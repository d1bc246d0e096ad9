import * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from './imagenet-statistics.ts';
import type { Network } from './network.ts';
import { pooled } from './network.ts';

type Tensor = tf.SymbolicTensor;

interface Plan {
  /** What the names of all layers start with. */
  readonly prefix: string;
  /** Blocks in each of the four stages. */
  readonly depths: readonly number[];
  /** Filters of each stage. */
  readonly filters: readonly number[];
}

/** Section 3 of the paper: "ConvNeXt-T: C = (96, 192, 384, 768), B = (3, 3, 9, 3)" and so on. */
const plans: Readonly<Record<string, Plan>> = {
  convnexttiny: { prefix: 'convnext_tiny', depths: [3, 3, 9, 3], filters: [96, 192, 384, 768] },
  convnextsmall: { prefix: 'convnext_small', depths: [3, 3, 27, 3], filters: [96, 192, 384, 768] },
  convnextbase: { prefix: 'convnext_base', depths: [3, 3, 27, 3], filters: [128, 256, 512, 1024] },
  convnextlarge: { prefix: 'convnext_large', depths: [3, 3, 27, 3], filters: [192, 384, 768, 1536] },
  convnextxlarge: { prefix: 'convnext_xlarge', depths: [3, 3, 27, 3], filters: [256, 512, 1024, 2048] },
};
const EPSILON = 1e-6;
/** Of ImageNet's pictures, red, green and blue of 0 to 255. */
const MEAN = IMAGENET_MEAN.map((value) => value * 255);
const VARIANCE = IMAGENET_DEVIATION.map((value) => (value * 255) ** 2);

/**
 * ConvNeXtTiny, Small, Base, Large and XLarge (Liu et al. 2022, arXiv 2201.03545) as in
 * `keras/src/applications/convnext.py`. The stem and the three downsampling blocks are models inside the model.
 *
 * Input `[batch, height, width, 3]`, RGB 0 to 255, or normalised (mode `torch`) with `includePreprocessing: false`.
 * Output `[batch, classes]`, or `[batch, rows, columns, filters of the last stage]` without top (a vector of as many
 * when pooled), in both cases normalised once more.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildConvNeXt = modelBuilder((network, image, settings) => {
  const { includeTop, pooling, classes, classifierActivation, includePreprocessing } = settings;
  const { prefix, depths, filters } = rowOf(plans, settings.card);

  let x = image;
  if (includePreprocessing) {
    const name = `${prefix}_prestem_normalization`;
    x = network.normalization(x, { name, mean: MEAN, variance: VARIANCE });
  }
  depths.forEach((depth, stage) => {
    const width = filters[stage]!;
    x = stage === 0 ? stem(network, x, prefix, width) : downsampling(network, x, prefix, stage - 1, width);
    for (let index = 0; index < depth; index++) {
      x = block(network, x, `${prefix}_stage_${stage}_block_${index}`, width);
    }
  });

  if (!includeTop) {
    // The pool comes first, so that the published file fits with and without.
    return network.layerNormalization(pooled(network, x, pooling, { named: false }), { epsilon: EPSILON });
  }
  x = network.globalAveragePooling2d(x, { name: `${prefix}_head_gap` });
  x = network.layerNormalization(x, { name: `${prefix}_head_layernorm`, epsilon: EPSILON });
  return network.dense(x, {
    name: `${prefix}_head_dense`,
    units: classes,
    activation: classifierActivation,
  });
});

/** Pictures cut into patches of 4 x 4 pixels. */
function stem(network: Network, x: Tensor, prefix: string, filters: number): Tensor {
  return sequence(network, x, `${prefix}_stem`, [
    (first) => patches(network, `${prefix}_stem_conv`, filters, 4, first),
    (first) => normalization(`${prefix}_stem_layernorm`, first),
  ]);
}

function downsampling(network: Network, x: Tensor, prefix: string, number: number, filters: number): Tensor {
  return sequence(network, x, `${prefix}_downsampling_block_${number}`, [
    (first) => normalization(`${prefix}_downsampling_layernorm_${number}`, first),
    (first) => patches(network, `${prefix}_downsampling_conv_${number}`, filters, 2, first),
  ]);
}

/** What the first layer of a sequential model has to know of its input. */
type FirstLayer = { readonly inputShape?: number[] };

/** A model of its own inside the network: Keras's files hold its weights in one group. */
function sequence(
  network: Network,
  x: Tensor,
  name: string,
  layers: readonly ((first: FirstLayer) => tf.layers.Layer)[],
): Tensor {
  const inputShape = x.shape.slice(1) as number[];
  const made = layers.map((make, index) => make(index === 0 ? { inputShape } : {}));
  return network.apply(tf.sequential({ name, layers: made }), x);
}

/** A convolution whose windows do not overlap. */
function patches(network: Network, name: string, filters: number, side: number, first: FirstLayer) {
  const kernelInitializer = network.kernel();
  return tf.layers.conv2d({ ...first, name, filters, kernelSize: side, strides: side, kernelInitializer });
}

function normalization(name: string, first: FirstLayer) {
  return tf.layers.layerNormalization({ ...first, name, epsilon: EPSILON });
}

/** Figure 4 of the paper: a wide depthwise convolution, then an inverted bottleneck of two layers on each pixel. */
function block(network: Network, input: Tensor, name: string, filters: number): Tensor {
  let x = network.groupedConv2d(input, {
    name: `${name}_depthwise_conv`,
    filters,
    groups: filters,
    kernelSize: 7,
    padding: 'same',
  });
  x = network.layerNormalization(x, { name: `${name}_layernorm`, epsilon: EPSILON });
  x = network.dense(x, { name: `${name}_pointwise_conv_1`, units: 4 * filters });
  x = network.activation(x, { name: `${name}_gelu`, activation: 'gelu' });
  x = network.dense(x, { name: `${name}_pointwise_conv_2`, units: filters });
  x = network.layerScale(x, { name: `${name}_layer_scale`, initValues: 1e-6, projectionDim: filters });
  // Where stochastic depth would be: all published sizes have none, and Keras puts a placeholder there.
  x = network.activation(x, { name: `${name}_identity`, activation: 'linear' });
  // An operation in Keras, which is no layer of it.
  return network.add([input, x], { name: `${name}_add` });
}
