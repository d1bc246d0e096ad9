import type * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import { divisibleFilters } from './divisible-filters.ts';
import { efficientNetStages } from './efficientnet-blocks.ts';
import { pooled } from './network.ts';

/** How a version widens and deepens the table below (`efficientnet_lite_builder.py`). */
interface Version {
  readonly width: number;
  readonly depth: number;
  /** Rate of the dropout before the classifier. */
  readonly dropout: number;
}

const versions: Readonly<Record<string, Version>> = {
  'efficientnet-lite0': { width: 1.0, depth: 1.0, dropout: 0.2 },
  'efficientnet-lite1': { width: 1.0, depth: 1.1, dropout: 0.2 },
  'efficientnet-lite2': { width: 1.1, depth: 1.2, dropout: 0.3 },
  'efficientnet-lite3': { width: 1.2, depth: 1.4, dropout: 0.3 },
  'efficientnet-lite4': { width: 1.4, depth: 1.8, dropout: 0.3 },
};

const STEM_FILTERS = 32;
const TOP_FILTERS = 1280;

/**
 * EfficientNet-Lite 0 to 4 by the card: EfficientNet (Tan and Le 2019, arXiv 1905.11946) without squeeze-and-excite,
 * with ReLU6, and with stem, top, first and last stage that do not grow. Table and factors as in the TPU repository's
 * `efficientnet/lite`; layer names in the manner of Keras's EfficientNet.
 *
 * Input `[batch, height, width, 3]`, `(x - 127) / 128` (mode `lite`). Output `[batch, classes]`, or
 * `[batch, rows, columns, 1280]` without top (`[batch, 1280]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildEfficientNetLite = modelBuilder(
  (network, image, settings) => {
    const version = rowOf(versions, settings.card);

    const convolve = (x: tf.SymbolicTensor, name: string, filters: number, kernelSize: number, strides = 1) =>
      network.conv2d(x, { name, filters, kernelSize, strides, padding: 'same', useBias: false });
    const convolveDepthwise = (x: tf.SymbolicTensor, name: string, kernelSize: number, strides: number) =>
      network.depthwiseConv2d(x, { name, kernelSize, strides, padding: 'same', useBias: false });
    const normalise = (x: tf.SymbolicTensor, name: string) =>
      network.batchNormalization(x, { name, epsilon: 1e-3, momentum: 0.99 });
    const relu6 = (x: tf.SymbolicTensor, name: string) =>
      network.activation(x, { name, activation: 'relu6' });

    /** MBConv: widen, filter each channel, narrow; the input is added where shapes allow. */
    const block = (
      input: tf.SymbolicTensor,
      name: string,
      kernelSize: number,
      strides: number,
      expansion: number,
      filters: number,
    ) => {
      const inputFilters = input.shape[3]!;
      let x = input;
      if (expansion !== 1) {
        x = convolve(x, `${name}_expand_conv`, inputFilters * expansion, 1);
        x = relu6(normalise(x, `${name}_expand_bn`), `${name}_expand_activation`);
      }
      x = convolveDepthwise(x, `${name}_dwconv`, kernelSize, strides);
      x = relu6(normalise(x, `${name}_bn`), `${name}_activation`);
      x = convolve(x, `${name}_project_conv`, filters, 1);
      x = normalise(x, `${name}_project_bn`);
      if (strides !== 1 || inputFilters !== filters) return x;
      return network.add([x, input], { name: `${name}_add` });
    };

    let x = convolve(image, 'stem_conv', STEM_FILTERS, 3, 2);
    x = relu6(normalise(x, 'stem_bn'), 'stem_activation');
    efficientNetStages.forEach(([kernelSize, strides, expansion, filters, blocks], stage) => {
      const fixed = stage === 0 || stage === efficientNetStages.length - 1;
      const repeats = fixed ? blocks : Math.ceil(version.depth * blocks);
      for (let i = 0; i < repeats; i++) {
        const name = `block${stage + 1}${String.fromCharCode(97 + i)}`;
        const width = divisibleFilters(filters * version.width);
        x = block(x, name, kernelSize, i === 0 ? strides : 1, expansion, width);
      }
    });
    x = convolve(x, 'top_conv', TOP_FILTERS, 1);
    x = relu6(normalise(x, 'top_bn'), 'top_activation');

    if (!settings.includeTop) return pooled(network, x, settings.pooling, { named: true });
    x = network.globalAveragePooling2d(x, { name: 'avg_pool' });
    x = network.dropout(x, { name: 'top_dropout', rate: version.dropout });
    return network.dense(x, {
      name: 'predictions',
      units: settings.classes,
      activation: settings.classifierActivation,
    });
  },
  { input: 'input_1' },
);
