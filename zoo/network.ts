import * as tf from '@tensorflow/tfjs';
import { autoNames } from './auto-name.ts';
import type { Initialisation } from './build-options.ts';
import type { RandomKernel } from './initializers.ts';
import { kernelInitializers } from './initializers.ts';

type Tensor = tf.SymbolicTensor;
/** The arguments of a tfjs layer; without `name` it is named as Keras names an unnamed one. */
type Arguments<Make extends (...args: never) => unknown> = NonNullable<Parameters<Make>[0]>;
/** Arguments of a layer with a kernel: what fills it is decided by the network's initialisation. */
type KernelArguments<Make extends (...args: never) => unknown> = Omit<
  Arguments<Make>,
  'kernelInitializer' | 'depthwiseInitializer' | 'pointwiseInitializer'
> & { readonly random?: RandomKernel };

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
          name: args.name ?? nameOf('conv2d'),
          kernelInitializer: kernel(random),
        }),
        x,
      ),
    depthwiseConv2d: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.depthwiseConv2d>) =>
      apply(
        tf.layers.depthwiseConv2d({
          ...args,
          name: args.name ?? nameOf('depthwise_conv2d'),
          depthwiseInitializer: kernel(random),
        }),
        x,
      ),
    separableConv2d: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.separableConv2d>) =>
      apply(
        tf.layers.separableConv2d({
          ...args,
          name: args.name ?? nameOf('separable_conv2d'),
          depthwiseInitializer: kernel(random),
          pointwiseInitializer: kernel(random),
        }),
        x,
      ),
    dense: (x: Tensor, { random, ...args }: KernelArguments<typeof tf.layers.dense>) =>
      apply(
        tf.layers.dense({ ...args, name: args.name ?? nameOf('dense'), kernelInitializer: kernel(random) }),
        x,
      ),
    batchNormalization: plain(tf.layers.batchNormalization, 'batch_normalization'),
    layerNormalization: plain(tf.layers.layerNormalization, 'layer_normalization'),
    activation: plain(tf.layers.activation, 'activation'),
    relu: plain(tf.layers.reLU, 're_lu'),
    dropout: plain(tf.layers.dropout, 'dropout'),
    rescaling: plain(tf.layers.rescaling, 'rescaling'),
    zeroPadding2d: plain(tf.layers.zeroPadding2d, 'zero_padding2d'),
    cropping2d: plain(tf.layers.cropping2D, 'cropping2d'),
    maxPooling2d: plain(tf.layers.maxPooling2d, 'max_pooling2d'),
    averagePooling2d: plain(tf.layers.averagePooling2d, 'average_pooling2d'),
    globalAveragePooling2d: plain(tf.layers.globalAveragePooling2d, 'global_average_pooling2d'),
    globalMaxPooling2d: plain(tf.layers.globalMaxPooling2d, 'global_max_pooling2d'),
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
