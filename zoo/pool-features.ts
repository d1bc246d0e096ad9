import * as tf from '@tensorflow/tfjs';
import type { ResolvedOptions } from './build-options.ts';

/** What a network without top ends with: the feature map as it is, or pooled to a vector. */
export function poolFeatures(x: tf.SymbolicTensor, pooling: ResolvedOptions['pooling']): tf.SymbolicTensor {
  if (pooling === null) return x;
  const layer =
    pooling === 'avg'
      ? tf.layers.globalAveragePooling2d({ name: 'avg_pool' })
      : tf.layers.globalMaxPooling2d({ name: 'max_pool' });
  return layer.apply(x) as tf.SymbolicTensor;
}
