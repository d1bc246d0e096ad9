import * as tf from '@tensorflow/tfjs';
import { requireOneOf, wrongOption } from '../base/checks.ts';
import { lookUp } from '../../zoo/registry.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import { getMetadata, setMetadata } from '../models/metadata.ts';
import { requireModel } from '../models/require-model.ts';
import { freeze } from '../training/stages.ts';
import { featureLayerOf, headNames, outputOf, poolingLayer } from './extract-features.ts';

export interface BuildClassifierOptions extends Omit<RecipeOptions, 'labels'> {
  /** Names of the classes, in the order of the outputs; at least two. */
  readonly classes: readonly string[];
  /** How the base's last feature map becomes a vector. Default `avg`. */
  readonly pooling?: 'avg' | 'max';
  /** Before the dense layer, 0 to below 1. Default 0.3. */
  readonly dropout?: number;
  /** The base's last layer that is kept; by default the card says. */
  readonly featureLayer?: string;
}

/**
 * A classifier on a base: the base up to its feature layer, pooling, dropout and a dense softmax layer of zeros, in one plain
 * tfjs layers model `[batch, height, width, 3]` to `[batch, classes]`. The base's layers are shared with it and frozen;
 * `unfreezeFrom` makes some trainable. Its metadata say how to use it: labels, preprocessing, input size.
 *
 * @throws ModelError `MODEL_INPUT`; UsageError `USAGE_ARGUMENT`
 */
export function buildClassifier(base: tf.LayersModel, options: BuildClassifierOptions): tf.LayersModel {
  requireModel(base, 'base');
  const { classes, pooling = 'avg', dropout = 0.3 } = options;
  const areNames = Array.isArray(classes) && classes.every((label) => typeof label === 'string');
  if (!areNames || classes.length < 2 || new Set(classes).size < classes.length) {
    throw wrongOption('classes', JSON.stringify(classes), 'at least two different names');
  }
  requireOneOf('pooling', pooling, ['avg', 'max']);
  if (!(dropout >= 0 && dropout < 1)) throw wrongOption('dropout', dropout, 'a number from 0 to below 1');
  const recipe = inputRecipeOf(base, options);
  const features = outputOf(base, featureLayerOf(base, options.featureLayer));
  const names = headNames(base, features);
  const pool = features.shape.length === 4 ? poolingLayer(pooling, names.pool) : undefined;
  const pooled = (pool?.apply(features) ?? features) as tf.SymbolicTensor;
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
  const headLayers = new Set(Object.values(names));
  freeze(model);
  for (const layer of model.layers) layer.trainable = headLayers.has(layer.name);

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

/** Takes a classifier apart that is not wanted: its head is freed, the base's layers stay as they were. */
export function abandonClassifier(model: tf.LayersModel, base: tf.LayersModel): void {
  const kept = new Set(base.layers);
  for (const layer of model.layers) {
    if (kept.has(layer)) {
      layer.outboundNodes = layer.outboundNodes.filter((node) => kept.has(node.outboundLayer));
    } else layer.weights.forEach((weight) => weight.dispose());
  }
}
