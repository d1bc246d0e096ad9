import { listCards } from '../../zoo/registry.ts';
import { listCache } from '../weights/index.node.ts';

export interface ModelDescription {
  readonly name: string;
  readonly title: string;
  readonly family: string;
  /** Default side of the square input in pixels. */
  readonly inputSize: number;
  readonly parameters: number;
  /** Percent, as published. */
  readonly top1?: number;
  readonly top5?: number;
  readonly note?: string;
  readonly preprocessing: string;
  readonly licence: string;
  /** Where the ImageNet weights are. */
  readonly weights: 'cached' | 'download' | 'none';
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
    const file =
      card.weights.find((each) => cached.has(each.url)) ??
      card.weights.find((each) => each.variant === 'top');
    return {
      name: card.name,
      title: card.title,
      family: card.family,
      inputSize: card.inputSize.default,
      parameters: card.parameters.top,
      top1: card.accuracy.top1,
      top5: card.accuracy.top5,
      note: card.accuracy.note,
      preprocessing: card.preprocessing,
      licence: card.licence,
      weights: file === undefined ? 'none' : cached.has(file.url) ? 'cached' : 'download',
      url: file?.url,
      bytes: file === undefined ? undefined : (cached.get(file.url) ?? file.size),
    };
  });
}
