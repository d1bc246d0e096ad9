import { requireWhole } from '../base/checks.ts';
import { UsageError, throwIfAborted } from '../base/errors.ts';
import { createRandom, shuffled } from '../base/random.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { Problem } from './classifiers.node.ts';
import { classifiers } from './classifiers.node.ts';

export type BaselineName =
  'logistic regression' | 'random forest' | 'k-nearest neighbours' | 'most frequent class';

export interface BaselineResult {
  readonly name: BaselineName;
  /** Share of the validation rows whose class was found, 0 to 1. */
  readonly accuracy: number;
  /** Of training and predicting. */
  readonly seconds: number;
  /** Rows that it was trained on: fewer than there are where all would take too long. */
  readonly trainingRows: number;
}

/** Features of pictures with their classes. */
export interface LabelledFeatures {
  /** Row-major `[labels.length, width]`. */
  readonly features: Float32Array;
  /** For each row the index of its class. */
  readonly labels: readonly number[];
}

export interface CompareBaselinesOptions {
  /** The same seed gives the same result. Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/**
 * What plain methods make of features: whether a head that was trained on them is worth its while. Each feature is scaled to a mean of
 * 0 and a deviation of 1 on the training rows, of which some methods take a random part where there are many. For 244 rows of
 * 1280 features it takes about 10 seconds; between the methods, each of which may take seconds, the event loop gets its turn.
 *
 * | name | settings |
 * |---|---|
 * | `logistic regression` | one against the others, full gradient steps from zeros, at most 200 |
 * | `random forest` | 100 trees, each on a random part of the rows and as many features as their number's root |
 * | `k-nearest neighbours` | 5 neighbours by Euclidean distance |
 * | `most frequent class` | of the training rows: what guessing gives |
 *
 * In Node only: bundlers for browsers stumble over a library of the random forest.
 *
 * @param classes Names of the classes in index order.
 * @throws UsageError `USAGE_ARGUMENT`; AbortedError `ABORTED`
 */
export async function compareBaselines(
  training: LabelledFeatures,
  validation: LabelledFeatures,
  classes: readonly string[],
  { seed = 1, onProgress, signal }: CompareBaselinesOptions = {},
): Promise<BaselineResult[]> {
  requireWhole('seed', seed, 0);
  const width = widthOf(training, 'training', classes);
  if (widthOf(validation, 'validation', classes) !== width) {
    throw wrongFeatures('The rows of training and validation are not of one width.', {
      given: `${training.features.length / training.labels.length} and ${validation.features.length / validation.labels.length} features`,
      expected: 'as many features in both',
      nextStep: 'compute both by the same network and layer',
    });
  }
  const scale = scalerOf(training, width);
  const problem: Problem = {
    training: { rows: scale(training), labels: training.labels },
    validation: { rows: scale(validation), labels: validation.labels },
    classes: classes.length,
    seed,
    pause: async () => {
      await new Promise((resolve) => setTimeout(resolve));
      throwIfAborted(signal, 'Comparing baselines');
    },
  };
  const results: BaselineResult[] = [];
  for (const { name, rowsFor, run } of classifiers) {
    onProgress?.({
      phase: 'baselines',
      done: results.length,
      total: classifiers.length,
      unit: 'steps',
      note: name,
    });
    await problem.pause();
    const started = performance.now();
    const reduced = withRows(problem, rowsFor(problem));
    const predicted = await run(reduced);
    results.push({
      name,
      accuracy: accuracyOf(predicted, validation.labels),
      seconds: (performance.now() - started) / 1000,
      trainingRows: reduced.training.labels.length,
    });
  }
  onProgress?.({ phase: 'baselines', done: results.length, total: results.length, unit: 'steps' });
  return results;
}

/** @throws UsageError `USAGE_ARGUMENT` */
function widthOf({ features, labels }: LabelledFeatures, what: string, classes: readonly string[]): number {
  const width = features.length / labels.length;
  if (!(features instanceof Float32Array) || !Number.isInteger(width) || width < 1) {
    throw wrongFeatures(`The ${what} features are not one row for each label.`, {
      given: `${features?.length} numbers for ${labels.length} labels`,
      expected: 'a Float32Array, row-major, with as many numbers in each row',
      nextStep: 'pass `data` of `extractFeatures`, and the labels of its `rows`',
    });
  }
  const unknown = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes.length));
  if (unknown === undefined && features.every(Number.isFinite)) return width;
  throw wrongFeatures(`The ${what} features cannot be used.`, {
    given: unknown === undefined ? 'a feature that is no number' : `the label ${String(unknown)}`,
    expected: `numbers, and class indices from 0 to ${classes.length - 1}`,
    nextStep: 'check how they were computed',
  });
}

function wrongFeatures(summary: string, details: ConstructorParameters<typeof UsageError>[2]): UsageError {
  return new UsageError('USAGE_ARGUMENT', summary, details);
}

/** Scales by mean and deviation of the training rows; a feature that is the same everywhere becomes 0. */
function scalerOf(
  { features, labels }: LabelledFeatures,
  width: number,
): (other: LabelledFeatures) => number[][] {
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  features.forEach((value, at) => (means[at % width]! += value / labels.length));
  features.forEach((value, at) => (squares[at % width]! += (value - means[at % width]!) ** 2));
  const factors = squares.map((sum) => (sum > 0 ? 1 / Math.sqrt(sum / labels.length) : 0));
  return (other) =>
    other.labels.map((_, row) =>
      Array.from(
        other.features.subarray(row * width, (row + 1) * width),
        (value, column) => (value - means[column]!) * factors[column]!,
      ),
    );
}

/** At most `most` training rows, drawn at random. */
function withRows(problem: Problem, most: number): Problem {
  const { training, seed } = problem;
  if (training.labels.length <= most) return problem;
  const kept = shuffled([...training.labels.keys()], createRandom(seed)).slice(0, most);
  return {
    ...problem,
    training: {
      rows: kept.map((row) => training.rows[row]!),
      labels: kept.map((row) => training.labels[row]!),
    },
  };
}

function accuracyOf(predicted: readonly number[], labels: readonly number[]): number {
  return labels.filter((label, row) => predicted[row] === label).length / labels.length;
}
