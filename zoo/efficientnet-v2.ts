import type * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import type { ModelCard } from './card.ts';
import type { ConvolutionOptions } from './efficientnet-blocks.ts';
import {
  addWithStochasticDepth,
  convolutionKernel,
  convolveAndNormalise,
  efficientNetTop,
  squeezeAndExcite,
  swish,
} from './efficientnet-blocks.ts';
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from './imagenet-statistics.ts';
import type { Network } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** Kind of block, strides of the first one, expansion, filters, number of blocks; all kernels are 3x3. */
type Stage = readonly ['fused' | 'mbconv', 1 | 2, number, number, number];

interface Version {
  readonly width: number;
  readonly depth: number;
  readonly stemFilters: number;
  readonly stages: readonly Stage[];
}

/** `v2_base_block` of the paper's repository, which B0 to B3 scale. */
const base: Omit<Version, 'width' | 'depth'> = {
  stemFilters: 32,
  stages: [
    ['fused', 1, 1, 16, 1],
    ['fused', 2, 4, 32, 2],
    ['fused', 2, 4, 48, 2],
    ['mbconv', 2, 4, 96, 3],
    ['mbconv', 1, 6, 112, 5],
    ['mbconv', 2, 6, 192, 8],
  ],
};

const versions: Readonly<Record<string, Version>> = {
  efficientnetv2b0: { width: 1.0, depth: 1.0, ...base },
  efficientnetv2b1: { width: 1.0, depth: 1.1, ...base },
  efficientnetv2b2: { width: 1.1, depth: 1.2, ...base },
  efficientnetv2b3: { width: 1.2, depth: 1.4, ...base },
  /** Table 4 of the paper. */
  efficientnetv2s: {
    width: 1.0,
    depth: 1.0,
    stemFilters: 24,
    stages: [
      ['fused', 1, 1, 24, 2],
      ['fused', 2, 4, 48, 4],
      ['fused', 2, 4, 64, 4],
      ['mbconv', 2, 4, 128, 6],
      ['mbconv', 1, 6, 160, 9],
      ['mbconv', 2, 6, 256, 15],
    ],
  },
  efficientnetv2m: {
    width: 1.0,
    depth: 1.0,
    stemFilters: 24,
    stages: [
      ['fused', 1, 1, 24, 3],
      ['fused', 2, 4, 48, 5],
      ['fused', 2, 4, 80, 5],
      ['mbconv', 2, 4, 160, 7],
      ['mbconv', 1, 6, 176, 14],
      ['mbconv', 2, 6, 304, 18],
      ['mbconv', 1, 6, 512, 5],
    ],
  },
  efficientnetv2l: {
    width: 1.0,
    depth: 1.0,
    stemFilters: 32,
    stages: [
      ['fused', 1, 1, 32, 4],
      ['fused', 2, 4, 64, 7],
      ['fused', 2, 4, 96, 7],
      ['mbconv', 2, 4, 192, 10],
      ['mbconv', 1, 6, 224, 19],
      ['mbconv', 2, 6, 384, 25],
      ['mbconv', 1, 6, 640, 7],
    ],
  },
};

const TOP_FILTERS = 1280;
const MOMENTUM = 0.9;
/** The squeezed width of squeeze-and-excite, as a part of the filters that enter the block. */
const SQUEEZE = 0.25;
const STOCHASTIC_DEPTH = 0.2;
const TOP_DROPOUT = 0.2;

/**
 * EfficientNetV2 B0 to B3, S, M and L (Tan and Le 2021, arXiv 2104.00298) as in
 * `keras/src/applications/efficientnet_v2.py`. Fused blocks have no squeeze-and-excite.
 *
 * Input `[batch, height, width, 3]`, RGB 0 to 255: the first layers prepare it. With `includePreprocessing: false` they
 * are left out, and B0 to B3 take pictures of the mode `torch`, S, M and L of `symmetric128` (`x / 128 - 1`). Output
 * `[batch, classes]`, or `[batch, rows, columns, features]` without top (`[batch, features]` when pooled), features as
 * on the card.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildEfficientNetV2 = modelBuilder((network, image, settings) => {
  const version = rowOf(versions, settings.card);
  const { stages, stemFilters } = version;
  const widened = (filters: number) => roundFilters(filters * version.width);
  // Not deepened: Keras, and the paper's repository, take the table's own number, so B1 to B3 end above the rate.
  const tableDepth = stages.reduce((sum, [, , , , blocks]) => sum + blocks, 0);

  let x = settings.includePreprocessing ? prepared(network, image, settings.card) : image;
  x = convolve(network, x, 'stem_', { filters: widened(stemFilters), kernelSize: 3, strides: 2 });
  x = swish(network, x, 'stem_activation');
  let number = 0;
  stages.forEach(([kind, strides, expansion, filters, blocks], stage) => {
    for (let i = 0; i < Math.ceil(version.depth * blocks); i++) {
      const block = kind === 'fused' ? fusedBlock : mbconvBlock;
      x = block(network, x, `block${stage + 1}${String.fromCharCode(97 + i)}_`, {
        strides: i === 0 ? strides : 1,
        expansion,
        filters: widened(filters),
        dropRate: (STOCHASTIC_DEPTH * number) / tableDepth,
      });
      number++;
    }
  });
  x = convolve(network, x, 'top_', { filters: widened(TOP_FILTERS), kernelSize: 1 });
  x = swish(network, x, 'top_activation');
  return efficientNetTop(network, x, settings, TOP_DROPOUT);
});

/** RGB 0 to 255 becomes what the convolutions were trained on: by the card, so that pictures prepared outside agree. */
function prepared(network: Network, image: Tensor, card: ModelCard): Tensor {
  if (card.builtinPreprocessing === 'symmetric128')
    return network.rescaling(image, { scale: 1 / 128, offset: -1 });
  return network.normalization(network.rescaling(image, { scale: 1 / 255, offset: 0 }), {
    mean: IMAGENET_MEAN,
    variance: IMAGENET_DEVIATION.map((deviation) => deviation ** 2),
  });
}

interface Block {
  readonly strides: number;
  readonly expansion: number;
  readonly filters: number;
  readonly dropRate: number;
}

/** MBConv: widen, filter each channel, weigh the channels, narrow; the input is added where shapes allow. */
function mbconvBlock(network: Network, input: Tensor, name: string, options: Block): Tensor {
  const { strides, expansion, filters } = options;
  const inputFilters = input.shape[3]!;
  let x = convolve(network, input, `${name}expand_`, { filters: inputFilters * expansion, kernelSize: 1 });
  x = swish(network, x, `${name}expand_activation`);
  x = network.depthwiseConv2d(x, {
    name: `${name}dwconv2`,
    kernelSize: 3,
    strides,
    padding: 'same',
    useBias: false,
    random: convolutionKernel,
  });
  x = swish(
    network,
    network.batchNormalization(x, { name: `${name}bn`, momentum: MOMENTUM }),
    `${name}activation`,
  );
  x = squeezeAndExcite(network, x, name, Math.floor(inputFilters * SQUEEZE));
  x = convolve(network, x, `${name}project_`, { filters, kernelSize: 1 });
  return withShortcut(network, x, input, name, options);
}

/** Fused MBConv: one full convolution where MBConv widens and filters; without expansion that is all there is. */
function fusedBlock(network: Network, input: Tensor, name: string, options: Block): Tensor {
  const { strides, expansion, filters } = options;
  let x: Tensor;
  if (expansion === 1) {
    x = convolve(network, input, `${name}project_`, { filters, kernelSize: 3, strides });
    x = swish(network, x, `${name}project_activation`);
  } else {
    const expanded = input.shape[3]! * expansion;
    x = convolve(network, input, `${name}expand_`, { filters: expanded, kernelSize: 3, strides });
    x = swish(network, x, `${name}expand_activation`);
    x = convolve(network, x, `${name}project_`, { filters, kernelSize: 1 });
  }
  return withShortcut(network, x, input, name, options);
}

function withShortcut(
  network: Network,
  x: Tensor,
  input: Tensor,
  name: string,
  { strides, filters, dropRate }: Block,
): Tensor {
  if (strides !== 1 || input.shape[3] !== filters) return x;
  return addWithStochasticDepth(network, x, input, name, dropRate);
}

/** See there; with this family's momentum. */
function convolve(network: Network, x: Tensor, name: string, options: ConvolutionOptions): Tensor {
  return convolveAndNormalise(network, x, name, { ...options, momentum: MOMENTUM });
}

/** To the nearest multiple of 8; unlike in the first EfficientNet it may be more than a tenth below. */
function roundFilters(filters: number): number {
  return Math.max(8, Math.floor((filters + 4) / 8) * 8);
}
