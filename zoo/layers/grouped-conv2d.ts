import * as tf from '@tensorflow/tfjs';
import type { OwnActivation } from './activations.ts';
import type { CallArguments, Shape } from './layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from './layer-inputs.ts';

type Conv2DArgs = Parameters<typeof tf.layers.conv2d>[0];
type Initializer = ReturnType<typeof tf.initializers.zeros>;
type Regularizer = ReturnType<typeof tf.regularizers.l2>;
type Constraint = ReturnType<typeof tf.constraints.nonNeg>;
type Pair = [number, number];

/** What tfjs's Conv2D makes of its arguments. Its own type is not among tfjs's public ones. */
interface Conv2DLayer extends tf.layers.Layer {
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: 'valid' | 'same';
  readonly dataFormat: 'channelsFirst' | 'channelsLast';
  readonly dilationRate: Pair;
  readonly activation: { apply(x: tf.Tensor): tf.Tensor };
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | undefined;
  readonly kernelConstraint: Constraint | undefined;
  readonly biasInitializer: Initializer;
  readonly biasRegularizer: Regularizer | undefined;
  readonly biasConstraint: Constraint | undefined;
  kernel: tf.LayerVariable | null;
  bias: tf.LayerVariable | null;
}
interface Conv2DConstructor {
  new (args: GroupedConv2DArgs): Conv2DLayer;
  readonly fromConfig: typeof tf.serialization.Serializable.fromConfig;
}

/** tfjs exports the class under no name, but registers it: a subclass has its initialisers, regularisers and so on. */
const Conv2D = tf.serialization.SerializationMap.getMap().classNameMap
  .Conv2D?.[0] as unknown as Conv2DConstructor;

export type GroupedConv2DArgs = Omit<Conv2DArgs, 'activation'> & {
  readonly activation?: Conv2DArgs['activation'] | OwnActivation;
  /** Channels and filters fall into so many groups; each group of filters sees its group of channels. Default 1. */
  readonly groups?: number;
};

/**
 * Keras's `Conv2D` with `groups`: kernel `[rows, columns, channels / groups, filters]`, bias `[filters]`. Input and
 * output as for tfjs's `conv2d`, whose other arguments it takes too.
 *
 * One group for each channel runs as a depthwise convolution, other groups one after the other. Gradients need a
 * `dilationRate` of 1, as in all of tfjs's convolutions.
 *
 * @throws ModelError `MODEL_OPTION` (groups that do not divide the filters), `MODEL_INPUT` (or the channels)
 * @source keras/src/layers/convolutional/base_conv.py
 */
export class GroupedConv2D extends Conv2D {
  static readonly className = 'GroupedConv2D';
  private readonly groups: number;

  constructor(args: GroupedConv2DArgs) {
    super(args);
    const { groups = 1 } = args;
    if (!Number.isInteger(groups) || groups < 1 || args.filters % groups !== 0) {
      const expected = `a whole number that divides the ${args.filters} filters`;
      refuseOption('GroupedConv2D', 'groups', groups, expected);
    }
    this.groups = groups;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const axis = this.dataFormat === 'channelsFirst' ? 1 : 3;
    const channels = shape[axis] ?? null;
    if (shape.length !== 4 || channels === null || channels % this.groups !== 0) {
      const expected = `4 axes and channels that fall into ${this.groups} groups`;
      refuseInputs(this, JSON.stringify(shape), expected);
    }
    const { kernelInitializer, kernelRegularizer, kernelConstraint } = this;
    const kernelShape = [...this.kernelSize, channels / this.groups, this.filters];
    this.kernel = this.addWeight(
      'kernel',
      kernelShape,
      'float32',
      kernelInitializer,
      kernelRegularizer,
      true,
      kernelConstraint,
    );
    if (this.useBias) {
      const { biasInitializer, biasRegularizer, biasConstraint } = this;
      this.bias = this.addWeight(
        'bias',
        [this.filters],
        'float32',
        biasInitializer,
        biasRegularizer,
        true,
        biasConstraint,
      );
    }
    this.inputSpec = [new tf.InputSpec({ ndim: 4, axes: { [axis]: channels } })];
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const channelsFirst = this.dataFormat === 'channelsFirst';
      const given = oneTensor(this, inputs);
      const x = (channelsFirst ? tf.transpose(given, [0, 2, 3, 1]) : given) as tf.Tensor4D;
      let y: tf.Tensor = this.convolve(x, (this.kernel as tf.LayerVariable).read() as tf.Tensor4D);
      if (this.bias !== null) y = tf.add(y, this.bias.read());
      if (channelsFirst) y = tf.transpose(y, [0, 3, 1, 2]);
      return this.activation.apply(y);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups };
  }

  private convolve(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
    const { groups, strides, padding, dilationRate } = this;
    const channels = x.shape[3];
    const [rows, columns, , filters] = kernel.shape;
    if (groups === channels) {
      // Filter c * m + j of the grouped kernel is filter j of channel c of the depthwise one: the same memory.
      const depthwise: tf.Tensor4D = tf.reshape(kernel, [rows, columns, channels, filters / channels]);
      return tf.depthwiseConv2d(x, depthwise, strides, padding, 'NHWC', dilationRate);
    }
    const convolve = (input: tf.Tensor4D, filter: tf.Tensor4D) =>
      tf.conv2d(input, filter, strides, padding, 'NHWC', dilationRate);
    if (groups === 1) return convolve(x, kernel);
    const kernels = tf.split<tf.Tensor4D>(kernel, groups, 3);
    const parts = tf
      .split<tf.Tensor4D>(x, groups, 3)
      .map((part, group) => convolve(part, kernels[group] as tf.Tensor4D));
    return tf.concat(parts, 3);
  }
}
tf.serialization.registerClass(GroupedConv2D);
