import * as tf from '@tensorflow/tfjs';
import type { BuildOptions, Initialisation, ResolvedOptions } from './build-options.ts';
import { resolveBuildOptions } from './build-options.ts';
import type { ModelCard } from './card.ts';
import type { Network } from './network.ts';
import { createNetwork, pooled } from './network.ts';

type Tensor = tf.SymbolicTensor;

/** @throws ModelError `MODEL_OPTION` */
export type ModelBuilder = (
  card: ModelCard,
  options: BuildOptions,
  initialisation: Initialisation,
) => tf.LayersModel;

/** All that the body of a builder needs besides the layers. */
export interface Settings extends ResolvedOptions {
  readonly card: ModelCard;
  readonly initialisation: Initialisation;
}

/** What a builder's model and input are called where it is not the card's name and `input_layer`. */
export interface BuilderNames {
  readonly model?: string;
  readonly input?: string;
}

/** A builder out of its body, which makes the network's layers on a symbolic image and gives back the output. */
export function modelBuilder(
  body: (network: Network, image: Tensor, settings: Settings) => Tensor,
  { model, input = 'input_layer' }: BuilderNames = {},
): ModelBuilder {
  return (card, options, initialisation) => {
    const settings = { ...resolveBuildOptions(card, options), card, initialisation };
    const image = tf.input({ shape: settings.inputShape, name: input });
    const outputs = body(createNetwork(initialisation), image, settings);
    return tf.model({ name: model ?? card.name, inputs: image, outputs });
  };
}

/** The row of a family's table that a card means. */
export function rowOf<Row>(table: Readonly<Record<string, Row>>, card: ModelCard): Row {
  const row = table[card.name];
  if (row === undefined) throw new Error(`no row for the card ${card.name}`);
  return row;
}

/**
 * When Keras names the last pooling layer: `avg_pool` in front of the classifier, `avg_pool` or `max_pool` without top.
 */
export interface PoolNames {
  readonly namedPool: 'always' | 'withTop' | 'never';
}

/** How most networks end: a dense classifier on the average of the last feature map, or the map itself, pooled or not. */
export function classifierOrFeatures(
  network: Network,
  x: Tensor,
  { includeTop, pooling, classes, classifierActivation }: ResolvedOptions,
  { namedPool }: PoolNames,
): Tensor {
  if (!includeTop) return pooled(network, x, pooling, { named: namedPool === 'always' });
  const features = network.globalAveragePooling2d(
    x,
    namedPool === 'never' ? undefined : { name: 'avg_pool' },
  );
  return network.dense(features, { name: 'predictions', units: classes, activation: classifierActivation });
}
