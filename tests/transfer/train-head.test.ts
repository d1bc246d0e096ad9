import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import { evaluate } from '../../src/transfer/metrics.ts';
import type { HeadData } from '../../src/training/head-trainee.ts';
import type { HeadOptions } from '../support/train-head.ts';
import { trainHead } from '../support/train-head.ts';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const classes = ['ant', 'bee', 'wasp'];

/** Three noisy clouds on one line, with offsets and scales as different as those of real features. */
function clouds(count: number, seed: number, noise: number): HeadData {
  const random = createRandom(seed);
  const labels = Array.from({ length: count }, (_, index) => index % 3);
  const features = Float32Array.from(
    labels.flatMap((label) => [
      100 + 10 * (label + noise * (random() - 0.5)),
      0.001 * ((label === 1 ? 1 : 0) + noise * (random() - 0.5)),
      random(),
    ]),
  );
  return { features, labels };
}

const options: HeadOptions = {
  epochs: 40,
  learningRate: 0.05,
  batchSize: 16,
  dropout: 0,
  l2: 0.0001,
  patience: 0,
  seed: 3,
  classWeights: [1, 1, 1],
};

async function run(overrides: Partial<HeadOptions> = {}, noise = 0.5) {
  const data = clouds(90, 1, noise);
  const head = await trainHead(() => Promise.resolve(data), clouds(45, 2, noise), classes, {
    ...options,
    ...overrides,
  });
  return head!;
}

describe('training a head', () => {
  it('learns classes that can be told apart, whatever the scale of the features', async () => {
    const head = await run();
    expect(head.evaluation.accuracy).toBeGreaterThan(0.97);
    expect(head.history.at(-1)!.loss).toBeLessThan(head.history[0]!.loss / 3);
    expect(head.stopped).toBe('completed');
  });

  it('gives a kernel and bias for raw features: they say the same as the reported evaluation', async () => {
    const head = await run({ epochs: 12 }, 1.6);
    const validation = clouds(45, 2, 1.6);
    const probabilities = tf.tidy(() =>
      tf
        .softmax(
          tf
            .tensor2d(validation.features, [45, 3])
            .matMul(tf.tensor2d(head.kernel, [3, 3]))
            .add(tf.tensor1d(head.bias)),
        )
        .dataSync(),
    ) as Float32Array;
    const again = evaluate(probabilities, validation.labels, classes);
    expect(again.confusion).toEqual(head.evaluation.confusion);
    expect(again.loss).toBeCloseTo(head.evaluation.loss, 3);
  });

  it('divides all features by one deviation: after one step their weights have one size', async () => {
    // The second feature varies ten times less than the first, the third not at all.
    const features = Float32Array.of(30, 5.5, 7, 10, 3.5, 7);
    const data: HeadData = { features, labels: [0, 1] };
    const wanted = Math.sqrt((2 * 10 ** 2 + 2 * 1 ** 2) / 6);
    const head = await trainHead(() => Promise.resolve(data), data, ['ant', 'bee'], {
      ...options,
      ...{ epochs: 1, learningRate: 0.01, batchSize: 2, l2: 0, classWeights: [1, 1] },
    });
    // Adam's first step is the learning rate, whatever the gradient's size.
    const step = 0.01 / wanted;
    const expected = [step, -step, step, -step, 0, 0];
    head!.kernel.forEach((weight, at) => expect(weight).toBeCloseTo(expected[at]!, 6));
  });

  it('keeps the weights of the best epoch, not of the last', async () => {
    const head = await run({ learningRate: 0.7, epochs: 25 }, 2.5);
    const best = Math.max(...head.history.map((epoch) => epoch.valAccuracy));
    expect(head.evaluation.accuracy).toBe(best);
    expect(head.history[head.bestEpoch - 1]!.valAccuracy).toBe(best);
    // The case is one in which the last epoch is worse; else this would prove nothing.
    expect(head.history.at(-1)!.valAccuracy).toBeLessThan(best);
  });

  it('stops when nothing improves for as long as patience lasts', async () => {
    const head = await run({ patience: 3, epochs: 500 });
    expect(head.stopped).toBe('early');
    expect(head.history.length).toBe(head.bestEpoch + 3);
  });

  it('gives the same from the same seed, dropout included, and something else from another', async () => {
    const [first, again, other] = [
      await run({ dropout: 0.4, epochs: 5 }),
      await run({ dropout: 0.4, epochs: 5 }),
      await run({ dropout: 0.4, epochs: 5, seed: 4 }),
    ];
    expect(again.kernel).toEqual(first.kernel);
    expect(again.history).toEqual(first.history);
    expect(other.kernel).not.toEqual(first.kernel);
  });

  it('L2 keeps the weights small', async () => {
    const norm = (kernel: Float32Array) => kernel.reduce((sum, value) => sum + value ** 2, 0);
    expect(norm((await run({ l2: 1 })).kernel)).toBeLessThan(0.2 * norm((await run({ l2: 0 })).kernel));
  });

  it('class weights move the decision towards the heavy class', async () => {
    const found = async (classWeights: number[]) =>
      (await run({ classWeights, epochs: 30 }, 3)).evaluation.confusion.reduce(
        (sum, row) => sum + row[2]!,
        0,
      );
    expect(await found([0.1, 0.1, 5])).toBeGreaterThan(await found([5, 5, 0.1]));
  });

  it('returns the best so far when it is stopped, and nothing before the first epoch', async () => {
    const controller = new AbortController();
    const onEpoch = ({ epoch }: { epoch: number }) => {
      if (epoch === 4) controller.abort();
    };
    const head = await run({ signal: controller.signal, onEpoch });
    expect(head.stopped).toBe('aborted');
    expect(head.history.length).toBe(4);
    expect(await run({ signal: AbortSignal.abort() })).toBeUndefined();
  });

  it('asks for fresh training data in every epoch', async () => {
    const asked: number[] = [];
    await trainHead(
      (epoch) => {
        asked.push(epoch);
        return Promise.resolve(clouds(30, epoch, 0.5));
      },
      clouds(15, 99, 0.5),
      classes,
      { ...options, epochs: 3 },
    );
    expect(asked).toEqual([1, 2, 3]);
  });

  it('learns from the fresh data, not from those of the first epoch', async () => {
    const turned = clouds(90, 1, 0.5);
    const reversed = { features: turned.features.slice().reverse(), labels: turned.labels };
    const second = await trainHead(
      (epoch) => Promise.resolve(epoch === 1 ? reversed : turned),
      clouds(45, 2, 0.5),
      classes,
      { ...options, epochs: 2 },
    );
    const again = await trainHead(
      (epoch) => Promise.resolve(epoch === 1 ? reversed : { ...turned, features: reversed.features }),
      clouds(45, 2, 0.5),
      classes,
      { ...options, epochs: 2 },
    );
    expect(second!.history[1]).not.toEqual(again!.history[1]);
  });

  it('dropout changes what is learnt', async () => {
    const [without, with_] = [await run({ epochs: 3 }), await run({ epochs: 3, dropout: 0.5 })];
    expect(with_.kernel).not.toEqual(without.kernel);
    // Half of each feature is missing: the training loss says so.
    expect(with_.history[2]!.loss).toBeGreaterThan(without.history[2]!.loss);
  });

  it('leaves no tensor behind, also when it is stopped or fails', async () => {
    await run({ epochs: 1 });
    const before = tf.memory().numTensors;
    await run({ epochs: 3 });
    await run({ signal: AbortSignal.abort() });
    const failing = (epoch: number) =>
      epoch < 3 ? Promise.resolve(clouds(30, 1, 0.5)) : Promise.reject(new Error('the disk is gone'));
    await expect(trainHead(failing, clouds(15, 2, 0.5), classes, options)).rejects.toThrow(
      'the disk is gone',
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});
