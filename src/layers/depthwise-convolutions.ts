import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape } from '../../zoo/layers/layer-inputs.ts';
import type { AddWeight, ConvolutionArgs, ConvolutionLayer } from './convolution-support.ts';
import {
  addBias,
  channelsOf,
  convolved,
  convolvedLength,
  dilated,
  inputSpecOf,
  outputShapeOf,
  pair,
} from './convolution-support.ts';
import type { Constraint, Initializer, Regularizer } from './tfjs-classes.ts';
import { each, tfjsClass } from './tfjs-classes.ts';

interface DepthwiseLayer extends ConvolutionLayer {
  readonly depthMultiplier: number;
  readonly depthwiseInitializer: Initializer;
  readonly depthwiseRegularizer: Regularizer | undefined;
  readonly depthwiseConstraint: Constraint | undefined;
  depthwiseKernel: tf.LayerVariable | null;
}
interface SeparableLayer extends DepthwiseLayer {
  readonly pointwiseInitializer: Initializer;
  readonly pointwiseRegularizer: Regularizer | undefined;
  readonly pointwiseConstraint: Constraint | undefined;
  pointwiseKernel: tf.LayerVariable | null;
}
type DepthwiseArgs = Omit<ConvolutionArgs, 'filters'> & { readonly depthMultiplier?: number };
type SeparableArgs = ConvolutionArgs & { readonly depthMultiplier?: number };

const DepthwiseConv2D = tfjsClass<DepthwiseLayer, DepthwiseArgs>('DepthwiseConv2D');
const SeparableConv2D = tfjsClass<SeparableLayer, SeparableArgs>('SeparableConv2D');

/** The depthwise part, of pictures with the channels last; a 1D layer's kernel is one row. */
function depthwise(layer: DepthwiseLayer, x: tf.Tensor, kwargs: CallArguments): tf.Tensor {
  const given = (layer.depthwiseKernel as tf.LayerVariable).read();
  const kernel = given.rank === 3 ? tf.expandDims(given, 0) : given;
  const training = kwargs.training === true;
  return tf.depthwiseConv2d(
    x as tf.Tensor4D,
    (training ? dilated(kernel, layer.dilationRate) : kernel) as tf.Tensor4D,
    pair(layer.strides),
    layer.padding === 'same' ? 'same' : 'valid',
    'NHWC',
    training ? [1, 1] : pair(layer.dilationRate),
  );
}

function pointwise(layer: SeparableLayer, x: tf.Tensor): tf.Tensor {
  const given = (layer.pointwiseKernel as tf.LayerVariable).read();
  const kernel = (given.rank === 3 ? tf.expandDims(given, 0) : given) as tf.Tensor4D;
  return tf.conv2d(x as tf.Tensor4D, kernel, 1, 'valid');
}

/** Rows and columns of the output for a layer whose numbers are all pairs. */
function outputShape(layer: DepthwiseLayer, shape: Shape, channels: number | null): Shape {
  const { kernelSize, padding, strides, dilationRate } = layer;
  // A 1D layer has pairs too, of which the second is its own.
  const skip = kernelSize.length - (shape.length - 2);
  return outputShapeOf(shape, layer.dataFormat, channels, (length, i) => {
    const at = i + skip;
    return convolvedLength(length, kernelSize[at]!, padding, strides[at]!, dilationRate[at]!);
  });
}

/** Keras 2 writes arguments that its separable layers do not use, and tfjs's refuse. */
function withoutKernel(args: SeparableArgs): SeparableArgs {
  const unused = { kernelInitializer: undefined, kernelRegularizer: undefined, kernelConstraint: undefined };
  return { ...args, ...unused };
}

/** The numbers of a layer of pictures, from those of a 1D layer. */
function rowArgs<Args extends DepthwiseArgs>(args: Args): Args {
  return {
    ...args,
    kernelSize: [1, ...each(args.kernelSize, 1)],
    strides: [1, ...each(args.strides ?? 1, 1)],
    dilationRate: [1, ...each(args.dilationRate ?? 1, 1)],
    // tfjs's separable layer refuses "causal", which stands apart here.
    padding: args.padding === 'causal' ? 'valid' : args.padding,
  };
}

function rowConfig(layer: DepthwiseLayer): tf.serialization.ConfigDict {
  const { kernelSize, strides, dilationRate } = layer;
  return { kernelSize: kernelSize.slice(1), strides: strides.slice(1), dilationRate: dilationRate.slice(1) };
}

/**
 * Keras's `DepthwiseConv2D` with a dilation, which tfjs's ignores: kernel `[rows, columns, channels, multiplier]`, bias
 * `[channels * multiplier]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_depthwise_conv.py
 */
export class KerasDepthwiseConv2D extends DepthwiseConv2D {
  static readonly className: string = 'KerasDepthwiseConv2D';

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) => depthwise(this, x, kwargs));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    return outputShape(this, shape, channelsOf(this, shape, shape.length) * this.depthMultiplier);
  }

  /** tfjs writes the regulariser where the constraint belongs. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), depthwiseConstraint: null };
  }
}
tf.serialization.registerClass(KerasDepthwiseConv2D);

/**
 * Keras's `DepthwiseConv1D`: kernel `[size, channels, multiplier]`, bias `[channels * multiplier]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_depthwise_conv.py
 */
export class DepthwiseConv1D extends KerasDepthwiseConv2D {
  static override readonly className = 'DepthwiseConv1D';

  constructor(args: DepthwiseArgs) {
    super(rowArgs(args));
    this.inputSpec = [new tf.InputSpec({ ndim: 3 })];
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = channelsOf(this, inputShape, 3);
    addDepthwise(this, channels, (...args) => this.addWeight(...args));
    addBias(this, channels * this.depthMultiplier, (...args) => this.addWeight(...args));
    this.inputSpec = inputSpecOf(this, 3, channels);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) => tf.squeeze(depthwise(this, tf.expandDims(x, 1), kwargs), [1]));
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...rowConfig(this) };
  }
}
tf.serialization.registerClass(DepthwiseConv1D);

/**
 * Keras's `SeparableConv2D` with `dataFormat: 'channelsFirst'`, where tfjs adds the bias along another axis: kernels
 * `[rows, columns, channels, multiplier]` and `[1, 1, channels * multiplier, filters]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_separable_conv.py
 */
export class KerasSeparableConv2D extends SeparableConv2D {
  static readonly className: string = 'KerasSeparableConv2D';

  constructor(args: SeparableArgs) {
    super(withoutKernel(args));
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) => pointwise(this, depthwise(this, x, kwargs)));
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), depthMultiplier: this.depthMultiplier };
  }
}
tf.serialization.registerClass(KerasSeparableConv2D);

/**
 * Keras's `SeparableConv1D`: kernels `[size, channels, multiplier]` and `[1, channels * multiplier, filters]`, bias
 * `[filters]`. Keras 2 has `padding: 'causal'` too.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_separable_conv.py
 */
export class SeparableConv1D extends KerasSeparableConv2D {
  static override readonly className = 'SeparableConv1D';
  private readonly causal: boolean;

  constructor(args: SeparableArgs) {
    super(rowArgs(args));
    this.causal = args.padding === 'causal';
    this.inputSpec = [new tf.InputSpec({ ndim: 3 })];
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = channelsOf(this, inputShape, 3);
    addDepthwise(this, channels, (...args) => this.addWeight(...args));
    this.pointwiseKernel = this.addWeight(
      'pointwise_kernel',
      [1, channels * this.depthMultiplier, this.filters],
      'float32',
      this.pointwiseInitializer,
      this.pointwiseRegularizer,
      true,
      this.pointwiseConstraint,
    );
    addBias(this, this.filters, (...args) => this.addWeight(...args));
    this.inputSpec = inputSpecOf(this, 3, channels);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) => {
        const before = this.causal ? (this.kernelSize[1]! - 1) * this.dilationRate[1]! : 0;
        const padded = before === 0 ? x : tf.pad(x, [[0, 0], [before, 0], [0, 0]]); // prettier-ignore
        return tf.squeeze(pointwise(this, depthwise(this, tf.expandDims(padded, 1), kwargs)), [1]);
      });
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    if (!this.causal) return outputShape(this, shape, this.filters);
    return outputShapeOf(shape, this.dataFormat, this.filters, (length) =>
      Math.ceil(length / this.strides[1]!),
    );
  }

  override getConfig(): tf.serialization.ConfigDict {
    const padding = this.causal ? 'causal' : this.padding;
    return { ...super.getConfig(), ...rowConfig(this), padding };
  }
}
tf.serialization.registerClass(SeparableConv1D);

function addDepthwise(layer: DepthwiseLayer, channels: number, addWeight: AddWeight): void {
  layer.depthwiseKernel = addWeight(
    'depthwise_kernel',
    [...layer.kernelSize.slice(1), channels, layer.depthMultiplier],
    'float32',
    layer.depthwiseInitializer,
    layer.depthwiseRegularizer,
    true,
    layer.depthwiseConstraint,
  );
}
