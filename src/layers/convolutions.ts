import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import type { ConvolutionArgs, ConvolutionLayer } from './convolution-support.ts';
import {
  channelsOf,
  checkGroups,
  convolved,
  convolvedLength,
  groupedConvolution,
  inputSpecOf,
  outputShapeOf,
} from './convolution-support.ts';
import { tfjsClass } from './tfjs-classes.ts';

const Conv1D = tfjsClass<ConvolutionLayer, ConvolutionArgs>('Conv1D');
const Conv3D = tfjsClass<ConvolutionLayer, ConvolutionArgs>('Conv3D');

/** The layer is built for the channels of one group, and takes those of all. */
function buildGroups(
  layer: ConvolutionLayer & { readonly groups: number },
  inputShape: Shape | Shape[],
  rank: number,
  build: (shape: Shape) => void,
): void {
  const channels = channelsOf(layer, inputShape, rank);
  if (channels % layer.groups !== 0) {
    refuseInputs(layer, `${channels} channels`, `channels that fall into ${layer.groups} groups`);
  }
  const group = channels / layer.groups;
  build(outputShapeOf(oneShape(layer, inputShape), layer.dataFormat, group, (size) => size));
  layer.inputSpec = inputSpecOf(layer, rank, channels);
}

/**
 * Keras's `Conv1D` with what tfjs's lacks: `groups`, `padding: 'causal'` (no output sees a later input) and
 * `dataFormat: 'channelsFirst'`. Kernel `[size, channels / groups, filters]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_OPTION` (groups that do not divide the filters), `MODEL_INPUT` (or the channels)
 * @source keras/src/layers/convolutional/base_conv.py
 */
export class KerasConv1D extends Conv1D {
  static readonly className = 'KerasConv1D';
  readonly groups: number;

  constructor(args: ConvolutionArgs) {
    super(args);
    this.groups = checkGroups('KerasConv1D', args.groups, args.filters);
  }

  override build(inputShape: Shape | Shape[]): void {
    buildGroups(this, inputShape, 3, (shape) => super.build(shape));
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) => {
        const [size] = this.kernelSize as [number];
        const [dilation] = this.dilationRate as [number];
        const causal = this.padding === 'causal';
        const before = causal ? (size - 1) * dilation : 0;
        const padded = before === 0 ? x : tf.pad(x, [[0, 0], [before, 0], [0, 0]]); // prettier-ignore
        const kernel = (this.kernel as tf.LayerVariable).read();
        const y = groupedConvolution(tf.expandDims(padded, 1), tf.expandDims(kernel, 0), {
          strides: [1, ...this.strides],
          padding: this.padding === 'same' ? 'same' : 'valid',
          dilations: [1, dilation],
          groups: this.groups,
          training: kwargs.training === true,
        });
        return tf.squeeze(y, [1]);
      });
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const { kernelSize, padding, strides, dilationRate } = this;
    return outputShapeOf(oneShape(this, inputShape), this.dataFormat, this.filters, (length) =>
      convolvedLength(length, kernelSize[0]!, padding, strides[0]!, dilationRate[0]!),
    );
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups, dataFormat: this.dataFormat };
  }
}
tf.serialization.registerClass(KerasConv1D);

/**
 * Keras's `Conv3D` with `groups`: kernel `[depth, rows, columns, channels / groups, filters]`, bias `[filters]`.
 *
 * @throws ModelError `MODEL_OPTION` (groups that do not divide the filters), `MODEL_INPUT` (or the channels)
 * @source keras/src/layers/convolutional/base_conv.py
 */
export class KerasConv3D extends Conv3D {
  static readonly className = 'KerasConv3D';
  readonly groups: number;

  constructor(args: ConvolutionArgs) {
    super(args);
    this.groups = checkGroups('KerasConv3D', args.groups, args.filters);
  }

  override build(inputShape: Shape | Shape[]): void {
    buildGroups(this, inputShape, 5, (shape) => super.build(shape));
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return convolved(this, inputs, (x) =>
        groupedConvolution(x, (this.kernel as tf.LayerVariable).read(), {
          strides: this.strides,
          padding: this.padding === 'same' ? 'same' : 'valid',
          dilations: this.dilationRate,
          groups: this.groups,
          training: kwargs.training === true,
        }),
      );
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups };
  }
}
tf.serialization.registerClass(KerasConv3D);
