import { WeightsError } from '../base/errors.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import type { ModelCard, WeightFile } from '../../zoo/card.ts';
import { defaultModel } from '../../zoo/default-model.ts';
import { listCards } from '../../zoo/registry.ts';
import { variantOf, variantTitle, variantsOf } from '../../zoo/variants.ts';

export interface PublishedOptions extends Pick<BuildOptions, 'alpha' | 'depthMultiplier' | 'minimalistic'> {
  /** `auto` is for features alone. */
  readonly includeTop?: boolean | 'auto';
  /** `[height, width]` in pixels that the network is built for. */
  readonly inputSize: readonly [number, number];
}

/**
 * The file of ImageNet weights for a network built with these options. Where there is a file for each of several sizes,
 * it is the one of the network's size, and for other sizes that of the default size, as in Keras.
 *
 * @throws WeightsError `WEIGHTS_UNAVAILABLE`, which says what there is
 */
export function publishedWeights(card: ModelCard, options: PublishedOptions): WeightFile {
  const { alpha, depthMultiplier = 1, minimalistic, includeTop, inputSize } = options;
  const variant = variantOf(card, { alpha, minimalistic });
  if (variant === undefined) throw unpublished(card, options);
  if (depthMultiplier !== 1) {
    throw new WeightsError(
      'WEIGHTS_UNAVAILABLE',
      `ImageNet weights of ${card.title} are published for one depthwise filter a channel only.`,
      {
        given: `depthMultiplier: ${depthMultiplier}`,
        expected: 'depthMultiplier: 1',
        nextStep: 'leave `depthMultiplier` out, or pass `weights` with a file of your own or null',
      },
    );
  }
  // For features alone the smaller file is enough.
  const part = includeTop === false || includeTop === 'auto' ? 'noTop' : 'top';
  const files = variant.weights.filter((file) => file.variant === part);
  const [height, width] = inputSize;
  const ofSize = (side: number) => files.find((file) => file.inputSize === side);
  const found = (height === width ? ofSize(height) : undefined) ?? ofSize(card.inputSize.default) ?? files[0];
  if (found !== undefined) return found;
  throw new WeightsError(
    'WEIGHTS_UNAVAILABLE',
    `Nobody publishes ImageNet weights for ${card.title} in a form that is read here.`,
    {
      given: "weights: 'imagenet'",
      expected: 'a network with published weights, or a weights file of your own',
      nextStep:
        'pass `weights` (`--weights`) with a path, URL or bytes, or `weights: null` for random ones; ' +
        `the weights of ${defaultModel} are in the package`,
    },
  );
}

/**
 * The file that a card names at this address, with what is known of its bytes; undefined for other addresses. It is the
 * published file however it is asked for, and so comes through the cache and is held to its hash.
 */
export function publishedFileAt(address: string): WeightFile | undefined {
  if (!/^https?:/i.test(address)) return undefined;
  const files = listCards().flatMap((card) => variantsOf(card).flatMap(({ weights }) => weights));
  return files.find(({ url }) => url === address);
}

function unpublished(card: ModelCard, options: PublishedOptions): WeightsError {
  const { alpha = 1, minimalistic = false } = options;
  const alphas = (make: boolean) =>
    variantsOf(card)
      .filter((each) => each.minimalistic === make)
      .map((each) => each.alpha)
      .sort((a, b) => a - b)
      .join(', ');
  const takesMake = card.options?.includes('minimalistic') === true;
  return new WeightsError(
    'WEIGHTS_UNAVAILABLE',
    `No ImageNet weights are published for ${variantTitle(card, options)}.`,
    {
      given: `alpha: ${alpha}${takesMake ? `, minimalistic: ${minimalistic}` : ''}`,
      expected: `alpha: one of ${alphas(false)}${takesMake ? `; with minimalistic: ${alphas(true)}` : ''}`,
      nextStep:
        'choose one of these (`--alpha`), or pass `weights` with a file of your own or null for random ones',
    },
  );
}
