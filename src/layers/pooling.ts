import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import type { DataFormat, TfjsClass } from './tfjs-classes.ts';
import { channelAxis, inChannelsLast, spatialAxes, tfjsClass } from './tfjs-classes.ts';

export interface GlobalPoolingArgs extends LayerArgs {
  /** Default `channelsLast`. */
  readonly dataFormat?: DataFormat;
  /** Keeps the pooled axes, of length 1. Default false. */
  readonly keepdims?: boolean;
}

function checkDataFormat(className: string, value: DataFormat | undefined): DataFormat {
  if (value === undefined || value === 'channelsLast' || value === 'channelsFirst')
    return value ?? 'channelsLast';
  return refuseOption(className, 'dataFormat', value, 'channelsLast or channelsFirst');
}

abstract class GlobalPooling extends tf.layers.Layer {
  protected readonly dataFormat: DataFormat;
  protected readonly keepdims: boolean;
  protected abstract readonly inputRank: number;

  constructor(args: GlobalPoolingArgs = {}) {
    super(args);
    this.dataFormat = checkDataFormat(this.getClassName(), args.dataFormat);
    this.keepdims = args.keepdims ?? false;
  }

  protected abstract pool(x: tf.Tensor, axes: number[], kwargs: CallArguments): tf.Tensor;

  protected get axes(): number[] {
    return spatialAxes(this.inputRank, this.dataFormat);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return this.pool(oneTensor(this, inputs), this.axes, kwargs);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    if (shape.length !== this.inputRank) {
      refuseInputs(this, JSON.stringify(shape), `an input of ${this.inputRank} axes`);
    }
    if (this.keepdims) return shape.map((size, axis) => (this.axes.includes(axis) ? 1 : size));
    return [shape[0] ?? null, shape[channelAxis(shape.length, this.dataFormat)] ?? null];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), dataFormat: this.dataFormat, keepdims: this.keepdims };
  }
}

abstract class GlobalMaxPooling extends GlobalPooling {
  protected override pool(x: tf.Tensor, axes: number[]): tf.Tensor {
    return tf.max(x, axes, this.keepdims);
  }
}

/**
 * Keras's `GlobalMaxPooling1D` with `keepdims` and `dataFormat`, which tfjs's lacks: `[batch, channels]`.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 */
export class KerasGlobalMaxPooling1D extends GlobalMaxPooling {
  static readonly className = 'KerasGlobalMaxPooling1D';
  protected override readonly inputRank = 3;
}
tf.serialization.registerClass(KerasGlobalMaxPooling1D);

/**
 * Keras's `GlobalMaxPooling3D`: `[batch, channels]`, or `[batch, 1, 1, 1, channels]` with `keepdims`.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 */
export class GlobalMaxPooling3D extends GlobalMaxPooling {
  static readonly className = 'GlobalMaxPooling3D';
  protected override readonly inputRank = 5;
}
tf.serialization.registerClass(GlobalMaxPooling3D);

/**
 * Keras's `GlobalAveragePooling3D`: `[batch, channels]`, or `[batch, 1, 1, 1, channels]` with `keepdims`.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 */
export class GlobalAveragePooling3D extends GlobalPooling {
  static readonly className = 'GlobalAveragePooling3D';
  protected override readonly inputRank = 5;

  protected override pool(x: tf.Tensor, axes: number[]): tf.Tensor {
    return tf.mean(x, axes, this.keepdims);
  }
}
tf.serialization.registerClass(GlobalAveragePooling3D);

/**
 * Keras's `GlobalAveragePooling1D` with `keepdims`, `dataFormat` and masks, which tfjs's lacks: `[batch, channels]`.
 * Steps that a mask leaves out do not count.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/pooling/global_average_pooling1d.py
 */
export class KerasGlobalAveragePooling1D extends GlobalPooling {
  static readonly className = 'KerasGlobalAveragePooling1D';
  protected override readonly inputRank = 3;

  constructor(args: GlobalPoolingArgs = {}) {
    super(args);
    this.supportsMasking = true;
  }

  protected override pool(x: tf.Tensor, axes: number[], { mask: given }: CallArguments): tf.Tensor {
    const mask: unknown = Array.isArray(given) ? given[0] : given;
    if (!(mask instanceof tf.Tensor)) return tf.mean(x, axes, this.keepdims);
    const kept = tf.expandDims(tf.cast(mask, 'float32'), this.dataFormat === 'channelsLast' ? 2 : 1);
    const sum = tf.sum(tf.mul(x, kept), axes, this.keepdims);
    return tf.div(sum, tf.sum(kept, axes, this.keepdims));
  }

  /** There are no steps left to mask. */
  override computeMask(): tf.Tensor {
    return null as unknown as tf.Tensor;
  }
}
tf.serialization.registerClass(KerasGlobalAveragePooling1D);

interface Pooling1DLayer extends tf.layers.Layer {
  readonly poolSize: number[];
}
interface DataFormatLayer extends Pooling1DLayer {
  readonly dataFormat: DataFormat;
}
interface Pooling1DArgs extends LayerArgs {
  readonly poolSize?: number | number[];
  readonly dataFormat?: DataFormat;
}

/** tfjs's pooling of sequences knows no `dataFormat`: channels go last and come back. */
function withDataFormat(
  parent: 'AveragePooling1D' | 'MaxPooling1D',
): TfjsClass<DataFormatLayer, Pooling1DArgs> {
  const Pooling1D = tfjsClass<Pooling1DLayer, Pooling1DArgs>(parent);
  return class extends Pooling1D implements DataFormatLayer {
    readonly dataFormat: DataFormat;

    constructor(args: Pooling1DArgs) {
      super(args);
      this.dataFormat = checkDataFormat(`Keras${parent}`, args.dataFormat);
    }

    override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
      return tf.tidy(() => {
        const pool = (x: tf.Tensor) => super.call(x, kwargs) as tf.Tensor;
        return inChannelsLast(oneTensor(this, inputs), this.dataFormat, pool);
      });
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      const [batch, ...rest] = oneShape(this, inputShape) as [number | null, ...Shape];
      if (this.dataFormat === 'channelsLast') return super.computeOutputShape(inputShape) as Shape;
      const [, length, channels] = super.computeOutputShape([batch, ...rest.reverse()]) as Shape;
      return [batch, channels ?? null, length ?? null];
    }

    override getConfig(): tf.serialization.ConfigDict {
      return { ...super.getConfig(), dataFormat: this.dataFormat };
    }
  };
}

/** Keras's `MaxPooling1D` with `dataFormat: 'channelsFirst'`. @throws ModelError `MODEL_OPTION` */
export class KerasMaxPooling1D extends withDataFormat('MaxPooling1D') {
  static readonly className = 'KerasMaxPooling1D';
}
tf.serialization.registerClass(KerasMaxPooling1D);

/** Keras's `AveragePooling1D` with `dataFormat: 'channelsFirst'`. @throws ModelError `MODEL_OPTION` */
export class KerasAveragePooling1D extends withDataFormat('AveragePooling1D') {
  static readonly className = 'KerasAveragePooling1D';
}
tf.serialization.registerClass(KerasAveragePooling1D);

interface Pooling3DLayer extends tf.layers.Layer {
  readonly poolSize: number[];
  readonly strides: number[];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: DataFormat;
}
const MaxPooling3D = tfjsClass<Pooling3DLayer, LayerArgs>('MaxPooling3D');

/**
 * Keras's `MaxPooling3D` by two poolings of pictures: what tfjs's WASM backend has for volumes gives other numbers (4.22).
 *
 * @throws ModelError `MODEL_INPUT`
 */
export class KerasMaxPooling3D extends MaxPooling3D {
  static readonly className = 'KerasMaxPooling3D';

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return inChannelsLast(oneTensor(this, inputs), this.dataFormat, (x) => this.pooled(x));
    });
  }

  /** Rows and columns of every picture, then the pictures behind one another. */
  private pooled(x: tf.Tensor): tf.Tensor {
    const [batch, depth, rows, columns, channels] = x.shape as [number, number, number, number, number];
    const [size, ...area] = this.poolSize as [number, number, number];
    const [step, ...steps] = this.strides as [number, number, number];
    const pictures = tf.reshape<tf.Rank.R4>(x, [batch * depth, rows, columns, channels]);
    const flat = tf.maxPool(pictures, area, steps, this.padding);
    const [, height, width] = flat.shape;
    const piles = tf.reshape<tf.Rank.R4>(flat, [batch, depth, height * width, channels]);
    const y = tf.maxPool(piles, [size, 1], [step, 1], this.padding);
    return tf.reshape(y, [batch, y.shape[1], height, width, channels]);
  }
}
tf.serialization.registerClass(KerasMaxPooling3D);
