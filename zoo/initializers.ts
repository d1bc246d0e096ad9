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
