import type * as tf from '@tensorflow/tfjs';
import { listCards, lookUp } from '../../zoo/registry.ts';
import type { ExpectedLayer } from './expected-weights.ts';
import { expectedWeights } from './expected-weights.ts';
import type { ModelMetadata } from './metadata.ts';
import { metadataOfCard } from './metadata.ts';

/**
 * Recognises a network of the zoo in a model without metadata: all weight-bearing layers have the names and shapes of
 * the zoo's builder, with the published 1000 classes. Then its preprocessing and labels are known.
 */
export function recogniseCard(model: tf.LayersModel): ModelMetadata | undefined {
  const found = expectedWeights(model);
  for (const card of listCards()) {
    if (model.countParams() !== card.parameters.top) continue;
    const candidate = lookUp(card.name)!.build(card, {}, { kernel: 'zeros' });
    const same = equalLayers(found, expectedWeights(candidate));
    candidate.dispose();
    if (same) return metadataOfCard(card, model.inputs[0]?.shape.slice(1) ?? []);
  }
  return undefined;
}

function equalLayers(left: readonly ExpectedLayer[], right: readonly ExpectedLayer[]): boolean {
  const shapes = (layers: readonly ExpectedLayer[]) =>
    JSON.stringify(layers.map(({ layer, weights }) => [layer, weights.map(({ shape }) => shape)]));
  return shapes(left) === shapes(right);
}
