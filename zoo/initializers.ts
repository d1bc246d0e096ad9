import * as tf from '@tensorflow/tfjs';
import type { Initialisation } from './build-options.ts';

type Initializer = Parameters<typeof tf.layers.dense>[0]['kernelInitializer'];

/** How a network fills a kernel where it is not glorotUniform; `seed` is another one for each layer. */
export type RandomKernel = (seed: number | undefined) => Initializer;

/**
 * The kernel initializers of one network, one call for each layer that has a kernel: with a seed every layer gets
 * other numbers, and the same ones each time the network is built. `zeros` wins over what the network would draw.
 */
export function kernelInitializers({ kernel, seed }: Initialisation) {
  let layerNumber = 0;
  return (random?: RandomKernel): Initializer => {
    const own = seed === undefined ? undefined : seed + layerNumber;
    layerNumber++;
    if (kernel === 'zeros') return 'zeros';
    if (random !== undefined) return random(own);
    return own === undefined ? 'glorotUniform' : tf.initializers.glorotUniform({ seed: own });
  };
}

/** The standard deviation that is left of 1 when a normal distribution is cut off at 2. */
const DEVIATION_WITHIN_TWO = 0.8796256610342398;

/**
 * Keras's `VarianceScaling` with `truncated_normal`: a normal distribution that is cut off at two deviations, with a
 * variance of `scale / fan`. In tfjs `normal` is the one that is cut off, without making up for the tails; its
 * `truncatedNormal` is uniform.
 */
export function truncatedNormal(scale: number, mode: 'fanIn' | 'fanOut'): RandomKernel {
  return (seed) =>
    tf.initializers.varianceScaling({
      scale: scale / DEVIATION_WITHIN_TWO ** 2,
      mode,
      distribution: 'normal',
      seed,
    });
}
