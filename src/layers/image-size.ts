import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { INTERPOLATIONS, resizePictures, type Resampling } from './resample.ts';
import { inChannelsLast, type DataFormat } from './tfjs-classes.ts';

export interface ImageSizeArgs extends LayerArgs {
  readonly height: number;
  readonly width: number;
  /** Default `channelsLast`. */
  readonly dataFormat?: DataFormat | null;
}

const RESAMPLINGS: readonly Resampling[] = [...INTERPOLATIONS, 'area'];

abstract class ImageSize extends tf.layers.Layer {
  protected readonly height: number;
  protected readonly width: number;
  private readonly dataFormat: DataFormat;

  constructor(args: ImageSizeArgs) {
    super(args);
    for (const side of ['height', 'width'] as const) {
      if (Number.isInteger(args[side]) && args[side] > 0) continue;
      refuseOption(this.getClassName(), side, args[side], 'a whole number of at least 1');
    }
    this.height = args.height;
    this.width = args.width;
    this.dataFormat = args.dataFormat ?? 'channelsLast';
  }

  /** Channels last, float32. */
  protected abstract sized(x: tf.Tensor4D): tf.Tensor4D;

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      return inChannelsLast(x, this.dataFormat, (pictures) => this.sized(pictures as tf.Tensor4D));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    if (shape.length !== 4) refuseInputs(this, JSON.stringify(shape), 'an input of 4 axes');
    const { height, width } = this;
    const [batch = null, second = null, , last = null] = shape;
    return this.dataFormat === 'channelsFirst'
      ? [batch, second, height, width]
      : [batch, height, width, last];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { height, width, dataFormat } = this;
    return { ...super.getConfig(), height, width, dataFormat };
  }
}

/** The middle of a picture that has the proportions of `height` to `width`. */
function croppedToAspect(x: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [, rows, columns] = x.shape;
  const tall = Math.max(1, Math.min(rows, Math.trunc((columns * height) / width)));
  const wide = Math.max(1, Math.min(columns, Math.trunc((rows * width) / height)));
  const top = Math.trunc((rows - tall) / 2);
  const left = Math.trunc((columns - wide) / 2);
  return tf.slice4d(x, [0, top, left, 0], [-1, tall, wide, -1]);
}

export interface KerasResizingArgs extends ImageSizeArgs {
  /** Default `bilinear`. */
  readonly interpolation?: Resampling;
  /** The middle is cut out first, so that nothing is distorted. Default false. */
  readonly cropToAspectRatio?: boolean;
  /** Borders of `fillValue` are added first, so that nothing is distorted. Default false. */
  readonly padToAspectRatio?: boolean;
  /** Default 0. */
  readonly fillValue?: number;
  /** Every old pixel counts when pictures are made smaller. Default false. */
  readonly antialias?: boolean;
}

/**
 * Keras's `Resizing`: pictures of any size to `height` and `width`, as `tf.image.resize` does it: the pixels' centres are
 * at halves. tfjs's layer of that name spreads the corners apart instead. Float32, no weights.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/preprocessing/image_preprocessing/resizing.py
 */
export class KerasResizing extends ImageSize {
  static readonly className: string = 'KerasResizing';
  private readonly interpolation: Resampling;
  private readonly options: {
    cropToAspectRatio: boolean;
    padToAspectRatio: boolean;
    fillValue: number;
    antialias: boolean;
  };

  constructor(args: KerasResizingArgs) {
    super(args);
    const { interpolation = 'bilinear' } = args;
    if (!RESAMPLINGS.includes(interpolation)) {
      refuseOption('KerasResizing', 'interpolation', interpolation, RESAMPLINGS.join(', '));
    }
    this.interpolation = interpolation;
    const { cropToAspectRatio = false, padToAspectRatio = false, fillValue = 0, antialias = false } = args;
    this.options = { cropToAspectRatio, padToAspectRatio, fillValue, antialias };
  }

  protected override sized(x: tf.Tensor4D): tf.Tensor4D {
    const { height, width } = this;
    const { cropToAspectRatio, padToAspectRatio, fillValue, antialias } = this.options;
    let picture = x;
    if (cropToAspectRatio) picture = croppedToAspect(x, height, width);
    else if (padToAspectRatio) {
      const [, rows, columns] = x.shape;
      // The same on both sides, as Keras has it, which can be one pixel short of the proportions.
      const border = (side: number, wanted: number) =>
        Math.max(0, Math.trunc((Math.trunc(wanted) - side) / 2));
      const tall = border(rows, (columns * height) / width);
      const wide = border(columns, (rows * width) / height);
      const padding: [number, number][] = [
        [0, 0],
        [tall, tall],
        [wide, wide],
        [0, 0],
      ];
      picture = tf.pad(x, padding, fillValue);
    }
    return resizePictures(picture, [height, width], this.interpolation, antialias);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), interpolation: this.interpolation, ...this.options };
  }
}
tf.serialization.registerClass(KerasResizing);

/**
 * Keras's `CenterCrop`: the middle of the picture; of one that is smaller, the part with the right proportions, resized.
 * tfjs's layer of that name takes another column where the width fits already. Float32, no weights.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/preprocessing/image_preprocessing/center_crop.py
 */
export class KerasCenterCrop extends ImageSize {
  static readonly className: string = 'KerasCenterCrop';

  protected override sized(x: tf.Tensor4D): tf.Tensor4D {
    const { height, width } = this;
    const [, rows, columns] = x.shape;
    if (rows < height || columns < width) {
      return resizePictures(croppedToAspect(x, height, width), [height, width], 'bilinear');
    }
    const top = Math.floor((rows - height) / 2);
    const left = Math.floor((columns - width) / 2);
    return tf.slice4d(x, [0, top, left, 0], [-1, height, width, -1]);
  }
}
tf.serialization.registerClass(KerasCenterCrop);
