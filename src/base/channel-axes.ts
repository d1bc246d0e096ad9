/**
 * Which axes of a weight belong to one output channel. They lie side by side; depthwise kernels have one channel for
 * each pair of input channel and multiplier. Undefined for weights that are never scaled by channel, such as biases.
 *
 * @param className Keras's class of the layer.
 * @param weight Keras's name of the weight, without the layer's.
 */
export function channelAxes(className: string, weight: string, rank: number): readonly number[] | undefined {
  const last = rank - 1;
  if (weight === 'depthwise_kernel') return [rank - 2, last];
  if (weight === 'pointwise_kernel' || weight === 'embeddings') return [last];
  if (weight !== 'kernel' || rank < 2) return undefined;
  if (className.includes('Depthwise')) return [rank - 2, last];
  // Transposed convolutions have their filters before the channels that they take.
  return className.includes('Transpose') ? [rank - 2] : [last];
}
