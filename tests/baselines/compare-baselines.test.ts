import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { LabelledFeatures } from '../../src/node.ts';
import { compareBaselines } from '../../src/node.ts';
import { hashedNormal } from '../support/seeded.ts';

const classes = ['ant', 'bee', 'cat'];

/** Each class has features of its own that are higher by `signal`; one feature is the same everywhere, one is huge. */
function rowsOf(labels: readonly number[], seed: number, signal = 3): LabelledFeatures {
  const width = 12;
  const features = hashedNormal(labels.length * width, seed);
  labels.forEach((label, row) => {
    for (let column = 0; column < 4; column++) features[row * width + 3 * column + label]! += signal;
    features[row * width] = 5;
    features[row * width + 1]! *= 1e4;
  });
  return { features, labels };
}

const even = (count: number) => Array.from({ length: count }, (_, row) => row % 3);
const training = rowsOf(even(90), 1);
const validation = rowsOf(even(60), 2);

describe('compareBaselines', () => {
  it('tells the classes apart where features do, and guesses where it guesses', async () => {
    const tensors = tf.memory().numTensors;
    const progress: number[] = [];
    const results = await compareBaselines(training, validation, classes, {
      onProgress: ({ done }) => progress.push(done),
    });
    expect(results.map(({ name }) => name)).toEqual([
      'logistic regression',
      'random forest',
      'k-nearest neighbours',
      'most frequent class',
    ]);
    const accuracies = results.map(({ accuracy }) => accuracy);
    accuracies.slice(0, 3).forEach((accuracy) => expect(accuracy).toBeGreaterThan(0.9));
    expect(accuracies[3]).toBeCloseTo(1 / 3, 10);
    for (const { seconds, trainingRows } of results) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(trainingRows).toBe(90);
    }
    expect(progress).toEqual([0, 1, 2, 3, 4]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('gives the same for the same seed', async () => {
    const noisy = [rowsOf(even(60), 3, 0.5), rowsOf(even(60), 4, 0.5)] as const;
    const run = async (seed: number) =>
      (await compareBaselines(...noisy, classes, { seed })).map(({ accuracy }) => accuracy);
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    const others = await Promise.all([8, 9, 10, 11].map(run));
    expect(new Set(others.map(String)).size).toBeGreaterThan(1);
  });

  it('takes the most frequent class of the training rows, not of the validation rows', async () => {
    const results = await compareBaselines(rowsOf([1, 1, 1, 1, 0, 0], 5), rowsOf([0, 0, 0, 1], 6), [
      'a',
      'b',
    ]);
    expect(results.at(-1)!.accuracy).toBe(0.25);
  });

  it('bears a class without training rows', async () => {
    const withoutBees = rowsOf(
      even(90).map((label) => (label === 1 ? 2 : label)),
      1,
    );
    const onlyCats = rowsOf(new Array<number>(20).fill(2), 9);
    const [logistic] = await compareBaselines(withoutBees, onlyCats, classes);
    expect(logistic!.accuracy).toBeGreaterThan(0.9);
  });

  it('refuses what does not fit together', async () => {
    const refused = (given: LabelledFeatures, other = validation) =>
      expect(compareBaselines(given, other, classes)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await refused({ features: new Float32Array(7), labels: [0, 1] });
    await refused({ features: new Float32Array(24), labels: [0, 3] });
    await refused({ features: new Float32Array(24).fill(NaN), labels: [0, 1] });
    await refused({ features: new Float32Array(8), labels: [0, 1] });
    await refused(training, { features: new Float32Array(0), labels: [] });
  });

  it('can be stopped', async () => {
    const controller = new AbortController();
    const stopped = compareBaselines(training, validation, classes, {
      signal: controller.signal,
      onProgress: ({ done }) => done === 1 && controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
