import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import { Callback } from '../../src/callbacks/callback.ts';
import { AdamW } from '../../src/optimizers/adam-w.ts';
import { learningRateOf } from '../../src/optimizers/learning-rate.ts';
import { oneCycleSchedule } from '../../src/optimizers/schedules.ts';
import type { CheckpointFile } from '../../src/platform.ts';
import type { CheckpointSettings, FitSettings } from '../../src/training/fit-loop.ts';
import { fit } from '../../src/training/fit-loop.ts';
import type { HeadData } from '../../src/training/head-trainee.ts';
import { headTrainee } from '../../src/training/head-trainee.ts';

let tensors: number;
beforeAll(async () => {
  await tf.setBackend('wasm');
});
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

const CLASSES = ['ant', 'bee', 'wasp'];

/** Noisy clouds, of other noise in each epoch. */
function clouds(count: number, seed: number, noise = 1.6): HeadData {
  const random = createRandom(seed);
  const labels = Array.from({ length: count }, (_, index) => index % 3);
  const features = Float32Array.from(
    labels.flatMap((label) =>
      Array.from({ length: 6 }, (_, at) => (at % 3 === label ? 1 : 0) + noise * (random() - 0.5)),
    ),
  );
  return { features, labels };
}

/** Kept in memory. Counts what is written, and fails where a process would be killed. */
class MemoryFile implements CheckpointFile {
  readonly path = 'memory';
  bytes: Uint8Array | undefined;
  writes = 0;
  constructor(readonly killAt = Infinity) {}
  read() {
    return Promise.resolve(this.bytes);
  }
  write(bytes: Uint8Array) {
    if (this.writes >= this.killAt) return Promise.reject(new Error('killed'));
    this.writes++;
    this.bytes = bytes.slice();
    return Promise.resolve();
  }
  remove() {
    this.bytes = undefined;
    return Promise.resolve();
  }
}

const settings: FitSettings = {
  epochs: 4,
  batchSize: 8,
  seed: 3,
  patience: 0,
  restoreBestWeights: true,
  keepStart: false,
  classWeights: [1, 2, 1],
  labelSmoothing: 0.1,
  mixup: 0.3,
  clip: { globalClipNorm: 0.5 },
  makeOptimizer: () => new AdamW({ learningRate: 0.05, weightDecay: 0.01 }),
  schedule: oneCycleSchedule({ peak: 0.05 }),
  callbacks: [],
  initialEpoch: 0,
};
const identity = { run: 1 };

async function run(changes: Partial<FitSettings> = {}) {
  const trainee = await headTrainee((epoch) => Promise.resolve(clouds(30, epoch)), clouds(21, 99), CLASSES, {
    dropout: 0.3,
    l2: 0.01,
  });
  try {
    const result = await fit(trainee, { ...settings, ...changes });
    return { result, weights: trainee.capture() };
  } finally {
    trainee.dispose();
  }
}

const at = (file: CheckpointFile, resume = false, seconds = 0): CheckpointSettings => ({
  file,
  identity,
  resume,
  seconds,
});

/** Counts its steps, and keeps the count. */
class Counter extends Callback {
  steps = 0;
  epochs = 0;
  override onBatchEnd = () => {
    this.steps++;
    return Promise.resolve();
  };
  override onEpochEnd = () => {
    this.epochs++;
    return Promise.resolve();
  };
  override getState = () => ({ json: { steps: this.steps, epochs: this.epochs } });
  override setState = ({ json }: { json: unknown }) => {
    Object.assign(this, json);
  };
}

describe('a training that is killed behind any step and resumed', () => {
  it('ends with the weights, the history and the callbacks of one that was not', async () => {
    const whole = new Counter();
    const expected = await run({ callbacks: [whole] });
    // One checkpoint behind each of 16 steps, and at the end.
    for (let killAt = 1; killAt <= 16; killAt++) {
      const file = new MemoryFile(killAt);
      await expect(run({ checkpoint: at(file), callbacks: [new Counter()] })).rejects.toThrow('killed');
      const again = new MemoryFile();
      again.bytes = file.bytes;
      const counter = new Counter();
      const found = await run({ checkpoint: at(again, true), callbacks: [counter] });
      expect(found).toEqual(expected);
      expect([counter.steps, counter.epochs]).toEqual([whole.steps, whole.epochs]);
      expect(again.writes).toBeGreaterThan(0);
    }
  });

  it('is the same however often it was killed', async () => {
    const expected = await run();
    let file = new MemoryFile(2);
    for (let kills = 0; kills < 40; kills++) {
      const ended = await run({ checkpoint: at(file, true) }).catch(() => undefined);
      if (ended !== undefined) {
        expect(ended).toEqual(expected);
        expect(kills).toBeGreaterThan(5);
        return;
      }
      const next = new MemoryFile(2);
      next.bytes = file.bytes;
      file = next;
    }
    throw new Error('it never ended');
  });

  it('has nothing left to do when it had ended', async () => {
    const file = new MemoryFile();
    const expected = await run({ checkpoint: at(file, false, Infinity) });
    expect(file.writes).toBe(1);
    const counter = new Counter();
    expect(await run({ checkpoint: at(file, true), callbacks: [counter] })).toEqual(expected);
    expect([counter.steps, file.writes]).toEqual([0, 1]);
  });

  it('goes on behind a stop on request, too', async () => {
    const expected = await run();
    const controller = new AbortController();
    const file = new MemoryFile();
    const stopped = await run({
      checkpoint: at(file, false, Infinity),
      signal: controller.signal,
      onEpoch: ({ epoch }) => epoch === 2 && controller.abort(),
    });
    expect(stopped.result).toMatchObject({ stopped: 'aborted' });
    expect(stopped.result!.history).toHaveLength(2);
    expect(await run({ checkpoint: at(file, true) })).toEqual(expected);
  });
});

describe('a checkpoint', () => {
  it('is not begun over unless asked, and not gone on with by another training', async () => {
    const file = new MemoryFile();
    await run({ checkpoint: at(file) });
    const before = file.bytes;
    await expect(run({ checkpoint: at(file) })).rejects.toMatchObject({ code: 'CHECKPOINT_EXISTS' });
    await expect(
      run({ checkpoint: { ...at(file, true), identity: { run: 2, more: 'x' } } }),
    ).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/run: 2.*more|run: 1/s) as string,
    });
    expect(file.bytes).toBe(before);
  });

  it('that is no checkpoint, or damaged, is refused', async () => {
    const file = new MemoryFile();
    await run({ checkpoint: at(file) });
    file.bytes = file.bytes!.slice(0, 200);
    await expect(run({ checkpoint: at(file, true) })).rejects.toMatchObject({ code: /FORMAT_/ });
    file.bytes = new TextEncoder().encode('x'.repeat(100));
    await expect(run({ checkpoint: at(file, true) })).rejects.toMatchObject({ code: /FORMAT_/ });
  });
});

describe('fit', () => {
  it('sets the rate of each step by the schedule, and callbacks see it', async () => {
    const seen: number[] = [];
    class Rates extends Callback {
      override onBatchEnd = () => {
        seen.push(learningRateOf(this.context.optimizer));
        return Promise.resolve();
      };
    }
    await run({ schedule: (step, total) => (step + 1) / total, callbacks: [new Rates()] });
    expect(seen).toEqual(Array.from({ length: 16 }, (_, step) => (step + 1) / 16));
  });

  it('ends where a callback asks for it', async () => {
    class Stop extends Callback {
      override onEpochEnd = (epoch: number) => {
        if (epoch === 1) this.context.stopTraining();
        return Promise.resolve();
      };
    }
    const { result } = await run({ callbacks: [new Stop()] });
    expect(result).toMatchObject({ stopped: 'early' });
    expect(result!.history).toHaveLength(2);
  });

  it('keeps the start when nothing is better', async () => {
    const trainee = await headTrainee(
      () => Promise.resolve(clouds(30, 1, 0.2)),
      clouds(21, 9, 0.2),
      CLASSES,
      {
        dropout: 0,
        l2: 0,
      },
    );
    const plain = { ...settings, labelSmoothing: 0, mixup: 0 };
    await fit(trainee, { ...plain, epochs: 8 });
    const good = trainee.capture();
    const result = await fit(trainee, {
      ...plain,
      schedule: undefined,
      makeOptimizer: () => tf.train.sgd(-30),
      keepStart: true,
    });
    expect(result!.bestEpoch).toBe(0);
    expect(trainee.capture()).toEqual(good);
    trainee.dispose();
  });

  it.each<[string, Partial<FitSettings>]>([
    ['mixup', { mixup: 0 }],
    ['label smoothing', { labelSmoothing: 0 }],
    ['clipping', { clip: {} }],
    ['class weights', { classWeights: [1, 1, 1] }],
    ['the seed', { seed: 4 }],
    ['the schedule', { schedule: undefined }],
  ])('%s makes a difference', async (_, changes) => {
    expect((await run(changes)).weights).not.toEqual((await run()).weights);
  });
});
