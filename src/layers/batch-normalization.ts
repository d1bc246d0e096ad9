import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs } from '../../zoo/layers/layer-inputs.ts';
import { oneTensor } from '../../zoo/layers/layer-inputs.ts';
import { axisOfInput, tfjsClass } from './tfjs-classes.ts';

interface BatchNormalizationArgs extends LayerArgs {
  readonly axis?: number;
}
/** What tfjs's BatchNormalization makes of its arguments. */
interface BatchNormalizationLayer extends tf.layers.Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma: tf.LayerVariable | undefined;
  readonly beta: tf.LayerVariable | undefined;
  readonly movingMean: tf.LayerVariable;
  readonly movingVariance: tf.LayerVariable;
}
const BatchNormalization = tfjsClass<BatchNormalizationLayer, BatchNormalizationArgs>('BatchNormalization');

/**
 * Keras's `BatchNormalization` on any axis of inputs of any rank: tfjs's takes its weights along the last axis, whatever
 * the axis is, and has 2 to 4 axes. `gamma`, `beta`, `moving_mean` and `moving_variance` are `[size of the axis]`.
 *
 * @throws ModelError `MODEL_INPUT` (an axis that the input lacks)
 * @source keras/src/layers/normalization/batch_normalization.py
 */
export class KerasBatchNormalization extends BatchNormalization {
  static readonly className = 'KerasBatchNormalization';

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const axis = axisOfInput(this, this.axis, x.rank);
      const shape = x.shape.map((size, i) => (i === axis ? size : 1));
      const along = (value: tf.Tensor) => tf.reshape(value, shape);
      // A frozen layer keeps its statistics, and normalizes by them, in training too.
      const [mean, variance] =
        kwargs.training === true && this.trainable
          ? this.batchStatistics(x, axis)
          : [this.movingMean.read(), this.movingVariance.read()];
      const deviation = tf.rsqrt(tf.add(variance, this.epsilon));
      const factor = this.gamma === undefined ? deviation : tf.mul(deviation, this.gamma.read());
      const y = tf.mul(tf.sub(x, along(mean)), along(factor));
      return this.beta === undefined ? y : tf.add(y, along(this.beta.read()));
    });
  }

  /** Mean and variance of the batch, which the moving ones follow. */
  private batchStatistics(x: tf.Tensor, axis: number): [tf.Tensor, tf.Tensor] {
    const others = x.shape.map((__, i) => i).filter((i) => i !== axis);
    const { mean, variance } = tf.moments(x, others);
    tf.tidy(() => {
      const follow = (variable: tf.LayerVariable, value: tf.Tensor) =>
        variable.write(tf.add(tf.mul(variable.read(), this.momentum), tf.mul(value, 1 - this.momentum)));
      follow(this.movingMean, mean);
      follow(this.movingVariance, variance);
    });
    return [mean, variance];
  }
}
tf.serialization.registerClass(KerasBatchNormalization);
