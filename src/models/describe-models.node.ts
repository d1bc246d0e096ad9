import type { ModelCard } from '../../zoo/card.ts';
import { multiplyAdds } from '../../zoo/multiply-adds.ts';
import { listCards } from '../../zoo/registry.ts';
import { listCache } from '../weights/index.node.ts';

export interface ModelDescription {
  readonly name: string;
  readonly title: string;
  readonly family: string;
  /** Default side of the square input in pixels. */
  readonly inputSize: number;
  /** With the classifier. */
  readonly parameters: number;
  /** Floating-point operations for one picture of the default size: two for each multiply-add, counted by us. */
  readonly flops?: number;
  /** Options beyond those of every network. */
  readonly options: readonly string[];
  /** Percent, as published. */
  readonly top1?: number;
  readonly top5?: number;
  readonly note?: string;
  readonly preprocessing: string;
  readonly licence: string;
  /** Where the ImageNet weights are. */
  readonly weights: 'embedded' | 'cached' | 'download' | 'none';
  readonly url?: string;
  /** Size of the weight file, where it is known. */
  readonly bytes?: number;
}

/** Every network of the zoo, and whether its weights are in the cache. */
export async function describeModels(): Promise<ModelDescription[]> {
  // A cache that cannot be read has nothing to offer; `dovecote cache list` says why.
  const entries = await listCache().catch(() => []);
  const cached = new Map(entries.map((entry) => [entry.url, entry.size]));
  return listCards().map((card) => {
    return {
      name: card.name,
      title: card.title,
      family: card.family,
      inputSize: card.inputSize.default,
      parameters: card.parameters.top,
      flops: flopsOf(card),
      options: card.options ?? [],
      top1: card.accuracy.top1,
      top5: card.accuracy.top5,
      note: card.accuracy.note,
      preprocessing: card.preprocessing,
      licence: card.licence,
      ...whereWeightsAre(card, cached),
    };
  });
}

function flopsOf({ name }: ModelCard): number | undefined {
  const count = multiplyAdds[name];
  return count === undefined ? undefined : 2 * count;
}

function whereWeightsAre(
  card: ModelCard,
  cached: ReadonlyMap<string | undefined, number | undefined>,
): Pick<ModelDescription, 'weights' | 'url' | 'bytes'> {
  if (card.embedded !== undefined) return { weights: 'embedded', bytes: card.embedded.size };
  const held = card.weights.find((each) => cached.has(each.url));
  if (held !== undefined)
    return { weights: 'cached', url: held.url, bytes: cached.get(held.url) ?? held.size };
  const published = card.weights.find((each) => each.variant === 'top');
  if (published === undefined) return { weights: 'none' };
  return { weights: 'download', url: published.url, bytes: published.size };
}
