import * as tf from '@tensorflow/tfjs';
import type { Initialisation } from './build-options.ts';

/**
 * The kernel initializers of one network, one call for each layer that has a kernel: with a seed every layer gets
 * other numbers, and the same ones each time the network is built.
 */
export function kernelInitializers({ kernel, seed }: Initialisation) {
  let layerNumber = 0;
  return () => {
    const offset = layerNumber++;
    if (kernel === 'zeros') return 'zeros';
    return seed === undefined ? 'glorotUniform' : tf.initializers.glorotUniform({ seed: seed + offset });
  };
}
