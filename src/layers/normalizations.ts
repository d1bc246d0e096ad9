import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import type { Initializer, Regularizer } from './tfjs-classes.ts';
import { axisOfInput, tfjsClass } from './tfjs-classes.ts';

interface ScaleArgs extends LayerArgs {
  readonly axis?: number | number[];
  readonly epsilon?: number;
  readonly center?: boolean;
  readonly scale?: boolean;
}
/** What tfjs's LayerNormalization makes of its arguments. */
interface ScaleLayer extends tf.layers.Layer {
  axis: number | number[];
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: Initializer;
  readonly gammaInitializer: Initializer;
  readonly betaRegularizer: Regularizer | undefined;
  readonly gammaRegularizer: Regularizer | undefined;
  gamma: tf.LayerVariable | null;
  beta: tf.LayerVariable | null;
}
const LayerNormalization = tfjsClass<ScaleLayer, ScaleArgs>('LayerNormalization');

/** The axes counted from the front, in order, each once. */
function sortedAxes(layer: tf.layers.Layer, axis: number | readonly number[], rank: number): number[] {
  const axes = (typeof axis === 'number' ? [axis] : axis).map((one) => axisOfInput(layer, one, rank));
  return [...new Set(axes)].sort((a, b) => a - b);
}

/** The input's sizes along the axes, 1 elsewhere. */
const broadcastShape = (shape: readonly number[], axes: readonly number[]) =>
  shape.map((size, axis) => (axes.includes(axis) ? size : 1));

function sizesOf(layer: tf.layers.Layer, shape: Shape, axes: readonly number[]): number[] {
  return axes.map(
    (axis) => shape[axis] ?? refuseInputs(layer, JSON.stringify(shape), `a known size of axis ${axis}`),
  );
}

function shifted(x: tf.Tensor, layer: ScaleLayer, shape: number[]): tf.Tensor {
  const scaled = layer.gamma === null ? x : tf.mul(x, tf.reshape(layer.gamma.read(), shape));
  return layer.beta === null ? scaled : tf.add(scaled, tf.reshape(layer.beta.read(), shape));
}

const normalized = (x: tf.Tensor, axes: number[], epsilon: number) => {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
};

/**
 * Keras's `LayerNormalization` of inputs of any rank, where tfjs's have at most 4 axes, and with `rmsScaling`: then
 * `x * rsqrt(variance + epsilon) * gamma`, which is not what is called RMS normalization elsewhere. `gamma` and `beta`
 * have the sizes of the axes.
 *
 * @throws ModelError `MODEL_INPUT` (an axis that the input lacks or whose size is not known)
 * @source keras/src/layers/normalization/layer_normalization.py
 */
export class KerasLayerNormalization extends LayerNormalization {
  static readonly className = 'KerasLayerNormalization';
  private readonly rmsScaling: boolean;
  private readonly givenAxis: number | number[];

  constructor(args: ScaleArgs & { readonly rmsScaling?: boolean } = {}) {
    super(args);
    this.rmsScaling = args.rmsScaling ?? false;
    this.givenAxis = args.axis ?? -1;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const sizes = sizesOf(this, shape, sortedAxes(this, this.givenAxis, shape.length));
    const { gammaInitializer, gammaRegularizer, betaInitializer, betaRegularizer } = this;
    const hasGamma = this.scale || this.rmsScaling;
    this.gamma = hasGamma
      ? this.addWeight('gamma', sizes, 'float32', gammaInitializer, gammaRegularizer)
      : null;
    const hasBeta = this.center && !this.rmsScaling;
    this.beta = hasBeta ? this.addWeight('beta', sizes, 'float32', betaInitializer, betaRegularizer) : null;
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const axes = sortedAxes(this, this.givenAxis, x.rank);
      const shape = broadcastShape(x.shape, axes);
      if (!this.rmsScaling) return shifted(normalized(x, axes, this.epsilon), this, shape);
      const { variance } = tf.moments(x, axes, true);
      return shifted(tf.mul(x, tf.rsqrt(tf.add(variance, this.epsilon))), this, shape);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: this.givenAxis, rmsScaling: this.rmsScaling };
  }
}
tf.serialization.registerClass(KerasLayerNormalization);

/**
 * Keras's `GroupNormalization` (Wu and He 2018, arXiv 1803.08494): the channels of `axis` fall into `groups`, each of
 * which is normalized with all positions; -1 groups are as many as channels. `gamma` and `beta` are `[channels]`. With a
 * mask, Keras 2 leaves masked steps out of the moments; Keras 3 and this layer do not.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/normalization/group_normalization.py
 */
export class GroupNormalization extends LayerNormalization {
  static readonly className = 'GroupNormalization';
  private readonly groups: number;
  private readonly givenAxis: number;

  constructor(args: ScaleArgs & { readonly groups?: number } = {}) {
    super(args);
    const { groups = 32, axis = -1 } = args;
    if (!Number.isInteger(groups) || (groups < 1 && groups !== -1)) {
      refuseOption('GroupNormalization', 'groups', groups, 'a whole number of at least 1, or -1');
    }
    if (typeof axis !== 'number') refuseOption('GroupNormalization', 'axis', axis, 'one axis');
    this.groups = groups;
    this.givenAxis = axis;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const axes = sortedAxes(this, this.givenAxis, shape.length);
    const [channels] = sizesOf(this, shape, axes) as [number];
    if (this.groups !== -1 && channels % this.groups !== 0) {
      refuseInputs(this, `${channels} channels`, `channels that fall into ${this.groups} groups`);
    }
    const { gammaInitializer, gammaRegularizer, betaInitializer, betaRegularizer } = this;
    const add = (name: string, initializer: Initializer, regularizer: Regularizer | undefined) =>
      this.addWeight(name, [channels], 'float32', initializer, regularizer);
    this.gamma = this.scale ? add('gamma', gammaInitializer, gammaRegularizer) : null;
    this.beta = this.center ? add('beta', betaInitializer, betaRegularizer) : null;
    this.inputSpec = [new tf.InputSpec({ ndim: shape.length, axes: { [axes[0] as number]: channels } })];
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const [axis] = sortedAxes(this, this.givenAxis, x.rank) as [number];
      const channels = x.shape[axis] as number;
      const groups = this.groups === -1 ? channels : this.groups;
      const before = x.shape.slice(0, axis);
      const parts = tf.reshape(x, [...before, groups, channels / groups, ...x.shape.slice(axis + 1)]);
      const together = parts.shape.map((__, i) => i).filter((i) => i !== 0 && i !== axis);
      const y = tf.reshape(normalized(parts, together, this.epsilon), x.shape);
      return shifted(y, this, broadcastShape(x.shape, [axis]));
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups, axis: this.givenAxis };
  }
}
tf.serialization.registerClass(GroupNormalization);

interface AxesArgs extends LayerArgs {
  /** Default -1. */
  readonly axis?: number | number[];
}

/**
 * Keras's `UnitNormalization`: `x * rsqrt(max(sum(x²), 1e-12))`, the sum over the axes.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/normalization/unit_normalization.py
 */
export class UnitNormalization extends tf.layers.Layer {
  static readonly className = 'UnitNormalization';
  private readonly axis: number | number[];

  constructor(args: AxesArgs = {}) {
    super(args);
    this.axis = args.axis ?? -1;
    this.supportsMasking = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      return l2Normalized(x, sortedAxes(this, this.axis, x.rank), 1e-12);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: this.axis };
  }
}
tf.serialization.registerClass(UnitNormalization);

export function l2Normalized(x: tf.Tensor, axes: number[] | undefined, epsilon: number): tf.Tensor {
  return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), axes, true), epsilon)));
}

/**
 * Keras's `RMSNormalization` (Zhang and Sennrich 2019, arXiv 1910.07467): `x * rsqrt(mean(x²) + epsilon) * scale`;
 * `scale` has the sizes of the axes.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/normalization/rms_normalization.py
 */
export class RMSNormalization extends tf.layers.Layer {
  static readonly className = 'RMSNormalization';
  private readonly axis: number | number[];
  private readonly epsilon: number;
  private scale: tf.LayerVariable | undefined;

  constructor(args: AxesArgs & { readonly epsilon?: number } = {}) {
    super(args);
    this.axis = args.axis ?? -1;
    this.epsilon = args.epsilon ?? 1e-6;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const sizes = sizesOf(this, shape, sortedAxes(this, this.axis, shape.length));
    this.scale = this.addWeight('scale', sizes, 'float32', tf.initializers.ones());
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const axes = sortedAxes(this, this.axis, x.rank);
      const square = tf.mean(tf.square(x), axes, true);
      const scale = tf.reshape((this.scale as tf.LayerVariable).read(), broadcastShape(x.shape, axes));
      return tf.mul(tf.mul(x, tf.rsqrt(tf.add(square, this.epsilon))), scale);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: this.axis, epsilon: this.epsilon };
  }
}
tf.serialization.registerClass(RMSNormalization);
