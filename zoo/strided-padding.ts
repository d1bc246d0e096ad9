import type * as tf from '@tensorflow/tfjs';

type Padding = [[number, number], [number, number]];

/**
 * The zeros to put around a feature map before an unpadded convolution of stride 2, as Keras's networks do it: half the
 * kernel on each side, and one less at the start of a side of even size.
 */
export function stridedPadding(x: tf.SymbolicTensor, kernelSize: number): Padding {
  const half = Math.floor(kernelSize / 2);
  const around = (side: number | null | undefined): [number, number] => [
    half - ((side ?? 0) % 2 === 0 ? 1 : 0),
    half,
  ];
  return [around(x.shape[1]), around(x.shape[2])];
}
