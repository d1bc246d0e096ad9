import * as tf from '@tensorflow/tfjs';
import { lookUp } from '../../zoo/registry.ts';
import { getMetadata, setMetadata } from '../models/metadata.ts';
import type { FeatureExtractor } from './extract-features.ts';
import { headNames, outputOf, poolingLayer } from './extract-features.ts';
import type { TrainedHead } from './train-head.ts';

/**
 * One plain tfjs layers model of the base up to its feature layer and the trained head. The base's layers are shared
 * and marked as not trainable. Its metadata say how to use it.
 */
export function buildClassifier(
  base: tf.LayersModel,
  { recipe, featureLayer, pooling, width }: FeatureExtractor,
  { kernel, bias }: TrainedHead,
  classes: readonly string[],
  dropout: number,
): tf.LayersModel {
  const features = outputOf(base, featureLayer);
  const names = headNames(base, features);
  const pooled = (poolingLayer(pooling, names.pool)?.apply(features) ?? features) as tf.SymbolicTensor;
  const dropped = tf.layers
    .dropout({ name: names.dropout, rate: dropout })
    .apply(pooled) as tf.SymbolicTensor;
  const dense = tf.layers.dense({
    name: names.predictions,
    units: classes.length,
    activation: 'softmax',
    kernelInitializer: 'zeros',
  });
  const model = tf.model({
    name: `${base.name}_transfer`,
    inputs: base.inputs,
    outputs: dense.apply(dropped) as tf.SymbolicTensor,
  });
  const weights = [tf.tensor2d(kernel, [width, classes.length]), tf.tensor1d(bias)];
  dense.setWeights(weights);
  tf.dispose(weights);
  const headLayers = new Set(Object.values(names));
  model.layers.filter((layer) => !headLayers.has(layer.name)).forEach((layer) => (layer.trainable = false));

  const inherited = getMetadata(base);
  const card = inherited?.architecture === undefined ? undefined : lookUp(inherited.architecture)?.card;
  setMetadata(model, {
    version: 1,
    architecture: inherited?.architecture,
    variant: inherited?.variant,
    labels: [...classes],
    preprocessing: recipe.preprocessing,
    inputSize: recipe.inputSize,
    resize: recipe.resize,
    // The features of a nested model are those of one of its layers.
    ...(inherited?.features === undefined ? {} : { features: features.sourceLayer.name }),
    licence: card?.licence ?? inherited?.licence,
    source: card?.source ?? inherited?.source,
  });
  return model;
}
