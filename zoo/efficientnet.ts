import type * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import { divisibleFilters } from './divisible-filters.ts';
import {
  addWithStochasticDepth,
  convolutionKernel,
  convolveAndNormalise,
  efficientNetStages,
  efficientNetTop,
  squeezeAndExcite,
  swish,
} from './efficientnet-blocks.ts';
import { IMAGENET_DEVIATION } from './imagenet-statistics.ts';
import type { Network } from './network.ts';
import { stridedPadding } from './strided-padding.ts';

type Tensor = tf.SymbolicTensor;

/** How a version widens and deepens the table below. */
interface Version {
  readonly width: number;
  readonly depth: number;
  /** Rate of the dropout before the classifier. */
  readonly dropout: number;
}

const versions: Readonly<Record<string, Version>> = {
  efficientnetb0: { width: 1.0, depth: 1.0, dropout: 0.2 },
  efficientnetb1: { width: 1.0, depth: 1.1, dropout: 0.2 },
  efficientnetb2: { width: 1.1, depth: 1.2, dropout: 0.3 },
  efficientnetb3: { width: 1.2, depth: 1.4, dropout: 0.3 },
  efficientnetb4: { width: 1.4, depth: 1.8, dropout: 0.4 },
  efficientnetb5: { width: 1.6, depth: 2.2, dropout: 0.4 },
  efficientnetb6: { width: 1.8, depth: 2.6, dropout: 0.5 },
  efficientnetb7: { width: 2.0, depth: 3.1, dropout: 0.5 },
};

const STEM_FILTERS = 32;
const TOP_FILTERS = 1280;
/** The squeezed width of squeeze-and-excite, as a part of the filters that enter the block. */
const SQUEEZE = 0.25;
/** Rate of stochastic depth that the last block would have if there were one more. */
const STOCHASTIC_DEPTH = 0.2;

/**
 * EfficientNetB0 to B7 (Tan and Le 2019, arXiv 1905.11946) as in `keras/src/applications/efficientnet.py`.
 *
 * Input `[batch, height, width, 3]`, RGB 0 to 255: the first layers scale and normalise it. The padding depends on the
 * parity of the input size, as in Keras. Output `[batch, classes]`, or `[batch, rows, columns, features]` without top
 * (`[batch, features]` when pooled), features as on the card.
 *
 * With `initialisation.published` the network divides once more by the square root of ImageNet's standard deviation:
 * the files that Keras publishes hold the standard deviation where `Normalization` takes a variance.
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildEfficientNet = modelBuilder((network, image, settings) => {
  const version = rowOf(versions, settings.card);
  const widened = (filters: number) => divisibleFilters(filters * version.width);
  const repeats = efficientNetStages.map(([, , , , blocks]) => Math.ceil(version.depth * blocks));
  const depth = repeats.reduce((sum, blocks) => sum + blocks);

  let x = network.rescaling(image, { scale: 1 / 255, offset: 0 });
  x = network.normalization(x);
  if (settings.initialisation.published === true) {
    x = network.rescaling(x, {
      scale: IMAGENET_DEVIATION.map((deviation) => 1 / Math.sqrt(deviation)),
      offset: 0,
    });
  }
  x = network.zeroPadding2d(x, { name: 'stem_conv_pad', padding: stridedPadding(x, 3) });
  x = convolveAndNormalise(network, x, 'stem_', {
    filters: widened(STEM_FILTERS),
    kernelSize: 3,
    strides: 2,
    padding: 'valid',
  });
  x = swish(network, x, 'stem_activation');
  let number = 0;
  efficientNetStages.forEach(([kernelSize, strides, expansion, filters], stage) => {
    for (let i = 0; i < repeats[stage]!; i++) {
      x = block(network, x, `block${stage + 1}${String.fromCharCode(97 + i)}_`, {
        kernelSize,
        strides: i === 0 ? strides : 1,
        expansion,
        filters: widened(filters),
        dropRate: (STOCHASTIC_DEPTH * number) / depth,
      });
      number++;
    }
  });
  x = convolveAndNormalise(network, x, 'top_', { filters: widened(TOP_FILTERS), kernelSize: 1 });
  x = swish(network, x, 'top_activation');
  return efficientNetTop(network, x, settings, version.dropout);
});

interface Block {
  readonly kernelSize: number;
  readonly strides: number;
  readonly expansion: number;
  readonly filters: number;
  readonly dropRate: number;
}

/** MBConv: widen, filter each channel, weigh the channels, narrow; the input is added where shapes allow. */
function block(network: Network, input: Tensor, name: string, options: Block): Tensor {
  const { kernelSize, strides, expansion, filters, dropRate } = options;
  const inputFilters = input.shape[3]!;
  let x = input;
  if (expansion !== 1) {
    x = convolveAndNormalise(network, x, `${name}expand_`, {
      filters: inputFilters * expansion,
      kernelSize: 1,
    });
    x = swish(network, x, `${name}expand_activation`);
  }
  if (strides === 2)
    x = network.zeroPadding2d(x, { name: `${name}dwconv_pad`, padding: stridedPadding(x, kernelSize) });
  x = network.depthwiseConv2d(x, {
    name: `${name}dwconv`,
    kernelSize,
    strides,
    padding: strides === 2 ? 'valid' : 'same',
    useBias: false,
    random: convolutionKernel,
  });
  x = swish(network, network.batchNormalization(x, { name: `${name}bn` }), `${name}activation`);
  x = squeezeAndExcite(network, x, name, Math.floor(inputFilters * SQUEEZE));
  x = convolveAndNormalise(network, x, `${name}project_`, { filters, kernelSize: 1 });
  if (strides !== 1 || inputFilters !== filters) return x;
  return addWithStochasticDepth(network, x, input, name, dropRate);
}
