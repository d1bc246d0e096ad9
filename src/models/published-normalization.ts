import type { WeightTensor } from '../base/types.ts';
import type { ModelFile } from '../../converters/index.ts';
import { countOf, numbersOf } from '../../converters/index.ts';
import { IMAGENET_DEVIATION } from '../../zoo/imagenet-statistics.ts';

const TOLERANCE = 1e-3;

/**
 * Whether the first `Normalization` of a file holds ImageNet's standard deviation (0.229, 0.224, 0.225) where the
 * layer takes a variance (0.0524, 0.0502, 0.0506), as the EfficientNet files that Keras publishes do. A network with
 * such weights has to divide once more by the root of the deviation (tensorflow issue 49930).
 */
export function holdsDeviationAsVariance({ layers }: Pick<ModelFile, 'layers'>): boolean {
  const variance = layers.map(({ weights }) => varianceOf(weights)).find((found) => found !== undefined);
  if (variance === undefined || countOf(variance) !== IMAGENET_DEVIATION.length) return false;
  const numbers = numbersOf(variance);
  return IMAGENET_DEVIATION.every((deviation, i) => Math.abs(numbers[i]! - deviation) <= TOLERANCE);
}

/** A Normalization is the only layer with two vectors and a scalar: mean, variance and count. */
function varianceOf(weights: readonly WeightTensor[]): WeightTensor | undefined {
  const ranks = weights.map(({ shape }) => shape.length).sort();
  if (ranks.join() !== '0,1,1') return undefined;
  const vectors = weights.filter(({ shape }) => shape.length === 1);
  return vectors.find(({ name }) => /variance(:\d+)?$/.test(name)) ?? vectors[1];
}
