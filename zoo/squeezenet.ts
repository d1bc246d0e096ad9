import * as tf from '@tensorflow/tfjs';
import type { ModelCard } from './card.ts';
import type { BuildOptions, Initialisation } from './build-options.ts';
import { resolveBuildOptions } from './build-options.ts';
import { kernelInitializers } from './initializers.ts';
import { poolFeatures } from './pool-features.ts';

/** What differs between the two published versions (table 1 of the paper; the repository's v1.1 folder). */
interface Version {
  readonly stem: { readonly filters: number; readonly kernelSize: number };
  /** Modules that are followed by a 3x3/2 max pool. */
  readonly poolAfter: readonly string[];
}

const versions: Readonly<Record<string, Version>> = {
  squeezenet: { stem: { filters: 64, kernelSize: 3 }, poolAfter: ['fire3', 'fire5'] },
  'squeezenet1.0': { stem: { filters: 96, kernelSize: 7 }, poolAfter: ['fire4', 'fire8'] },
};

/** Name, filters of the squeeze convolution, filters of each expand convolution. */
const fireModules = [
  ['fire2', 16, 64],
  ['fire3', 16, 64],
  ['fire4', 32, 128],
  ['fire5', 32, 128],
  ['fire6', 48, 192],
  ['fire7', 48, 192],
  ['fire8', 64, 256],
  ['fire9', 64, 256],
] as const;

/**
 * SqueezeNet (Iandola et al. 2016, arXiv 1602.07360), v1.1 or v1.0 by the card; layer names as in
 * rcmalli/keras-squeezenet.
 *
 * Input `[batch, height, width, 3]`, BGR minus the ImageNet mean (mode `caffe`). Output `[batch, classes]`,
 * or `[batch, rows, columns, 512]` without top (`[batch, 512]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export function buildSqueezeNet(
  card: ModelCard,
  options: BuildOptions,
  initialisation: Initialisation,
): tf.LayersModel {
  const { includeTop, inputShape, pooling, classes, classifierActivation } = resolveBuildOptions(
    card,
    options,
  );
  const version = versions[card.name];
  if (version === undefined) throw new Error(`no SqueezeNet version for card ${card.name}`);

  const kernelInitializer = kernelInitializers(initialisation);
  const convolve = (
    x: tf.SymbolicTensor,
    name: string,
    filters: number,
    kernelSize: number,
    strides: number,
    padding: 'valid' | 'same',
  ) => {
    const convolved = tf.layers
      .conv2d({
        name,
        filters,
        kernelSize,
        strides,
        padding,
        kernelInitializer: kernelInitializer(),
      })
      .apply(x);
    return convolved as tf.SymbolicTensor;
  };
  const relu = (x: tf.SymbolicTensor, name: string) =>
    tf.layers.activation({ name, activation: 'relu' }).apply(x) as tf.SymbolicTensor;
  const pool = (x: tf.SymbolicTensor, name: string) =>
    tf.layers.maxPooling2d({ name, poolSize: 3, strides: 2 }).apply(x) as tf.SymbolicTensor;
  const fire = (x: tf.SymbolicTensor, name: string, squeeze: number, expand: number) => {
    const squeezed = relu(
      convolve(x, `${name}/squeeze1x1`, squeeze, 1, 1, 'valid'),
      `${name}/relu_squeeze1x1`,
    );
    const left = convolve(squeezed, `${name}/expand1x1`, expand, 1, 1, 'valid');
    const right = convolve(squeezed, `${name}/expand3x3`, expand, 3, 1, 'same');
    const branches = [relu(left, `${name}/relu_expand1x1`), relu(right, `${name}/relu_expand3x3`)];
    return tf.layers.concatenate({ name: `${name}/concat`, axis: 3 }).apply(branches) as tf.SymbolicTensor;
  };

  const input = tf.input({ shape: inputShape, name: 'input_1' });
  let x = convolve(input, 'conv1', version.stem.filters, version.stem.kernelSize, 2, 'valid');
  x = pool(relu(x, 'relu_conv1'), 'pool1');
  for (const [name, squeeze, expand] of fireModules) {
    x = fire(x, name, squeeze, expand);
    if (version.poolAfter.includes(name)) x = pool(x, name.replace('fire', 'pool'));
  }

  if (includeTop) {
    x = tf.layers.dropout({ name: 'drop9', rate: 0.5 }).apply(x) as tf.SymbolicTensor;
    // The ReLU stands before the pool, so the logits are never negative.
    x = relu(convolve(x, 'conv10', classes, 1, 1, 'valid'), 'relu_conv10');
    x = tf.layers
      .globalAveragePooling2d({ name: 'global_average_pooling2d_1' })
      .apply(x) as tf.SymbolicTensor;
    x = tf.layers
      .activation({ name: 'loss', activation: classifierActivation })
      .apply(x) as tf.SymbolicTensor;
  } else {
    x = poolFeatures(x, pooling);
  }
  return tf.model({ name: 'squeezenet', inputs: input, outputs: x });
}
