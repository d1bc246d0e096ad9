import * as tf from '@tensorflow/tfjs';
import { channelAxes } from '../base/channel-axes.ts';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { Wrapper, type WrapperArgs } from './wrapper.ts';

interface Levels {
  readonly weight: tf.LayerVariable;
  readonly scale: tf.LayerVariable;
  readonly minimum: tf.LayerVariable;
  readonly shape: readonly number[];
}

const nameOf = (weight: tf.LayerVariable) => weight.originalName.split('/').at(-1) as string;

/**
 * A layer whose kernels come from a file as levels, 0 to 255 or to 65535, with a scale and a minimum for each output
 * channel: `kernel = level * kernel_scale + kernel_minimum`. At the first call they become the kernel, in place; from
 * then on the layer is, in name, config and weights, the layer inside.
 *
 * Weights before: those of the layer, then for each kernel (`kernel`, `depthwise_kernel`, `pointwise_kernel`,
 * `embeddings`) `<kernel>_scale` and `<kernel>_minimum` `[channels]`, in the order of the kernels; none of these is
 * trained. The channels of a kernel are its last axis; of transposed convolutions the one before it; of depthwise ones
 * both, row by row; an embedding's are its features.
 *
 * @throws ModelError `MODEL_OPTION` (a layer without kernels)
 */
export class ChannelScaled extends Wrapper {
  static readonly className: string = 'ChannelScaled';
  private levels: readonly Levels[] | undefined;
  private expanded = false;

  constructor(args: WrapperArgs) {
    super(args);
    // tfjs finds a model's weights and layers by name, which is one and the same.
    this.layer.name = this.name;
  }

  override build(inputShape: Shape | Shape[]): void {
    this.buildInner(inputShape);
    const className = this.layer.getClassName();
    this.levels = this.layer.weights.flatMap((weight) => {
      const name = nameOf(weight);
      const sizes = weight.shape as number[];
      const axes = channelAxes(className, name, sizes.length);
      if (axes === undefined) return [];
      const channels = axes.reduce((product, axis) => product * (sizes[axis] as number), 1);
      const add = (what: string, initializer: 'ones' | 'zeros') =>
        this.addWeight(
          `${name}_${what}`,
          [channels],
          'float32',
          tf.initializers[initializer](),
          undefined,
          false,
        );
      const shape = sizes.map((size, axis) => (axes.includes(axis) ? size : 1));
      return [{ weight, scale: add('scale', 'ones'), minimum: add('minimum', 'zeros'), shape }];
    });
    if (this.levels.length === 0) {
      const expected = 'a layer with a kernel or embeddings';
      refuseOption('ChannelScaled', 'layer', className, expected);
    }
    this.built = true;
  }

  /** Makes the kernels of their levels; does nothing the second time. */
  expand(): void {
    if (this.expanded) return;
    this.expanded = true;
    for (const { weight, scale, minimum, shape } of this.levels ?? []) {
      tf.tidy(() => {
        const spread = (value: tf.LayerVariable) => tf.reshape(value.read(), [...shape]);
        weight.write(tf.add(tf.mul(weight.read(), spread(scale)), spread(minimum)));
      });
      scale.dispose();
      minimum.dispose();
    }
    this.levels = [];
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    this.expand();
    return this.layer.call(inputs, kwargs);
  }

  override get nonTrainableWeights(): tf.LayerVariable[] {
    const own = this.levels?.flatMap(({ scale, minimum }) => [scale, minimum]) ?? [];
    return [...super.nonTrainableWeights, ...own];
  }

  override getClassName(): string {
    return this.expanded ? this.layer.getClassName() : ChannelScaled.className;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return this.expanded ? { ...this.layer.getConfig(), name: this.name } : super.getConfig();
  }
}
tf.serialization.registerClass(ChannelScaled);

/** Makes the kernels of all layers of a model that still has levels, nested ones too, before it is called. */
export function expandChannels(model: { readonly layers: readonly tf.layers.Layer[] }): void {
  for (const layer of model.layers) {
    if (layer instanceof ChannelScaled) layer.expand();
    else if ('layers' in layer) expandChannels(layer as unknown as tf.LayersModel);
  }
}
