import { ModelError } from '../src/base/errors.ts';
import type { ModelCard } from './card.ts';

/** The options that every builder takes; they mean what they mean in Keras Applications. */
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
}

/** How fresh weights come into being. `zeros` is for weights that are about to be replaced: it costs nothing. */
export interface Initialisation {
  readonly kernel: 'zeros' | 'glorotUniform';
  /** Makes `glorotUniform` repeatable. */
  readonly seed?: number;
}

export interface ResolvedOptions {
  readonly includeTop: boolean;
  readonly inputShape: [number, number, number];
  readonly pooling: 'avg' | 'max' | null;
  readonly classes: number;
  readonly classifierActivation: 'softmax' | 'linear';
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
      JSON.stringify(inputShape),
      `[height, width, 3] with whole sides of at least ${minimum} pixels`,
    );
  }
  if (pooling !== null && pooling !== 'avg' && pooling !== 'max') {
    refuse(card, 'pooling', String(pooling), 'avg, max or null');
  }
  if (!Number.isInteger(classes) || classes < 1)
    refuse(card, 'classes', String(classes), 'a whole number of at least 1');
  if (classifierActivation !== 'softmax' && classifierActivation !== 'linear') {
    refuse(card, 'classifierActivation', String(classifierActivation), 'softmax, linear or null');
  }
  return {
    includeTop,
    inputShape: [inputShape[0], inputShape[1], 3],
    pooling,
    classes,
    classifierActivation,
  };
}

function refuse(card: ModelCard, option: string, given: string, expected: string): never {
  throw new ModelError('MODEL_OPTION', `${card.title} cannot be built with this ${option}.`, {
    given: `${option}: ${given}`,
    expected,
    nextStep: `change ${option}, or leave it out for the default`,
  });
}
