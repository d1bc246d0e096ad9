import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Callback, CallbackState, TrainingContext } from '../../src/callbacks/callback.ts';
import { CallbackRunner } from '../../src/callbacks/callback-runner.ts';
import { CSVLogger, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau } from '../../src/node.ts';

let root: string;
let tensors: number;
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'dovecote-resumed-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

/** As the file of a checkpoint keeps them. */
function kept(states: readonly CallbackState[]): CallbackState[] {
  return JSON.parse(JSON.stringify(states)) as CallbackState[];
}

interface Watched {
  rates: number[];
  stopped: boolean;
}

async function begin(callback: Callback, watched: Watched, model?: tf.LayersModel): Promise<CallbackRunner> {
  const runner = new CallbackRunner([callback], {
    model,
    getLearningRate: () => watched.rates.at(-1) ?? 1,
    setLearningRate: (rate: number) => watched.rates.push(rate),
    stopTraining: () => (watched.stopped = true),
    publish: () => Promise.resolve(),
  } as unknown as TrainingContext);
  runner.setParams({ epochs: 6, steps: 3, samples: 9, initialEpoch: 0 });
  await runner.trainBegin();
  return runner;
}

/** Values of `val_loss` and `val_accuracy`; goes on from a checkpoint behind the first epoch where it is `resumed`. */
async function watch(make: () => Callback, values: readonly number[], resumed: boolean) {
  const watched: Watched & { epochs: number } = { rates: [], stopped: false, epochs: 0 };
  let runner = await begin(make(), watched);
  for (const [epoch, value] of values.entries()) {
    if (resumed && epoch === 1) {
      const states = kept(runner.states());
      runner = await begin(make(), watched);
      await runner.restore(states);
    }
    await runner.epochEnd(epoch, { val_loss: value, val_accuracy: value });
    watched.epochs++;
    if (watched.stopped) break;
  }
  return watched;
}

describe('a value that JSON does not hold', () => {
  it.each([Infinity, -Infinity, NaN])('%s is still the best one behind a checkpoint', async (first) => {
    const values = [first, 1, 0.5, 0.25, 0.125, 0.1];
    for (const monitor of ['val_loss', 'val_accuracy']) {
      for (const make of [
        () => new EarlyStopping({ monitor, patience: 2 }),
        () => new ReduceLROnPlateau({ monitor, patience: 1, factor: 0.5 }),
      ]) {
        expect(await watch(make, values, true)).toEqual(await watch(make, values, false));
      }
    }
  });
});

describe('CSVLogger, killed before a checkpoint knows of a row', () => {
  it.each<[string, boolean, string]>([
    ['a new file', true, ''],
    ['a file with rows', true, 'epoch,loss\r\n0,9\r\n'],
    ['a file that it replaces', false, 'epoch,loss\r\n0,9\r\n'],
  ])('has each row once in %s', async (name, append, before) => {
    const file = join(root, `${name}.csv`);
    if (before !== '') await writeFile(file, before);
    const watched = { rates: [], stopped: false };
    const first = await begin(new CSVLogger(file, { append }), watched);
    const states = kept(first.states());
    await first.epochEnd(0, { loss: 1 });
    await first.epochEnd(1, { loss: 0.5 });
    const second = await begin(new CSVLogger(file, { append }), watched);
    await second.restore(states);
    for (const epoch of [0, 1, 2]) await second.epochEnd(epoch, { loss: 1 });
    const heading = append && before !== '' ? before : 'epoch,loss\r\n';
    expect(await readFile(file, 'utf8')).toBe(`${heading}0,1\r\n1,1\r\n2,1\r\n`);
  });
});

it('ModelCheckpoint knows its epoch when it goes on within one', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  const folder = join(root, 'within');
  const make = () =>
    new ModelCheckpoint(join(folder, '{epoch:02d}-{batch}.safetensors'), {
      saveFreq: 2,
      saveWeightsOnly: true,
    });
  const watched = { rates: [], stopped: false };
  const first = await begin(make(), watched, model);
  await first.epochBegin(4);
  await first.batchEnd(0, { loss: 1 });
  const states = kept(first.states());
  const second = await begin(make(), watched, model);
  await second.restore(states);
  await second.batchEnd(1, { loss: 1 });
  expect(await readdir(folder)).toEqual(['05-2.safetensors']);
  model.dispose();
});
