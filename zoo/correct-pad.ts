import type * as tf from '@tensorflow/tfjs';

/**
 * The zero padding before a convolution of stride 2 that needs `padding: 'valid'` after it, by the parity of the input:
 * odd sides get the same on both ends, even ones a pixel less at the start (`correct_pad` in Keras's
 * `imagenet_utils.py`).
 */
export function correctPad(x: tf.SymbolicTensor, kernelSize: number): [[number, number], [number, number]] {
  const half = Math.floor(kernelSize / 2);
  const sides = (axis: number): [number, number] => {
    const size = x.shape[axis];
    if (size == null) throw new Error('a network is built with a height and a width that are known');
    return [size % 2 === 0 ? half - 1 : half, half];
  };
  return [sides(1), sides(2)];
}
