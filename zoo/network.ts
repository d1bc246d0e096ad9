import * as tf from '@tensorflow/tfjs';
import { autoNames } from './auto-name.ts';
import type { Initialisation } from './build-options.ts';
import type { RandomKernel } from './initializers.ts';
import { kernelInitializers } from './initializers.ts';
import type { LayerArgs } from './layers/layer-inputs.ts';
import type {
  CustomScaleLayerArgs,
  GlobalPooling2DArgs,
  GroupedConv2DArgs,
  LayerScaleArgs,
  NormalizationArgs,
  OwnActivation,
  StochasticDepthArgs,
} from './layers/index.ts';
import {
  CustomScaleLayer,
  GlobalAveragePooling2DKeepDims,
  GlobalMaxPooling2DKeepDims,
  GroupedConv2D,
  LayerScale,
  Normalization,
  StochasticDepth,
} from './layers/index.ts';

type Tensor = tf.SymbolicTensor;
/** tfjs takes more in places than its types say: our activations, numbers for each channel, `null` for the batch. */
type Widened<Args> = {
  [Key in keyof Args]: Key extends 'activation'
    ? Args[Key] | OwnActivation
    : Key extends 'noiseShape'
      ? readonly (number | null)[] | undefined
      : Args[Key];
};
/** The arguments of a tfjs layer; without `name` it is named as Keras names an unnamed one. */
type Arguments<Make extends (...args: never) => unknown> = Widened<NonNullable<Parameters<Make>[0]>>;
type TfjsActivation = NonNullable<Parameters<typeof tf.layers.dense>[0]>['activation'];
interface RescalingArguments extends LayerArgs {
  /** One number, or one for each channel. */
  readonly scale: number | readonly number[];
  readonly offset?: number | readonly number[];
}
interface KeepDims {
  /** Whether the output keeps its four axes, `[batch, 1, 1, channels]`. Default false. */
  readonly keepDims?: boolean;
}
/** Arguments of a layer with a kernel: what fills it is decided by the network's initialisation. */
type KernelArguments<Make extends (...args: never) => unknown> = Omit<
  Arguments<Make>,
  'kernelInitializer' | 'depthwiseInitializer' | 'pointwiseInitializer'
> & { readonly random?: RandomKernel };
type GroupedKernelArguments = Omit<GroupedConv2DArgs, 'kernelInitializer'> & {
  readonly random?: RandomKernel;
};

/**
 * The layers of one network in the making: each method makes a layer, applies it and returns its output. Layers get
 * the names that they are given, or those that Keras 3 gives unnamed ones (`conv2d`, `conv2d_1`, ...).
 */
export type Network = ReturnType<typeof createNetwork>;

export function createNetwork(initialisation: Initialisation) {
  const nameOf = autoNames();
  const kernel = kernelInitializers(initialisation);
  const apply = (layer: tf.layers.Layer, x: Tensor | Tensor[]) => layer.apply(x) as Tensor;
  /** A method for a layer without kernel. */
  const plain =
    <Make extends (args: never) => tf.layers.Layer>(make: Make, kind: string) =>
    (x: Tensor | Tensor[], args?: Arguments<Make>): Tensor => {
      const name = (args as { name?: string } | undefined)?.name ?? nameOf(kind);
      return apply(make({ ...(args as object | undefined), name } as never), x);
    };

  return {
    /** The next free name of a kind, for layers that have no method here. */
    nameOf,
    /** The next kernel initializer, for layers that have no method here. */
    kernel,
    apply,
    conv2d: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.conv2d>) =>
      apply(
        tf.layers.conv2d({
          ...args,
          activation: args.activation as TfjsActivation,
          name: args.name ?? nameOf('conv2d'),
          kernelInitializer: kernel(random),
        }),
        x,
      ),
    depthwiseConv2d: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.depthwiseConv2d>) =>
      apply(
        tf.layers.depthwiseConv2d({
          ...args,
          activation: args.activation as TfjsActivation,
          name: args.name ?? nameOf('depthwise_conv2d'),
          depthwiseInitializer: kernel(random),
        }),
        x,
      ),
    separableConv2d: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.separableConv2d>) =>
      apply(
        tf.layers.separableConv2d({
          ...args,
          activation: args.activation as TfjsActivation,
          name: args.name ?? nameOf('separable_conv2d'),
          depthwiseInitializer: kernel(random),
          pointwiseInitializer: kernel(random),
        }),
        x,
      ),
    dense: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.dense>) =>
      apply(
        tf.layers.dense({
          ...args,
          activation: args.activation as TfjsActivation,
          name: args.name ?? nameOf('dense'),
          kernelInitializer: kernel(random),
        }),
        x,
      ),
    /** Keras's Conv2D with `groups`, counted among its `conv2d`. */
    groupedConv2d: (x: Tensor, { random, ...args }: GroupedKernelArguments) =>
      apply(
        new GroupedConv2D({
          ...args,
          name: args.name ?? nameOf('conv2d'),
          kernelInitializer: kernel(random),
        }),
        x,
      ),
    normalization: plain((args: NormalizationArgs) => new Normalization(args), 'normalization'),
    layerScale: plain((args: LayerScaleArgs) => new LayerScale(args), 'layer_scale'),
    stochasticDepth: plain((args: StochasticDepthArgs) => new StochasticDepth(args), 'stochastic_depth'),
    /** Of `[shortcut, residual]`: `shortcut + residual * scale`. */
    customScale: plain((args: CustomScaleLayerArgs) => new CustomScaleLayer(args), 'custom_scale_layer'),
    batchNormalization: plain(tf.layers.batchNormalization, 'batch_normalization'),
    layerNormalization: plain(tf.layers.layerNormalization, 'layer_normalization'),
    activation: plain(tf.layers.activation, 'activation'),
    relu: plain(tf.layers.reLU, 're_lu'),
    dropout: plain(tf.layers.dropout, 'dropout'),
    rescaling: plain(
      (args: RescalingArguments) => tf.layers.rescaling(args as Parameters<typeof tf.layers.rescaling>[0]),
      'rescaling',
    ),
    zeroPadding2d: plain(tf.layers.zeroPadding2d, 'zero_padding2d'),
    cropping2d: plain(tf.layers.cropping2D, 'cropping2d'),
    maxPooling2d: plain(tf.layers.maxPooling2d, 'max_pooling2d'),
    averagePooling2d: plain(tf.layers.averagePooling2d, 'average_pooling2d'),
    globalAveragePooling2d: plain(
      ({ keepDims = false, ...args }: GlobalPooling2DArgs & KeepDims) =>
        keepDims ? new GlobalAveragePooling2DKeepDims(args) : tf.layers.globalAveragePooling2d(args),
      'global_average_pooling2d',
    ),
    globalMaxPooling2d: plain(
      ({ keepDims = false, ...args }: GlobalPooling2DArgs & KeepDims) =>
        keepDims ? new GlobalMaxPooling2DKeepDims(args) : tf.layers.globalMaxPooling2d(args),
      'global_max_pooling2d',
    ),
    reshape: plain(tf.layers.reshape, 'reshape'),
    flatten: plain(tf.layers.flatten, 'flatten'),
    add: plain(tf.layers.add, 'add'),
    multiply: plain(tf.layers.multiply, 'multiply'),
    concatenate: plain(tf.layers.concatenate, 'concatenate'),
  };
}

/** What a network without top ends with: the feature map as it is, or pooled to a vector; Keras names the layer or not. */
export function pooled(
  network: Network,
  x: Tensor,
  pooling: 'avg' | 'max' | null,
  { named }: { readonly named: boolean },
): Tensor {
  if (pooling === null) return x;
  const args = named ? { name: `${pooling}_pool` } : undefined;
  return pooling === 'avg' ? network.globalAveragePooling2d(x, args) : network.globalMaxPooling2d(x, args);
}
