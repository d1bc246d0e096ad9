import { WeightsError } from '../base/errors.ts';
import type { ModelFile } from '../../converters/index.ts';
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

/** The network that the tensors of a file belong to. Only of safetensors files the order says nothing. */
export function recogniseFile({ kind, layers }: Pick<ModelFile, 'kind' | 'layers'>): ModelCard | undefined {
  return recogniseCard(layers, { anyOrder: kind === 'safetensors-weights' });
}

/**
 * What to throw where weights do not fit a network: an error that names the network that they belong to, or `error`
 * itself where that is not known.
 *
 * @param howToName What to write to name that network.
 */
export function mismatchOf(
  error: unknown,
  file: ModelFile,
  card: ModelCard,
  { fileName = file.fileName, howToName }: { fileName?: string; howToName: (name: string) => string },
): unknown {
  const other = error instanceof WeightsError ? recogniseFile(file) : undefined;
  if (other === undefined || other.name === card.name) return error;
  return new WeightsError(
    'WEIGHTS_COUNT',
    `${fileName} holds weights of ${other.title}, not of ${card.title}.`,
    {
      given: `${fileName} for ${card.name}`,
      expected: `weights of ${card.title}`,
      nextStep: `name the network that they belong to: "${other.name}" (${howToName(other.name)})`,
      cause: error,
    },
  );
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
