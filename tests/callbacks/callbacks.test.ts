import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Callback, TrainingContext } from '../../src/callbacks/callback.ts';
import { fileNameOf } from '../../src/callbacks/file-name.ts';
import {
  CSVLogger,
  EarlyStopping,
  LearningRateScheduler,
  loadModel,
  ModelCheckpoint,
  ProgressBar,
  ReduceLROnPlateau,
  setMetadata,
} from '../../src/node.ts';
import { tinyMetadata } from '../support/tiny-model.ts';

interface Outcome {
  readonly ended: number | null;
  readonly rates: readonly (readonly [begin: number, end: number])[];
  readonly weight: number;
}
interface Golden {
  readonly losses: number[];
  readonly accuracies: number[];
  readonly early: (Outcome & { options: Record<string, unknown> })[];
  readonly reduce: (Outcome & { options: Record<string, unknown> })[];
  readonly checkpoint: { options: Record<string, unknown>; files: string[] }[];
  readonly scheduler: Outcome;
  readonly csv: string;
  readonly csvTwice: string;
}
const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Golden;

let root: string;
let tensors: number;
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'dovecote-callbacks-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

/** Keras's names in camel case. */
function camel<Options>(options: Record<string, unknown>): Options {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  ) as Options;
}

function network(): tf.LayersModel {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, useBias: false, inputShape: [1] })] });
  model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
  return model;
}

const logsAt = (epoch: number) => ({
  loss: golden.losses[epoch]! * 0.9,
  accuracy: golden.accuracies[epoch]! * 0.5,
  val_loss: golden.losses[epoch]!,
  val_accuracy: golden.accuracies[epoch]!,
});

/** As the oracle does it: the weight is the epoch. `again` makes another callback that goes on from the first one's state. */
async function run(
  first: Callback,
  batches = 0,
  again?: { at: number; make: () => Callback },
): Promise<Outcome> {
  const model = network();
  const { optimizer } = model as unknown as { optimizer: tf.Optimizer };
  const begin = async (callback: Callback) => {
    callback.setParams({ epochs: golden.losses.length, steps: batches, verbose: 0 });
    callback.setModel(model);
    await callback.onTrainBegin({});
  };
  let callback = first;
  await begin(callback);
  const rates: [number, number][] = [];
  const rate = () => (optimizer as unknown as { learningRate: number }).learningRate;
  let ended: number | null = null;
  for (let epoch = 0; epoch < golden.losses.length && ended === null; epoch++) {
    if (epoch === again?.at) {
      const state = structuredClone(callback.getState?.());
      callback = again.make();
      await begin(callback);
      if (state !== undefined) await callback.setState?.(state);
    }
    await callback.onEpochBegin(epoch, {});
    const rateAtBegin = rate();
    for (let batch = 0; batch < batches; batch++) {
      await callback.onBatchBegin(batch, { batch });
      const { val_loss: loss, val_accuracy: acc } = logsAt(epoch);
      await callback.onBatchEnd(batch, { batch, size: 1, loss, acc });
    }
    tf.tidy(() => model.setWeights([tf.tensor2d([[epoch]])]));
    await callback.onEpochEnd(epoch, logsAt(epoch));
    rates.push([rateAtBegin, rate()]);
    if (model.stopTraining) ended = epoch;
  }
  await callback.onTrainEnd({});
  const weight = model.getWeights()[0]!.dataSync()[0]!;
  model.dispose();
  optimizer.dispose();
  return { ended, rates, weight };
}

function expectSame(found: Outcome, expected: Outcome): void {
  expect(found.ended).toBe(expected.ended);
  expect(found.weight).toBe(expected.weight);
  expect(found.rates).toHaveLength(expected.rates.length);
  found.rates.forEach((rates, epoch) =>
    rates.forEach((rate, at) => expect(rate / expected.rates[epoch]![at]!).toBeCloseTo(1, 5)),
  );
}

describe("EarlyStopping does what Keras's does", () => {
  it.each(golden.early.map((each) => [JSON.stringify(each.options), each] as const))(
    '%s',
    async (_, expected) => {
      const make = () => new EarlyStopping(camel(expected.options));
      expectSame(await run(make()), expected);
      for (let at = 1; at < expected.rates.length; at++) {
        expectSame(await run(make(), 0, { at, make }), expected);
      }
    },
  );

  it('refuses to watch what is not measured, by a name of what is', async () => {
    await expect(run(new EarlyStopping({ monitor: 'val_f1' }))).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining('val_accuracy') as string,
    });
    tf.disposeVariables();
    tensors = tf.memory().numTensors;
  });
});

describe("ReduceLROnPlateau does what Keras's does", () => {
  it.each(golden.reduce.map((each) => [JSON.stringify(each.options), each] as const))(
    '%s',
    async (_, expected) => {
      const make = () => new ReduceLROnPlateau(camel(expected.options));
      expectSame(await run(make()), expected);
      expectSame(await run(make(), 0, { at: 4, make }), expected);
    },
  );
});

it("LearningRateScheduler does what Keras's does", async () => {
  const schedule = (epoch: number, rate: number) => (epoch % 2 === 1 ? rate * 0.5 : rate);
  expectSame(await run(new LearningRateScheduler(schedule)), golden.scheduler);
});

describe("ModelCheckpoint saves what Keras's does", () => {
  it.each(golden.checkpoint.map((each, index) => [JSON.stringify(each.options), each, index] as const))(
    '%s',
    async (_, { options, files }, index) => {
      const byBatch = 'save_freq' in options;
      for (const resumed of [false, true]) {
        const folder = join(root, `checkpoint-${index}-${resumed}`);
        const name = byBatch ? '{epoch:02d}-{batch}.safetensors' : '{epoch:02d}-{val_loss:.2f}.safetensors';
        const make = () =>
          new ModelCheckpoint(join(folder, name), { saveWeightsOnly: true, ...camel<object>(options) });
        await run(make(), byBatch ? 3 : 0, resumed ? { at: 6, make } : undefined);
        const found = (await readdir(folder)).sort();
        expect(found).toEqual(files.map((file) => file.replace('.keras', '.safetensors')));
      }
    },
  );

  it('saves a model that can be loaded, over the one before', async () => {
    const input = tf.input({ shape: [4, 4, 3] });
    const flat = tf.layers.flatten().apply(input) as tf.SymbolicTensor;
    const output = tf.layers.dense({ units: 2, activation: 'softmax' }).apply(flat) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    setMetadata(model, { ...tinyMetadata, labels: ['a', 'b'], inputSize: [4, 4] });
    const folder = join(root, 'best');
    let published = 0;
    const context = {
      model,
      publish: () => Promise.resolve(void published++),
    } as unknown as TrainingContext;
    const callback = new ModelCheckpoint(folder, { saveBestOnly: true });
    callback.setContext(context);
    await callback.onTrainBegin();
    await callback.onEpochEnd(0, { val_loss: 1 });
    await callback.onEpochEnd(1, { val_loss: 0.5 });
    await callback.onEpochEnd(2, { val_loss: 0.7 });
    expect(published).toBe(2);
    const loaded = await loadModel(folder);
    expect(loaded.outputs[0]!.shape).toEqual([null, 2]);
    loaded.dispose();
    model.dispose();
  });

  it.each<[string, unknown, object]>([
    ['filepath', '', {}],
    ['filepath', 'model.h5', { saveWeightsOnly: true }],
    ['saveFreq', 'x', { saveFreq: 0 }],
    ['mode', 'x', { mode: 'best' }],
  ])('refuses a senseless %s', (name, path, options) => {
    expect(() => new ModelCheckpoint(path as string, options)).toThrow(name);
  });
});

describe('fileNameOf', () => {
  it.each([
    ['{epoch:02d}', { epoch: 7 }, '07'],
    ['{epoch:03d}-{val_loss:.2f}', { epoch: 12, val_loss: 0.456 }, '012-0.46'],
    ['{val_acc:.1f}', { val_accuracy: 0.75 }, '0.8'],
    ['{loss:08.3f}|{loss:.1e}|{loss}', { loss: 1.5 }, '0001.500|1.5e+0|1.5'],
    ['plain', {}, 'plain'],
  ])('%s', (template, values, expected) => {
    expect(fileNameOf(template, values as Record<string, number>)).toBe(expected);
  });
  it('refuses what is not measured', () => {
    expect(() => fileNameOf('{f1}', { loss: 1 })).toThrow(/f1.*\n.*\n?.*loss/);
  });
});

describe('CSVLogger', () => {
  const rowsOf = (text: string) =>
    text
      .split('\r\n')
      .map((line) =>
        line.split(';').map((cell) => (cell === '' ? '' : Number.isNaN(Number(cell)) ? cell : Number(cell))),
      );

  it("writes Keras's file, appends to one, replaces one", async () => {
    const file = join(root, 'new folder', 'log.csv');
    await run(new CSVLogger(file, { separator: ';' }));
    expect(rowsOf(await readFile(file, 'utf8'))).toEqual(rowsOf(golden.csv));
    await run(new CSVLogger(file, { separator: ';', append: true }));
    expect(rowsOf(await readFile(file, 'utf8'))).toEqual(rowsOf(golden.csvTwice));
    await run(new CSVLogger(file, { separator: ';' }));
    expect(rowsOf(await readFile(file, 'utf8'))).toEqual(rowsOf(golden.csv));
  });

  it('has each row once when a run goes on from a state that is older than the file', async () => {
    const file = join(root, 'resumed.csv');
    const first = new CSVLogger(file, { separator: ';' });
    await first.onTrainBegin();
    await first.onEpochEnd(0, logsAt(0));
    await first.onEpochEnd(1, logsAt(1));
    const state = structuredClone(first.getState());
    await first.onEpochEnd(2, logsAt(2));
    await writeFile(file, `${await readFile(file, 'utf8')}3;0.2`);
    const second = new CSVLogger(file, { separator: ';' });
    await second.onTrainBegin();
    await second.setState(state);
    for (let epoch = 2; epoch < golden.losses.length; epoch++) await second.onEpochEnd(epoch, logsAt(epoch));
    expect(rowsOf(await readFile(file, 'utf8'))).toEqual(rowsOf(golden.csv));
  });
});

describe('in model.fit of tfjs', () => {
  it('callbacks watch what tfjs calls acc, and stop', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, activation: 'softmax', inputShape: [2] })],
    });
    const optimizer = tf.train.sgd(0.1);
    model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const x = tf.tensor2d([
      [1, 0],
      [0, 1],
    ]);
    const file = join(root, 'fit.csv');
    const lines: string[] = [];
    const { epoch } = await model.fit(x, x, {
      epochs: 50,
      verbose: 0,
      validationData: [x, x],
      callbacks: [
        new CSVLogger(file),
        new ReduceLROnPlateau({ monitor: 'val_accuracy', patience: 1, factor: 0.5, minDelta: 1 }),
        new EarlyStopping({ monitor: 'valAccuracy', patience: 4, minDelta: 0.01, restoreBestWeights: true }),
        new ProgressBar({ stream: { write: (text) => lines.push(text) } }),
      ],
    });
    expect(epoch.length).toBeLessThan(50);
    const rows = (await readFile(file, 'utf8')).trim().split('\r\n');
    expect(rows[0]).toBe('epoch,accuracy,loss,val_accuracy,val_loss');
    expect(rows).toHaveLength(epoch.length + 1);
    expect(optimizer as unknown as { learningRate: number }).toMatchObject({
      learningRate: 0.1 * 0.5 ** (epoch.length - 1),
    });
    expect(lines[0]).toBe('Epoch 1/50\n');
    expect(lines[1]).toMatch(/^1\/1 ━+ .*ms\/step - accuracy: .* - loss: .* - val_accuracy: .* - val_loss: /);
    tf.dispose(x);
    model.dispose();
    optimizer.dispose();
  });
});
