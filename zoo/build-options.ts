import { ModelError } from '../src/base/errors.ts';
import type { ExtraOption, ModelCard } from './card.ts';
import { extraOptions } from './card.ts';

/** The options of the builders; they mean what they mean in Keras Applications. */
export interface BuildOptions {
  /** With the classifier at the end. Default true. */
  readonly includeTop?: boolean;
  /** `[height, width, 3]` in pixels. Default: the card's size. Other sizes need `includeTop: false` or a pooled top. */
  readonly inputShape?: readonly [number, number, number];
  /** Without top: `avg` or `max` pools the last feature map to a vector, `null` leaves it 4-D. Default null. */
  readonly pooling?: 'avg' | 'max' | null;
  /** Number of classes of the top. Default 1000. */
  readonly classes?: number;
  /** What the top ends with: probabilities or logits. Default `softmax`. */
  readonly classifierActivation?: 'softmax' | 'linear' | null;
  /** MobileNets: the width, as a factor of the paper's number of filters. Default 1. */
  readonly alpha?: number;
  /** MobileNet: depthwise filters for each channel. Default 1. */
  readonly depthMultiplier?: number;
  /** MobileNet and MobileNetV3: rate of the dropout before the classifier, 0 to below 1. Default as in Keras. */
  readonly dropout?: number;
  /** MobileNetV3: without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
  /** MobileNetV3, EfficientNetV2, ConvNeXt: whether the network itself prepares pictures of 0..255. Default true. */
  readonly includePreprocessing?: boolean;
}

/** How fresh weights come into being. `zeros` is for weights that are about to be replaced: it costs nothing. */
export interface Initialisation {
  readonly kernel: 'zeros' | 'glorotUniform';
  /** Makes `glorotUniform` repeatable. */
  readonly seed?: number;
  /**
   * Whether the weights to come are the file that Keras publishes: EfficientNet's has a standard deviation where a
   * variance belongs, and Keras adds a layer that makes up for it.
   */
  readonly published?: boolean;
  /**
   * ResNet50: the network that the weights of 2016 belong to, with another epsilon, and before Keras 2.2.3 also with
   * the first pool unpadded.
   */
  readonly of2016?: { readonly poolPadding: boolean };
}

export interface ResolvedOptions {
  readonly includeTop: boolean;
  readonly inputShape: [number, number, number];
  readonly pooling: 'avg' | 'max' | null;
  readonly classes: number;
  readonly classifierActivation: 'softmax' | 'linear';
  readonly alpha: number;
  readonly depthMultiplier: number;
  /** Undefined: the network's own default. */
  readonly dropout: number | undefined;
  readonly minimalistic: boolean;
  readonly includePreprocessing: boolean;
}

/**
 * Fills in the defaults and checks them against the card.
 *
 * @throws ModelError `MODEL_OPTION` naming the option, what was given and what is legal.
 */
export function resolveBuildOptions(card: ModelCard, options: BuildOptions): ResolvedOptions {
  const size = card.inputSize.default;
  const { includeTop = true, inputShape = [size, size, 3], pooling = null, classes = 1000 } = options;
  const classifierActivation =
    options.classifierActivation ?? (options.classifierActivation === null ? 'linear' : 'softmax');
  const minimum = card.inputSize.minimum;
  const legalShape =
    Array.isArray(inputShape) &&
    inputShape.length === 3 &&
    inputShape[2] === 3 &&
    inputShape.slice(0, 2).every((side) => Number.isInteger(side) && side >= minimum);
  if (!legalShape) {
    refuse(
      card,
      'inputShape',
      inputShape,
      `[height, width, 3] with whole sides of at least ${minimum} pixels`,
    );
  }
  if (typeof includeTop !== 'boolean') refuse(card, 'includeTop', includeTop, 'true or false');
  if (pooling !== null && pooling !== 'avg' && pooling !== 'max') {
    refuse(card, 'pooling', pooling, 'avg, max or null');
  }
  if (!Number.isInteger(classes) || classes < 1)
    refuse(card, 'classes', classes, 'a whole number of at least 1');
  if (classifierActivation !== 'softmax' && classifierActivation !== 'linear') {
    refuse(card, 'classifierActivation', classifierActivation, 'softmax, linear or null');
  }
  return {
    includeTop,
    inputShape: [inputShape[0], inputShape[1], 3],
    pooling,
    classes,
    classifierActivation,
    ...resolveExtraOptions(card, options),
  };
}

type ResolvedExtras = Pick<ResolvedOptions, ExtraOption>;

function resolveExtraOptions(card: ModelCard, options: BuildOptions): ResolvedExtras {
  const taken = card.options ?? [];
  for (const option of extraOptions) {
    if (options[option] === undefined || taken.includes(option)) continue;
    refuse(
      card,
      option,
      options[option],
      taken.length === 0 ? 'no such option for this network' : `of such options only ${taken.join(', ')}`,
    );
  }
  const {
    alpha = 1,
    depthMultiplier = 1,
    dropout,
    minimalistic = false,
    includePreprocessing = true,
  } = options;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha <= 0)
    refuse(card, 'alpha', alpha, 'a number above 0');
  if (!Number.isInteger(depthMultiplier) || depthMultiplier < 1)
    refuse(card, 'depthMultiplier', depthMultiplier, 'a whole number of at least 1');
  if (dropout !== undefined && !(typeof dropout === 'number' && dropout >= 0 && dropout < 1))
    refuse(card, 'dropout', dropout, 'a rate of at least 0 and below 1');
  if (typeof minimalistic !== 'boolean') refuse(card, 'minimalistic', minimalistic, 'true or false');
  if (typeof includePreprocessing !== 'boolean')
    refuse(card, 'includePreprocessing', includePreprocessing, 'true or false');
  return { alpha, depthMultiplier, dropout, minimalistic, includePreprocessing };
}

function refuse(card: ModelCard, option: string, given: unknown, expected: string): never {
  throw new ModelError('MODEL_OPTION', `${card.title} cannot be built with this ${option}.`, {
    given: `${option}: ${shown(given)}`,
    expected,
    nextStep: `change ${option}, or leave it out for the default`,
  });
}

/** Without its quotes '0.25' looks legal; JSON has no NaN, Infinity and bigint. */
function shown(given: unknown): string {
  if (typeof given === 'string' || typeof given === 'object') return JSON.stringify(given);
  return `${given as number}`;
}
