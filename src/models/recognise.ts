import type { ModelCard } from '../../zoo/card.ts';
import { listCards, lookUp } from '../../zoo/registry.ts';
import { expectedWeightsOf } from './expected-weights.ts';

/** Layers with the shapes of their weights, of a file or of a model. */
export interface LayerShapes {
  readonly layer: string;
  readonly weights: readonly { readonly shape: readonly (number | null)[] | null }[];
}

/**
 * Recognises a network of the zoo in a model that does not say what it is: all weight-bearing layers have the names,
 * the order and the shapes of the zoo's builder, with the 1000 published classes or without top. Then its
 * preprocessing and labels are known. With `anyOrder` names and shapes are enough.
 */
export function recogniseCard(
  layers: readonly LayerShapes[],
  { anyOrder = false }: { readonly anyOrder?: boolean } = {},
): ModelCard | undefined {
  const found = signatureOf(layers, anyOrder);
  for (const card of listCards()) {
    for (const includeTop of [true, false]) {
      const parameters = includeTop ? card.parameters.top : card.parameters.noTop;
      if (countParameters(layers) !== parameters) continue;
      const candidate = lookUp(card.name)!.build(card, { includeTop }, { kernel: 'zeros' });
      const same = found === signatureOf(expectedWeightsOf(candidate), anyOrder);
      candidate.dispose();
      if (same) return card;
    }
  }
  return undefined;
}

function countParameters(layers: readonly LayerShapes[]): number {
  const sizeOf = (shape: readonly (number | null)[] | null) =>
    (shape ?? [NaN]).reduce<number>((size, side) => size * (side ?? NaN), 1);
  return layers.flatMap(({ weights }) => weights).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function signatureOf(layers: readonly LayerShapes[], anyOrder: boolean): string {
  const bearing = layers.filter(({ weights }) => weights.length > 0);
  const lines = bearing.map(({ layer, weights }) => {
    const shapes = weights.map(({ shape }) => JSON.stringify(shape));
    return JSON.stringify([layer, anyOrder ? shapes.sort() : shapes]);
  });
  return JSON.stringify(anyOrder ? lines.sort() : lines);
}
