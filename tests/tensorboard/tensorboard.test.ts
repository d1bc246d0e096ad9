import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainingContext } from '../../src/callbacks/callback.ts';
import { kernelPicture } from '../../src/callbacks/kernel-picture.ts';
import { TensorBoard, TensorBoardWriter } from '../../src/node.ts';
import type { SummaryValue } from '../../src/tensorboard/event-file.ts';
import { summaryRecord, versionRecord, wholeLength } from '../../src/tensorboard/event-file.ts';
import { histogramOf } from '../../src/tensorboard/histogram.ts';
import { pythonWith } from '../support/python.ts';

const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Record<
  'version' | 'scalars' | 'histogram' | 'image' | 'text',
  string
> & { histogramValues: number[]; histogramBuckets: [left: number, right: number, count: number][] };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-tensorboard-'));
});
afterAll(() => rm(root, { recursive: true }));

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('records are the bytes that TensorFlow writes', () => {
  it('the version', () => {
    expect(base64(versionRecord(1234.5))).toBe(golden.version);
  });
  const events: [keyof typeof golden, number, SummaryValue[]][] = [
    [
      'scalars',
      300,
      [
        { kind: 'scalar', tag: 'epoch_loss', value: 0.25 },
        { kind: 'scalar', tag: 'epoch_accuracy', value: 0.75 },
      ],
    ],
    [
      'histogram',
      2,
      [
        {
          kind: 'histogram',
          tag: 'kernel',
          histogram: {
            ...{ min: -1, max: 1, count: 3, sum: 0.5, sumOfSquares: 2.25 },
            limits: [0, 1],
            counts: [1, 2],
          },
        },
      ],
    ],
    [
      'image',
      1,
      [{ kind: 'image', tag: 'picture', encoded: Buffer.from('\x89PNG', 'latin1'), width: 3, height: 2 }],
    ],
    ['text', 1, [{ kind: 'text', tag: 'text', text: 'Grüße' }]],
  ];
  it.each(events)('%s', (name, step, values) => {
    expect(base64(summaryRecord({ wallTime: 1234.5, step, values }))).toBe(golden[name]);
  });
});

describe('histogramOf', () => {
  it('has the bins of tf.summary.histogram', () => {
    const found = histogramOf(golden.histogramValues);
    expect(found.counts).toEqual(golden.histogramBuckets.map(([, , count]) => count));
    found.limits.forEach((limit, at) => expect(limit).toBeCloseTo(golden.histogramBuckets[at]![1], 6));
    expect(found).toMatchObject({ min: -1, max: 3, count: 6, sum: 2, sumOfSquares: 10.375 });
  });
  it.each<[string, number[], object]>([
    ['nothing', [], { count: 0, counts: [0] }],
    ['one value', [2, 2], { min: 2, max: 2, count: 2, counts: [2], limits: [2] }],
    ['what is not finite', [1, NaN, Infinity, 1], { count: 2, max: 1 }],
  ])('copes with %s', (_, values, expected) => {
    expect(histogramOf(values)).toMatchObject(expected);
  });
});

describe('TensorBoardWriter', () => {
  it('goes on with a file behind its last whole record', async () => {
    const folder = join(root, 'again');
    const first = await TensorBoardWriter.open(folder);
    await first.scalar('a', 1, 0);
    const { file, size } = first;
    await first.scalar('a', 2, 1);
    await first.close();
    const whole = await readFile(file);
    expect(wholeLength(whole)).toBe(whole.length);
    await writeFile(file, whole.subarray(0, whole.length - 3));
    expect(wholeLength(await readFile(file))).toBe(size);
    const [fileName] = await readdir(folder);
    const second = await TensorBoardWriter.open(folder, { fileName: fileName! });
    expect(second.size).toBe(size);
    await second.scalar('a', 2, 1);
    await second.close();
    expect((await readFile(file)).length).toBe(whole.length);
    const third = await TensorBoardWriter.open(folder, { fileName: fileName!, size });
    expect(third.size).toBe(size);
    await third.close();
  });

  it('never writes into a file of another writer', async () => {
    const folder = join(root, 'two');
    const writers = [await TensorBoardWriter.open(folder), await TensorBoardWriter.open(folder)];
    for (const writer of writers) await writer.close();
    expect(await readdir(folder)).toHaveLength(2);
  });
});

describe('kernelPicture', () => {
  it('puts filters side by side, and leaves other tensors alone', () => {
    const picture = kernelPicture(
      Float32Array.from({ length: 2 * 2 * 3 * 2 }, (_, at) => at),
      [2, 2, 3, 2],
    );
    expect(picture).toMatchObject({ width: 5, height: 2, channels: 3 });
    const at = (x: number, y: number) => [...picture!.data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)];
    const level = (value: number) => Math.round((255 * value) / 23);
    expect(at(0, 0)).toEqual([0, 2, 4].map(level));
    expect(at(3, 0)).toEqual([1, 3, 5].map(level));
    expect(at(2, 0)).toEqual([0, 0, 0]);
    expect(kernelPicture([1, 2], [2])).toBeUndefined();
    expect(kernelPicture(new Float32Array(64), [1, 1, 8, 8])).toBeUndefined();
  });
});

/** A log as the callback leaves it. */
async function log(folder: string): Promise<void> {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], name: 'first' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, name: 'last' }),
    ],
  });
  const context = {
    model,
    getLearningRate: () => 0.125,
    publish: () => Promise.resolve(),
  } as unknown as TrainingContext;
  const make = () =>
    new TensorBoard({ logDir: folder, histogramFreq: 2, writeImages: true, updateFreq: 'batch' });
  let callback = make();
  callback.setContext(context);
  await callback.onTrainBegin();
  for (let epoch = 0; epoch < 3; epoch++) {
    for (let batch = 0; batch < 2; batch++)
      await callback.onBatchEnd(batch, { loss: 2 - epoch, batch, size: 8 });
    if (epoch === 1) {
      // Killed with more written than the checkpoint knows of.
      const state = structuredClone(callback.getState());
      await callback.onEpochEnd(1, { loss: 99, accuracy: 0, val_loss: 99, val_accuracy: 0 });
      callback = make();
      callback.setContext(context);
      await callback.onTrainBegin();
      await callback.setState(state);
    }
    await callback.onEpochEnd(epoch, { loss: 1 - epoch / 4, acc: 0.5, val_loss: 1, val_acc: epoch / 4 });
  }
  await callback.onTrainEnd();
  model.dispose();
}

describe('the callback TensorBoard', () => {
  it('leaves whole files in train and validation, each value once', async () => {
    const folder = join(root, 'log');
    const before = tf.memory().numTensors;
    await log(folder);
    expect(tf.memory().numTensors).toBe(before);
    expect((await readdir(folder)).sort()).toEqual(['train', 'validation']);
    const texts: Record<string, string> = {};
    for (const part of ['train', 'validation']) {
      const files = await readdir(join(folder, part));
      expect(files).toHaveLength(1);
      const bytes = await readFile(join(folder, part, files[0]!));
      expect(wholeLength(bytes)).toBe(bytes.length);
      texts[part] = bytes.toString('latin1');
    }
    const count = (part: string, tag: string) => texts[part]!.split(tag).length - 1;
    expect(count('train', 'epoch_learning_rate')).toBe(3);
    expect(count('train', 'batch_loss')).toBe(6);
    expect(count('train', 'first/kernel/histogram')).toBe(2);
    expect(count('train', 'first/kernel/image')).toBe(2);
    expect(count('validation', 'epoch_accuracy')).toBe(3);
  });

  const python = pythonWith(['tensorboard'], 'TensorBoard itself does not read the logs');
  it.skipIf(python === undefined)('writes what TensorBoard reads', { timeout: 120_000 }, async () => {
    const folder = join(root, 'for-tensorboard');
    await log(folder);
    const script = new URL('../oracle/tensorboard_events.py', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(python!, [script, folder]);
    const found = JSON.parse(stdout) as Record<string, Record<string, Record<string, unknown[][]>>>;
    expect(Object.keys(found)).toEqual(['train', 'validation']);
    const { scalars, histograms, images, text } = found['train']!;
    expect(scalars!['epoch_loss']).toEqual([
      [0, 1],
      [1, 0.75],
      [2, 0.5],
    ]);
    expect(Object.keys(scalars!)).toEqual([
      'batch_loss',
      'epoch_accuracy',
      'epoch_learning_rate',
      'epoch_loss',
    ]);
    expect(scalars!['batch_loss']!.map(([step]) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(histograms!['first/kernel/histogram']!.map(([, , count]) => count)).toEqual([108, 108]);
    expect(images!['first/kernel/image']!.map((event) => event.slice(1, 3))).toEqual([
      ['15', '3'],
      ['15', '3'],
    ]);
    expect(text!['model']).toHaveLength(1);
    expect(Object.keys(found['validation']!['scalars']!)).toEqual(['epoch_accuracy', 'epoch_loss']);
  });
});
