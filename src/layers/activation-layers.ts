import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { elu } from './activations.ts';
import { chosen } from './constants.ts';
import { axisOfInput, tfjsClass } from './tfjs-classes.ts';

/** A layer without weights whose output has its input's shape; masks pass through. */
abstract class Elementwise extends tf.layers.Layer {
  constructor(args: LayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
  }

  protected abstract activate(x: tf.Tensor, kwargs: CallArguments): tf.Tensor;

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return this.activate(tf.cast(oneTensor(this, inputs), 'float32'), kwargs);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }
}

export interface KerasReLUArgs extends LayerArgs {
  readonly maxValue?: number | null;
  readonly negativeSlope?: number;
  readonly threshold?: number;
}

/**
 * Keras's `ReLU`: `x` up to `maxValue` where it is above `threshold`, else `negativeSlope * (x - threshold)`. tfjs's
 * knows `maxValue` only.
 *
 * @throws ModelError `MODEL_OPTION`
 * @source keras/src/activations/activations.py
 */
export class KerasReLU extends Elementwise {
  static readonly className = 'KerasReLU';
  private readonly maxValue: number | null;
  private readonly negativeSlope: number;
  private readonly threshold: number;

  constructor(args: KerasReLUArgs = {}) {
    super(args);
    this.maxValue = args.maxValue ?? null;
    this.negativeSlope = args.negativeSlope ?? 0;
    this.threshold = args.threshold ?? 0;
    if (this.negativeSlope < 0) refuseOption('KerasReLU', 'negativeSlope', args.negativeSlope, '0 or more');
  }

  protected override activate(x: tf.Tensor): tf.Tensor {
    const { maxValue, negativeSlope, threshold } = this;
    const isAbove = (value: tf.Tensor) => tf.greater(value, threshold);
    const passed = threshold === 0 ? tf.relu(x) : chosen(isAbove, [x], x, tf.zerosLike(x));
    const above = maxValue === null ? passed : tf.clipByValue(passed, 0, maxValue);
    if (negativeSlope === 0) return above;
    return tf.sub(above, tf.mul(negativeSlope, tf.relu(tf.sub(threshold, x))));
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { maxValue, negativeSlope, threshold } = this;
    return { ...super.getConfig(), maxValue, negativeSlope, threshold };
  }
}
tf.serialization.registerClass(KerasReLU);

/**
 * Keras's `ELU` with any `alpha`: `alpha * (exp(x) - 1)` below 0. tfjs's refuses all but 1.
 *
 * @source keras/src/layers/activations/elu.py
 */
export class KerasELU extends Elementwise {
  static readonly className = 'KerasELU';
  private readonly alpha: number;

  constructor(args: LayerArgs & { readonly alpha?: number } = {}) {
    super(args);
    this.alpha = args.alpha ?? 1;
  }

  protected override activate(x: tf.Tensor): tf.Tensor {
    return elu(x, this.alpha);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), alpha: this.alpha };
  }
}
tf.serialization.registerClass(KerasELU);

/**
 * Keras's `LeakyReLU`, which lets masks through; tfjs's drops them. `alpha` is 0.3 by default.
 *
 * @source keras/src/layers/activations/leaky_relu.py
 */
export class KerasLeakyReLU extends Elementwise {
  static readonly className = 'KerasLeakyReLU';
  private readonly alpha: number;

  constructor(args: LayerArgs & { readonly alpha?: number } = {}) {
    super(args);
    this.alpha = args.alpha ?? 0.3;
  }

  protected override activate(x: tf.Tensor): tf.Tensor {
    return tf.leakyRelu(x, this.alpha);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), alpha: this.alpha };
  }
}
tf.serialization.registerClass(KerasLeakyReLU);

/** Over one axis or several, whichever they are. */
export function softmaxOver(x: tf.Tensor, axes: number[]): tf.Tensor {
  if (axes.length === 1 && axes[0] === x.rank - 1) return tf.softmax(x);
  const powers = tf.exp(tf.sub(x, tf.max(x, axes, true)));
  return tf.div(powers, tf.sum(powers, axes, true));
}

export interface KerasSoftmaxArgs extends LayerArgs {
  /** Default -1. */
  readonly axis?: number | readonly number[];
}

/**
 * Keras's `Softmax` along any axis or several; tfjs's has the last one only. What a mask leaves out gets 0.
 *
 * @throws ModelError `MODEL_INPUT` (an axis that the input lacks)
 * @source keras/src/layers/activations/softmax.py
 */
export class KerasSoftmax extends Elementwise {
  static readonly className = 'KerasSoftmax';
  private readonly axis: number | readonly number[];

  constructor(args: KerasSoftmaxArgs = {}) {
    super(args);
    this.axis = args.axis ?? -1;
  }

  protected override activate(x: tf.Tensor, kwargs: CallArguments): tf.Tensor {
    const given = typeof this.axis === 'number' ? [this.axis] : this.axis;
    const axes = given.map((axis) => axisOfInput(this, axis, x.rank));
    const { mask } = kwargs;
    if (!(mask instanceof tf.Tensor)) return softmaxOver(x, axes);
    const hidden = tf.mul(tf.sub(1, tf.cast(mask, 'float32')), -1e9);
    return softmaxOver(tf.add(x, hidden), axes);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: typeof this.axis === 'number' ? this.axis : [...this.axis] };
  }
}
tf.serialization.registerClass(KerasSoftmax);

type ActivationArgs = LayerArgs & { readonly activation: string };
const Activation = tfjsClass<tf.layers.Layer, ActivationArgs>('Activation');

/**
 * Keras's `Activation` with `glu`, whose output is half as long as its input along the last axis.
 *
 * @throws ModelError `MODEL_INPUT` (a last axis that has no half)
 * @source keras/src/activations/activations.py
 */
export class KerasActivation extends Activation {
  static readonly className = 'KerasActivation';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    const length = shape.at(-1) ?? null;
    if (length === null || length % 2 !== 0) {
      refuseInputs(this, JSON.stringify(shape), 'a last axis of an even length');
    }
    return [...shape.slice(0, -1), length / 2];
  }
}
tf.serialization.registerClass(KerasActivation);
