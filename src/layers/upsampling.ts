import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import type { Interpolation } from './resample.ts';
import { INTERPOLATIONS, repeated, resizePictures } from './resample.ts';
import type { DataFormat } from './tfjs-classes.ts';
import { each, inChannelsLast, spatialAxes } from './tfjs-classes.ts';

interface UpSamplingArgs extends LayerArgs {
  /** Default 2, along each axis. */
  readonly size?: number | number[];
  readonly dataFormat?: DataFormat;
}

abstract class UpSampling extends tf.layers.Layer {
  protected readonly size: number[];
  protected readonly dataFormat: DataFormat;

  constructor(args: UpSamplingArgs, axes: number) {
    super(args);
    this.size = each(args.size ?? 2, axes);
    this.dataFormat = args.dataFormat ?? 'channelsLast';
    if (this.size.length !== axes || !this.size.every((times) => Number.isInteger(times) && times >= 1)) {
      refuseOption(this.getClassName(), 'size', args.size, `${axes} whole numbers of at least 1, or one`);
    }
    this.inputSpec = [new tf.InputSpec({ ndim: axes + 2 })];
  }

  /** Each value is repeated. */
  protected enlarged(x: tf.Tensor): tf.Tensor {
    const axes = spatialAxes(x.rank, this.dataFormat);
    return axes.reduce((y, axis, i) => repeated(y, axis, this.size[i] as number), x);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      // A size of 1 changes nothing, but the output is a tensor of its own.
      return tf.clone(this.enlarged(oneTensor(this, inputs)));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    const axes = spatialAxes(shape.length, this.dataFormat);
    return shape.map((length, axis) => {
      const at = axes.indexOf(axis);
      return at < 0 || length === null ? length : length * (this.size[at] as number);
    });
  }
}

/** Keras's `UpSampling1D`: each step of `[batch, length, channels]` `size` times. @throws ModelError `MODEL_OPTION` */
export class UpSampling1D extends UpSampling {
  static readonly className = 'UpSampling1D';

  constructor(args: UpSamplingArgs = {}) {
    super({ ...args, dataFormat: 'channelsLast' }, 1);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), size: this.size[0] as number };
  }
}
tf.serialization.registerClass(UpSampling1D);

/** Keras's `UpSampling3D`: each value of a volume repeated along depth, rows and columns. @throws ModelError `MODEL_OPTION` */
export class UpSampling3D extends UpSampling {
  static readonly className = 'UpSampling3D';

  constructor(args: UpSamplingArgs = {}) {
    super(args, 3);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), size: this.size, dataFormat: this.dataFormat };
  }
}
tf.serialization.registerClass(UpSampling3D);

/**
 * Keras's `UpSampling2D` with every interpolation of Keras. tfjs's has the nearest pixel as Keras has it, and bilinear
 * with pixels' corners where Keras has their centres.
 *
 * @throws ModelError `MODEL_OPTION`
 * @source keras/src/layers/reshaping/up_sampling2d.py
 */
export class KerasUpSampling2D extends UpSampling {
  static readonly className = 'KerasUpSampling2D';
  private readonly interpolation: Interpolation | 'area';

  constructor(args: UpSamplingArgs & { readonly interpolation?: Interpolation | 'area' } = {}) {
    super(args, 2);
    const { interpolation = 'nearest' } = args;
    if (interpolation !== 'area' && !INTERPOLATIONS.includes(interpolation)) {
      refuseOption('KerasUpSampling2D', 'interpolation', interpolation, INTERPOLATIONS.join(', '));
    }
    this.interpolation = interpolation;
  }

  protected override enlarged(x: tf.Tensor): tf.Tensor {
    const { interpolation } = this;
    // The area of a pixel that became smaller lies in one pixel.
    if (interpolation === 'nearest' || interpolation === 'area') return super.enlarged(x);
    const [rows, columns] = this.size as [number, number];
    return inChannelsLast(tf.cast(x, 'float32'), this.dataFormat, (given) => {
      const pictures = given as tf.Tensor4D;
      const size = [pictures.shape[1] * rows, pictures.shape[2] * columns] as const;
      return resizePictures(pictures, size, interpolation);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { size, dataFormat, interpolation } = this;
    return { ...super.getConfig(), size, dataFormat, interpolation };
  }
}
tf.serialization.registerClass(KerasUpSampling2D);
