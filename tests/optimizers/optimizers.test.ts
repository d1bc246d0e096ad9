import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdamW } from '../../src/optimizers/adam-w.ts';
import type { ClipOptions } from '../../src/optimizers/clip-gradients.ts';
import { clipGradients } from '../../src/optimizers/clip-gradients.ts';
import { disposeOptimizer, learningRateOf, setLearningRate } from '../../src/optimizers/learning-rate.ts';
import { captureOptimizer, restoreOptimizer } from '../../src/optimizers/optimizer-state.ts';
import { constantSchedule, cosineSchedule, oneCycleSchedule } from '../../src/optimizers/schedules.ts';
import { targetsOf } from '../../src/training/targets.ts';

interface Golden {
  readonly optimizers: Readonly<Record<string, number[][][]>>;
  readonly schedules: {
    readonly cosine: number[];
    readonly cosineBehindWarmUp: number[];
    readonly oneCycle: number[];
    readonly smoothedLoss: number;
  };
}
const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Golden;

let tensors: number;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

const SHAPES = [[2, 3], [3]];

function variables(): tf.Variable[] {
  return tf.tidy(() => [
    tf.variable(
      tf.tensor2d([
        [0.5, -1, 2],
        [0.1, 0, -3],
      ]),
    ),
    tf.variable(tf.tensor1d([1, -2, 0.25])),
  ]);
}

/** The formula of the oracle. */
function gradient(step: number, index: number): tf.Tensor {
  const size = [6, 3][index]!;
  const values = Array.from({ length: size }, (_, i) => Math.sin(1 + 3 * step + 7 * index + i) * (1 + i));
  return tf.tensor(values, SHAPES[index]);
}

function step(optimizer: tf.Optimizer, trained: readonly tf.Variable[], at: number, clip: ClipOptions = {}) {
  tf.tidy(() => {
    const gradients = clipGradients([gradient(at, 0), gradient(at, 1)], clip);
    optimizer.applyGradients(trained.map(({ name }, index) => ({ name, tensor: gradients[index]! })));
  });
  return trained.map((variable) => Array.from(variable.dataSync()));
}

describe("steps are Keras 3's", () => {
  it.each<[string, () => tf.Optimizer, ClipOptions]>([
    ['adamW', () => new AdamW({ learningRate: 0.02, weightDecay: 0.05 }), {}],
    ['clipNorm', () => tf.train.sgd(0.1), { clipNorm: 1.5 }],
    ['clipValue', () => tf.train.sgd(0.1), { clipValue: 0.75 }],
    ['globalClipNorm', () => tf.train.sgd(0.1), { globalClipNorm: 2 }],
  ])('%s', (name, make, clip) => {
    const [optimizer, trained] = [make(), variables()];
    golden.optimizers[name]!.forEach((expected, at) => {
      const found = step(optimizer, trained, at, clip);
      found.forEach((values, index) =>
        values.forEach((value, i) => expect(value).toBeCloseTo(expected[index]![i]!, 5)),
      );
    });
    disposeOptimizer(optimizer);
    tf.dispose(trained);
  });
});

describe('AdamW', () => {
  it('decays what it is told to, and nothing else', () => {
    const options = { learningRate: 0.02, weightDecay: 0.5 };
    const [all, some, none] = [
      new AdamW(options),
      new AdamW({ ...options, decays: ({ rank }) => rank > 1 }),
      new AdamW({ ...options, weightDecay: 0 }),
    ].map((optimizer) => {
      const trained = variables();
      const found = step(optimizer, trained, 0);
      disposeOptimizer(optimizer);
      tf.dispose(trained);
      return found;
    });
    expect(some![0]).toEqual(all![0]);
    expect(some![1]).toEqual(none![1]);
    expect(some![1]).not.toEqual(all![1]);
  });

  it('leaves a variable alone on which the loss does not depend, and keeps its place', () => {
    const [optimizer, trained] = [new AdamW(), variables()];
    tf.tidy(() =>
      optimizer.applyGradients([
        { name: trained[0]!.name, tensor: undefined as unknown as tf.Tensor },
        { name: trained[1]!.name, tensor: gradient(0, 1) },
      ]),
    );
    expect(Array.from(trained[0]!.dataSync())[2]).toBe(2);
    expect(trained[1]!.dataSync()[0]).not.toBe(1);
    disposeOptimizer(optimizer);
    tf.dispose(trained);
  });

  it('saves and loads its moments as optimizers of tfjs do', async () => {
    const [optimizer, trained] = [new AdamW(), variables()];
    step(optimizer, trained, 0);
    const weights = await optimizer.getWeights();
    const other = new AdamW();
    await other.setWeights(weights);
    expect(other.iterations).toBe(1);
    const copies = trained.map((variable) => tf.tidy(() => tf.variable(variable.clone())));
    expect(step(other, copies, 1)).toEqual(step(optimizer, trained, 1));
    weights[0]!.tensor.dispose();
    [optimizer, other].forEach((each) => disposeOptimizer(each));
    tf.dispose([trained, copies]);
  });
});

describe('an optimizer that is captured and restored', () => {
  it.each<[string, () => tf.Optimizer]>([
    ['sgd', () => tf.train.sgd(0.1)],
    ['momentum', () => tf.train.momentum(0.1, 0.9)],
    ['adam', () => tf.train.adam(0.1)],
    ['adamax', () => tf.train.adamax(0.1)],
    ['adagrad', () => tf.train.adagrad(0.1)],
    ['adadelta', () => tf.train.adadelta(0.1)],
    ['rmsprop', () => tf.train.rmsprop(0.1, 0.9, 0.5, undefined, true)],
    ['adamW', () => new AdamW({ learningRate: 0.1 })],
  ])('%s goes on to the last bit', (_, make) => {
    const [whole, first] = [make(), make()];
    const [expected, trained] = [variables(), variables()];
    for (let at = 0; at < 4; at++) {
      step(whole, expected, at);
      step(first, trained, at);
    }
    for (const optimizer of [whole, first]) setLearningRate(optimizer, 0.03);
    const state = structuredClone(captureOptimizer(first));
    disposeOptimizer(first);
    // In another process variables have other names.
    const again = trained.map((variable) => tf.tidy(() => tf.variable(variable.clone())));
    const second = make();
    restoreOptimizer(second, again, JSON.parse(JSON.stringify(state), revive) as typeof state);
    expect(learningRateOf(second)).toBe(0.03);
    expect(second.iterations).toBe(whole.iterations);
    for (let at = 4; at < 9; at++) expect(step(second, again, at)).toEqual(step(whole, expected, at));
    [whole, second].forEach((optimizer) => disposeOptimizer(optimizer));
    tf.dispose([expected, trained, again]);
  });

  /** Typed arrays through JSON. */
  function revive(key: string, value: unknown): unknown {
    return key === 'values' ? Float32Array.from(Object.values(value as object) as number[]) : value;
  }

  it('is refused by another optimizer, and by other weights', () => {
    const [adam, sgd, trained] = [tf.train.adam(0.1), tf.train.sgd(0.1), variables()];
    step(adam, trained, 0);
    const state = captureOptimizer(adam);
    expect(() => restoreOptimizer(sgd, trained, state)).toThrow(/another|does not fit/);
    const other = tf.train.adam(0.1);
    expect(() => restoreOptimizer(other, [...trained].reverse(), state)).toThrow(/does not fit/);
    [adam, sgd, other].forEach((optimizer) => disposeOptimizer(optimizer));
    tf.dispose(trained);
  });
});

describe('the learning rate', () => {
  it.each<[string, () => tf.Optimizer]>([
    ['sgd', () => tf.train.sgd(0.5)],
    ['momentum', () => tf.train.momentum(0.5, 0)],
  ])('of %s changes what a step does', (_, make) => {
    const [optimizer, trained] = [make(), variables()];
    setLearningRate(optimizer, 0.25);
    expect(learningRateOf(optimizer)).toBe(0.25);
    const before = trained[1]!.dataSync()[0]!;
    const after = step(optimizer, trained, 0)[1]![0]!;
    expect(before - after).toBeCloseTo(0.25 * Math.sin(8), 6);
    disposeOptimizer(optimizer);
    tf.dispose(trained);
  });
});

describe('schedules', () => {
  const rates = (schedule: (step: number, total: number) => number, total: number) =>
    Array.from({ length: total }, (_, at) => schedule(at, total));

  it("cosine is Keras's CosineDecay, also behind a warm-up", () => {
    rates(cosineSchedule({ peak: 0.3, alpha: 0.1 }), 40).forEach((rate, at) =>
      expect(rate).toBeCloseTo(golden.schedules.cosine[at]!, 6),
    );
    const warm = rates(cosineSchedule({ peak: 0.3, warmUp: 0.25 }), 40);
    warm
      .slice(10)
      .forEach((rate, at) => expect(rate).toBeCloseTo(golden.schedules.cosineBehindWarmUp[at]!, 6));
    for (let at = 1; at <= 10; at++) expect(warm[at]! - warm[at - 1]!).toBeCloseTo(0.3 / 11, 6);
  });

  it("one-cycle is PyTorch's OneCycleLR", () => {
    rates(oneCycleSchedule({ peak: 0.3 }), 40).forEach((rate, at) =>
      expect(rate).toBeCloseTo(golden.schedules.oneCycle[at]!, 6),
    );
  });

  it('are sane however few steps there are', () => {
    for (const total of [1, 2, 3]) {
      for (const schedule of [
        cosineSchedule({ peak: 1, warmUp: 0.5 }),
        constantSchedule({ peak: 1, warmUp: 0.5 }),
        oneCycleSchedule({ peak: 1 }),
      ]) {
        for (const rate of rates(schedule, total)) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(1);
        }
      }
    }
  });
});

describe('targets', () => {
  it("label smoothing gives Keras's loss", () => {
    const targets = targetsOf([1, 0], 3, 0.2);
    const predicted = [0.2, 0.7, 0.1, 0.5, 0.25, 0.25];
    const loss = targets.reduce((sum, value, at) => sum - value * Math.log(predicted[at]!), 0) / 2;
    expect(loss).toBeCloseTo(golden.schedules.smoothedLoss, 6);
  });

  it('a mixture blends both labels', () => {
    const found = targetsOf([0, 1], 3, 0, { share: 0.75, partners: [1, 1] });
    expect(Array.from(found)).toEqual([0.75, 0.25, 0, 0, 1, 0]);
  });
});
