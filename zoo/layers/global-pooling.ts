import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from './layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from './layer-inputs.ts';

type DataFormat = 'channelsFirst' | 'channelsLast';

export interface GlobalPooling2DArgs extends LayerArgs {
  /** Default `channelsLast`. */
  readonly dataFormat?: DataFormat;
}

abstract class GlobalPooling2DKeepDims extends tf.layers.Layer {
  private readonly dataFormat: DataFormat;

  constructor(args: GlobalPooling2DArgs = {}) {
    super(args);
    const dataFormat = args.dataFormat ?? 'channelsLast';
    if (dataFormat !== 'channelsLast' && dataFormat !== 'channelsFirst') {
      refuseOption(this.getClassName(), 'dataFormat', dataFormat, 'channelsLast or channelsFirst');
    }
    this.dataFormat = dataFormat;
  }

  protected abstract pool(x: tf.Tensor, axes: number[]): tf.Tensor;

  private get axes(): [number, number] {
    return this.dataFormat === 'channelsLast' ? [1, 2] : [2, 3];
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return this.pool(oneTensor(this, inputs), this.axes);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    if (shape.length !== 4) refuseInputs(this, JSON.stringify(shape), 'an input of 4 axes');
    return shape.map((size, axis) => (this.axes.includes(axis) ? 1 : size));
  }

  /** `keepdims` is for readers of Keras's vocabulary; the class itself says it. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), dataFormat: this.dataFormat, keepdims: true };
  }
}

/**
 * Keras's `GlobalAveragePooling2D(keepdims=True)`: the mean over rows and columns, `[batch, 1, 1, channels]`
 * (`[batch, channels, 1, 1]` with `dataFormat: 'channelsFirst'`).
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 */
export class GlobalAveragePooling2DKeepDims extends GlobalPooling2DKeepDims {
  static readonly className = 'GlobalAveragePooling2DKeepDims';

  protected override pool(x: tf.Tensor, axes: number[]): tf.Tensor {
    return tf.mean(x, axes, true);
  }
}
tf.serialization.registerClass(GlobalAveragePooling2DKeepDims);

/**
 * Keras's `GlobalMaxPooling2D(keepdims=True)`: the largest value over rows and columns, `[batch, 1, 1, channels]`
 * (`[batch, channels, 1, 1]` with `dataFormat: 'channelsFirst'`).
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 */
export class GlobalMaxPooling2DKeepDims extends GlobalPooling2DKeepDims {
  static readonly className = 'GlobalMaxPooling2DKeepDims';

  protected override pool(x: tf.Tensor, axes: number[]): tf.Tensor {
    return tf.max(x, axes, true);
  }
}
tf.serialization.registerClass(GlobalMaxPooling2DKeepDims);
