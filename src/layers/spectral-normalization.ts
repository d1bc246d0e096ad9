import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { Wrapper } from './wrapper.ts';

export interface SpectralNormalizationArgs extends LayerArgs {
  /** With a weight `kernel` or `embeddings`. */
  readonly layer: tf.layers.Layer;
  /** Steps of the power iteration at each call in training. Default 1. */
  readonly powerIterations?: number;
}

/**
 * Keras's `SpectralNormalization` (Miyato et al. 2018, arXiv 1802.05957): in training the kernel of the layer inside is
 * divided by its greatest singular value, which a power iteration estimates; at inference the layer is called with the
 * kernel that it has. Weights: those of the layer, then `vector_u` `[1, kernel's last size]`, which is not trained.
 *
 * @throws ModelError `MODEL_OPTION` (a layer without a kernel)
 * @source keras/src/layers/normalization/spectral_normalization.py
 */
export class SpectralNormalization extends Wrapper {
  static readonly className: string = 'SpectralNormalization';
  private readonly powerIterations: number;
  private vector: tf.LayerVariable | undefined;

  constructor(args: SpectralNormalizationArgs) {
    super(args);
    const { powerIterations = 1 } = args;
    if (!Number.isInteger(powerIterations) || powerIterations < 1) {
      const expected = 'a whole number of at least 1';
      refuseOption('SpectralNormalization', 'powerIterations', powerIterations, expected);
    }
    this.powerIterations = powerIterations;
  }

  override build(inputShape: Shape | Shape[]): void {
    this.buildInner(inputShape);
    const width = this.kernel.shape.at(-1) as number;
    const initializer = tf.initializers.truncatedNormal({ stddev: 0.02 });
    this.vector = this.addWeight('vector_u', [1, width], 'float32', initializer, undefined, false);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    if (kwargs.training === true) this.normalize();
    return this.layer.call(inputs, kwargs);
  }

  override get nonTrainableWeights(): tf.LayerVariable[] {
    return [...super.nonTrainableWeights, ...(this.vector === undefined ? [] : [this.vector])];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), powerIterations: this.powerIterations };
  }

  private get kernel(): tf.LayerVariable {
    const named = (name: string) =>
      this.layer.weights.find((weight) => weight.originalName.split('/').at(-1) === name);
    const kernel = named('kernel') ?? named('embeddings');
    return (
      kernel ??
      refuseOption('SpectralNormalization', 'layer', this.layer.getClassName(), 'a layer with a kernel')
    );
  }

  private normalize(): void {
    tf.tidy(() => {
      const { kernel } = this;
      const value = kernel.read();
      const matrix = tf.reshape<tf.Rank.R2>(value, [-1, value.shape.at(-1) as number]);
      const vector = this.vector as tf.LayerVariable;
      let u = vector.read() as tf.Tensor2D;
      let v = u;
      for (let i = 0; i < this.powerIterations; i++) {
        v = unit(tf.matMul(u, matrix, false, true));
        u = unit(tf.matMul(v, matrix));
      }
      const sigma = tf.matMul(tf.matMul(v, matrix), u, false, true);
      // A kernel of zeros has no direction, and stays.
      const divisor = tf.where(tf.equal(sigma, 0), tf.onesLike(sigma), sigma);
      vector.write(u);
      kernel.write(tf.reshape(tf.div(matrix, divisor), value.shape));
    });
  }
}
tf.serialization.registerClass(SpectralNormalization);

function unit(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.maximum(tf.sqrt(tf.sum(tf.square(x))), 1e-12));
}
