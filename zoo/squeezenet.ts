import type * as tf from '@tensorflow/tfjs';
import { modelBuilder, rowOf } from './builder.ts';
import { pooled } from './network.ts';

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
export const buildSqueezeNet = modelBuilder(
  (network, image, settings) => {
    const { includeTop, pooling, classes, classifierActivation } = settings;
    const version = rowOf(versions, settings.card);
    const relu = (x: tf.SymbolicTensor, name: string) => network.activation(x, { name, activation: 'relu' });
    const pool = (x: tf.SymbolicTensor, name: string) =>
      network.maxPooling2d(x, { name, poolSize: 3, strides: 2 });
    const fire = (x: tf.SymbolicTensor, name: string, squeeze: number, expand: number) => {
      const args = { name: `${name}/squeeze1x1`, filters: squeeze, kernelSize: 1 };
      const squeezed = relu(network.conv2d(x, args), `${name}/relu_squeeze1x1`);
      const left = network.conv2d(squeezed, { name: `${name}/expand1x1`, filters: expand, kernelSize: 1 });
      const right = network.conv2d(squeezed, {
        name: `${name}/expand3x3`,
        filters: expand,
        kernelSize: 3,
        padding: 'same',
      });
      const branches = [relu(left, `${name}/relu_expand1x1`), relu(right, `${name}/relu_expand3x3`)];
      return network.concatenate(branches, { name: `${name}/concat`, axis: 3 });
    };

    let x = network.conv2d(image, { name: 'conv1', ...version.stem, strides: 2 });
    x = pool(relu(x, 'relu_conv1'), 'pool1');
    for (const [name, squeeze, expand] of fireModules) {
      x = fire(x, name, squeeze, expand);
      if (version.poolAfter.includes(name)) x = pool(x, name.replace('fire', 'pool'));
    }

    if (!includeTop) return pooled(network, x, pooling, { named: true });
    x = network.dropout(x, { name: 'drop9', rate: 0.5 });
    // The ReLU stands before the pool, so the logits are never negative.
    x = relu(network.conv2d(x, { name: 'conv10', filters: classes, kernelSize: 1 }), 'relu_conv10');
    x = network.globalAveragePooling2d(x, { name: 'global_average_pooling2d_1' });
    return network.activation(x, { name: 'loss', activation: classifierActivation });
  },
  { model: 'squeezenet', input: 'input_1' },
);
