import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape } from '../../zoo/layers/layer-inputs.ts';
import type { ConvolutionArgs, ConvolutionLayer } from './convolution-support.ts';
import {
  addBias,
  channelsOf,
  convolved,
  dilated,
  inputSpecOf,
  outputShapeOf,
  pair,
} from './convolution-support.ts';
import type { Constraint, Initializer, Regularizer, TfjsClass } from './tfjs-classes.ts';
import { each, tfjsClass } from './tfjs-classes.ts';

interface KernelLayer extends ConvolutionLayer {
  readonly kernelInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | undefined;
  readonly kernelConstraint: Constraint | undefined;
}
interface TransposedLayer extends KernelLayer {
  readonly outputPadding: readonly number[] | null;
}

/** @source keras/src/backend/common/backend_utils.py */
function transposedLength(layer: TransposedLayer, length: number, axis: number): number {
  const stride = layer.strides[axis]!;
  const kernel = (layer.kernelSize[axis]! - 1) * layer.dilationRate[axis]! + 1;
  const extra = layer.outputPadding?.[axis];
  const same = layer.padding === 'same';
  if (extra === undefined) return length * stride + (same ? 0 : Math.max(kernel - stride, 0));
  return (length - 1) * stride + kernel - (same ? 2 * Math.floor(kernel / 2) : 0) + extra;
}

/** Of pictures or volumes with the channels last; kernel `(...space, filters, channels)`. */
function transposed(layer: TransposedLayer, x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
  const [batch, ...rest] = x.shape as [number, ...number[]];
  const sizes = rest.slice(0, -1).map((length, axis) => transposedLength(layer, length, axis));
  const spread = dilated(kernel, layer.dilationRate);
  const padding = layer.padding === 'same' ? 'same' : 'valid';
  if (x.rank === 5) return transposedVolume(layer, x, spread, sizes);
  const shape: [number, number, number, number] = [batch, ...pair(sizes), layer.filters];
  return tf.conv2dTranspose(x as tf.Tensor4D, spread as tf.Tensor4D, shape, pair(layer.strides), padding);
}

/**
 * As a convolution of the input with zeros in between: tfjs's transposed one of volumes has no gradients, and the WASM
 * backend's another result where the output is padded.
 */
function transposedVolume(
  layer: TransposedLayer,
  x: tf.Tensor,
  kernel: tf.Tensor,
  sizes: number[],
): tf.Tensor {
  const { strides } = layer;
  const spaced = dilated(tf.transpose(x, [1, 2, 3, 0, 4]), strides);
  const padding = sizes.map((size, axis): [number, number] => {
    const length = spaced.shape[axis] as number;
    const width = kernel.shape[axis] as number;
    const cut = layer.padding === 'same' ? Math.max(length - 1 + width - size, 0) : 0;
    const before = width - 1 - Math.floor(cut / 2);
    return [before, size + width - 1 - before - length];
  });
  const padded = tf.pad(tf.transpose(spaced, [3, 0, 1, 2, 4]), [[0, 0], ...padding, [0, 0]]);
  const turned = tf.transpose(tf.reverse(kernel, [0, 1, 2]), [0, 1, 2, 4, 3]);
  return tf.conv3d(padded as tf.Tensor5D, turned as tf.Tensor5D, 1, 'valid');
}

const paddingOf = (value: ConvolutionArgs['outputPadding'], count: number): number[] | null =>
  value === null || value === undefined ? null : each(value, count);

/** tfjs's transposed convolutions of pictures and of volumes, with the two options that they lack. */
function withOutputPadding(
  parent: 'Conv2DTranspose' | 'Conv3DTranspose',
  axes: number,
): TfjsClass<TransposedLayer, ConvolutionArgs> {
  const Transposed = tfjsClass<KernelLayer, ConvolutionArgs>(parent);
  return class extends Transposed implements TransposedLayer {
    readonly outputPadding: number[] | null;

    constructor(args: ConvolutionArgs) {
      super(args);
      this.outputPadding = paddingOf(args.outputPadding, axes);
    }

    override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
      return tf.tidy(() => {
        this.invokeCallHook(inputs, kwargs);
        return convolved(this, inputs, (x) => transposed(this, x, (this.kernel as tf.LayerVariable).read()));
      });
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      return outputShapeOf(oneShape(this, inputShape), this.dataFormat, this.filters, (length, axis) =>
        transposedLength(this, length, axis),
      );
    }

    override getConfig(): tf.serialization.ConfigDict {
      return { ...super.getConfig(), dilationRate: this.dilationRate, outputPadding: this.outputPadding };
    }
  };
}

/**
 * Keras's `Conv2DTranspose` with `outputPadding` and `dilationRate`, which tfjs's lacks: kernel
 * `[rows, columns, filters, channels]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_conv_transpose.py
 */
export class KerasConv2DTranspose extends withOutputPadding('Conv2DTranspose', 2) {
  static readonly className: string = 'KerasConv2DTranspose';
}
tf.serialization.registerClass(KerasConv2DTranspose);

/**
 * Keras's `Conv1DTranspose`: kernel `[size, filters, channels]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_conv_transpose.py
 */
export class Conv1DTranspose extends KerasConv2DTranspose {
  static override readonly className = 'Conv1DTranspose';

  constructor(args: ConvolutionArgs) {
    const padding = paddingOf(args.outputPadding, 1);
    super({
      ...args,
      kernelSize: [1, ...each(args.kernelSize, 1)],
      strides: [1, ...each(args.strides ?? 1, 1)],
      dilationRate: [1, ...each(args.dilationRate ?? 1, 1)],
      outputPadding: padding === null ? null : [0, ...padding],
    });
    this.inputSpec = [new tf.InputSpec({ ndim: 3 })];
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = channelsOf(this, inputShape, 3);
    const { kernelInitializer, kernelRegularizer, kernelConstraint } = this;
    this.kernel = this.addWeight(
      'kernel',
      [...this.kernelSize.slice(1), this.filters, channels],
      'float32',
      kernelInitializer,
      kernelRegularizer,
      true,
      kernelConstraint,
    );
    addBias(this, this.filters, (...args) => this.addWeight(...args));
    this.inputSpec = inputSpecOf(this, 3, channels);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const kernel = (this.kernel as tf.LayerVariable).read();
      return convolved(this, inputs, (x) =>
        tf.squeeze(transposed(this, tf.expandDims(x, 1), tf.expandDims(kernel, 0)), [1]),
      );
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return outputShapeOf(oneShape(this, inputShape), this.dataFormat, this.filters, (length) =>
      transposedLength(this, length, 1),
    );
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { kernelSize, strides, dilationRate, outputPadding } = this;
    return {
      ...super.getConfig(),
      kernelSize: kernelSize.slice(1),
      strides: strides.slice(1),
      dilationRate: dilationRate.slice(1),
      outputPadding: outputPadding?.slice(1) ?? null,
    };
  }
}
tf.serialization.registerClass(Conv1DTranspose);

/**
 * Keras's `Conv3DTranspose` with `outputPadding` and `dilationRate`, which tfjs's lacks: kernel
 * `[depth, rows, columns, filters, channels]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/convolutional/base_conv_transpose.py
 */
export class KerasConv3DTranspose extends withOutputPadding('Conv3DTranspose', 3) {
  static readonly className = 'KerasConv3DTranspose';
}
tf.serialization.registerClass(KerasConv3DTranspose);
