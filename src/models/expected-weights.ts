import type * as tf from '@tensorflow/tfjs';
import type { ExpectedLayer } from '../../converters/index.ts';

/** The weight-bearing layers of a model in the order in which Keras writes them, with the shape of every tensor. */
export function expectedWeightsOf(model: tf.LayersModel): ExpectedLayer[] {
  return weightLayers(model).map((layer) => ({
    layer: layer.name,
    weights: layer.weights.map((weight) => ({ name: weight.originalName, shape: weight.shape })),
  }));
}

/** Layers that hold weights, in the order of `model.layers`. */
export function weightLayers(model: tf.LayersModel): tf.layers.Layer[] {
  return model.layers.filter((layer) => layer.weights.length > 0);
}
