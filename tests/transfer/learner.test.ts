import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LabelledImage } from '../../src/node.ts';
import {
  buildClassifier,
  disposeModel,
  EarlyStopping,
  fineTune,
  freeze,
  getMetadata,
  Learner,
  loadModel,
  stagesOf,
  unfreezeFrom,
} from '../../src/node.ts';
import { noisyPicture } from '../support/tiny-model.ts';

const colours = { cold: [60, 90, 190], warm: [200, 110, 60] } as const;
const CLASSES = ['cold', 'warm'];
let data: LabelledImage[];
let validation: LabelledImage[];
let cache: string;
let tensors: number;
beforeAll(async () => {
  await tf.setBackend('wasm').catch(() => false);
  cache = await mkdtemp(join(tmpdir(), 'dovecote-learner-'));
  const made = async (count: number, seed: number) =>
    Promise.all(
      Object.entries(colours).flatMap(([label, colour]) =>
        Array.from({ length: count }, async (_, at) => ({
          image: await noisyPicture(colour, seed + at),
          label,
        })),
      ),
    );
  data = await made(8, 1);
  validation = await made(4, 50);
  // Whatever the first use of the library keeps.
  const model = await small();
  model.dispose();
});
afterAll(() => rm(cache, { recursive: true }));
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

/** A MobileNet, whose blocks have BatchNormalization. */
const small = () =>
  loadModel('mobilenetv2', {
    weights: null,
    seed: 3,
    alpha: 0.35,
    inputShape: [64, 64, 3],
    includeTop: false,
  });

async function classifier() {
  const base = await small();
  return buildClassifier(base, { classes: CLASSES, preprocessing: 'tf', dropout: 0.2 });
}

const trainedNames = (model: tf.LayersModel) =>
  model.layers.filter((layer) => layer.trainableWeights.length > 0).map(({ name }) => name);

describe('stagesOf', () => {
  it('finds where feature maps become smaller', async () => {
    const model = await classifier();
    const stages = stagesOf(model);
    expect(stages.map(({ size }) => size)).toEqual([
      [32, 32],
      [16, 16],
      [8, 8],
      [4, 4],
      [2, 2],
    ]);
    expect(stages.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(stages.flatMap(({ layers }) => layers)).toEqual([
      ...new Set(model.layers.slice(1).map(({ name }) => name)),
    ]);
    expect(stages.at(-1)!.layers.at(-1)).toBe('head_predictions');
    await disposeModel(model);
  });

  it('is not misled by squeeze-and-excite blocks', async () => {
    const model = await loadModel('mobilenetv3small', { weights: null, seed: 1, inputShape: [96, 96, 3] });
    expect(stagesOf(model).map(({ size }) => size[0])).toEqual([48, 24, 12, 6, 3]);
    await disposeModel(model);
  });
});

describe('freeze and unfreezeFrom', () => {
  it('train the end of a network, without its BatchNormalization', async () => {
    const model = await classifier();
    expect(trainedNames(model)).toEqual(['head_predictions']);
    unfreezeFrom(model, 'block_16_expand');
    const names = trainedNames(model);
    expect(names).toEqual([
      'block_16_expand',
      'block_16_depthwise',
      'block_16_project',
      'Conv_1',
      'head_predictions',
    ]);
    unfreezeFrom(model, 'block_16_expand', { batchNormalization: true });
    expect(trainedNames(model)).toContain('block_16_project_BN');
    unfreezeFrom(model, -1);
    const last = stagesOf(model).at(-1)!.layers;
    expect(trainedNames(model).every((name) => last.includes(name))).toBe(true);
    expect(trainedNames(model).length).toBeGreaterThan(names.length);
    unfreezeFrom(model, 0);
    expect(trainedNames(model)[0]).toBe('Conv1');
    freeze(model, 'Conv_1');
    expect(trainedNames(model)).toEqual(['Conv_1', 'head_predictions']);
    freeze(model);
    expect(trainedNames(model)).toEqual([]);
    await disposeModel(model);
  });

  it('reach into nested models', async () => {
    const base = await small();
    const input = tf.input({ shape: [64, 64, 3] });
    const pooled = tf.layers.globalAveragePooling2d({}).apply(base.apply(input)) as tf.SymbolicTensor;
    const output = tf.layers.dense({ units: 2, activation: 'softmax' }).apply(pooled) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    base.trainable = false;
    unfreezeFrom(model, 'Conv_1');
    const names = model.trainableWeights.map(({ originalName }) => originalName.split('/')[0]);
    expect(names[0]).toBe('Conv_1');
    expect(names).toHaveLength(3);
    await disposeModel(model);
  });

  it.each<[string | number]>([['nowhere'], [7], [-6], [0.5]])('refuse %s', async (start) => {
    const model = await classifier();
    expect(() => unfreezeFrom(model, start)).toThrow(/no layer|no stage|stage's number/);
    await disposeModel(model);
  });
});

describe('buildClassifier', () => {
  it('gives a classifier that knows how to be used', async () => {
    const model = await classifier();
    expect(model.outputs[0]!.shape).toEqual([null, 2]);
    expect(getMetadata(model)).toMatchObject({ labels: CLASSES, preprocessing: 'tf', inputSize: [64, 64] });
    await disposeModel(model);
  });
  it.each<[string, object]>([
    ['classes', { classes: ['a'] }],
    ['classes', { classes: ['a', 'a'] }],
    ['classes', { classes: 'ab' }],
    ['dropout', { classes: CLASSES, dropout: 1 }],
    ['pooling', { classes: CLASSES, pooling: 'sum' }],
  ])('refuses senseless %s', async (name, options) => {
    const base = await small();
    expect(() => buildClassifier(base, options as never)).toThrow(name);
    await disposeModel(base);
  });
});

describe('Learner', () => {
  const options = () => ({ validation, cache, seed: 2 });

  it('is what fineTune is made of', async () => {
    const base = await small();
    const whole = await fineTune(base, data, {
      ...options(),
      ...{ epochs: 5, unfrozenEpochs: 2, unfreezeFrom: 'Conv_1', dropout: 0.2, patience: 0 },
    });
    const other = await small();
    const model = buildClassifier(other, { classes: CLASSES, dropout: 0.2 });
    const learner = await Learner.create(model, data, options());
    const { frozen, unfrozen } = await learner.fineTune(5, 2, {
      frozen: { classWeights: 'balanced' },
      unfrozen: { classWeights: 'balanced' },
      unfreezeFrom: 'Conv_1',
    });
    expect(whole.stages.map(({ history }) => history)).toEqual([frozen.history, unfrozen!.history]);
    expect(whole.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(unfrozen!.evaluation.accuracy).toBeGreaterThanOrEqual(frozen.evaluation.accuracy);
    expect([frozen.trainedLayers, unfrozen!.trainedLayers]).toEqual([1, 6]);
    const values = (from: tf.LayersModel) => from.getWeights().map((weight) => Array.from(weight.dataSync()));
    expect(values(whole.model)).toEqual(values(model));
    await disposeModel(whole.model);
    await disposeModel(base);
    await disposeModel(model);
  });

  it('fitHead goes on from the head that is there', async () => {
    const model = await classifier();
    const learner = await Learner.create(model, data, options());
    const first = await learner.fitHead(6);
    const second = await learner.fitHead(1, { learningRate: 1e-6, restoreBestWeights: false });
    expect(second.evaluation.loss).toBeCloseTo(first.evaluation.loss, 3);
    await disposeModel(model);
  });

  it('takes callbacks, which see one training', async () => {
    const model = await classifier();
    const learner = await Learner.create(model, data, options());
    const stopping = new EarlyStopping({ monitor: 'val_loss', patience: 1, minDelta: 10 });
    const result = await learner.fitHead(20, { callbacks: [stopping] });
    expect(result).toMatchObject({ stopped: 'early' });
    expect(result.history).toHaveLength(2);
    await disposeModel(model);
  });

  it('finds a learning rate, and leaves the model as it was', async () => {
    const model = await classifier();
    const learner = await Learner.create(model, data, options());
    await learner.fitHead(2);
    unfreezeFrom(model, 'Conv_1');
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const { rates, losses, suggestion } = await learner.findLearningRate({
      steps: 20,
      batchSize: 8,
      highest: 10,
    });
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    expect(rates).toHaveLength(losses.length);
    expect(rates[0]).toBeCloseTo(1e-6, 9);
    expect(rates).toContain(suggestion);
    expect(suggestion).toBeLessThan(1);
    await expect(learner.findLearningRate({ lowest: 2, highest: 1 })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await disposeModel(model);
  });

  it('keeps its state in a file, and goes on from it in another process', async () => {
    const run = async (more: object, epochs = 3) => {
      const model = await classifier();
      const learner = await Learner.create(model, data, options());
      unfreezeFrom(model, 'Conv_1');
      const result = await learner
        .fit(epochs, { learningRate: 1e-3, schedule: 'oneCycle', batchSize: 4, ...more })
        .catch((error: unknown) => error as Error);
      const weights = model.getWeights().map((weight) => Array.from(weight.dataSync()));
      await disposeModel(model);
      return { result, weights };
    };
    const expected = await run({});
    const checkpoint = join(cache, 'deep', 'state.safetensors');
    const stop = new AbortController();
    const stopAt = { signal: stop.signal, onEpoch: () => stop.abort() };
    await run({ checkpoint, checkpointSeconds: 0, ...stopAt });
    const found = await run({ checkpoint, resume: true });
    expect(found.weights).toEqual(expected.weights);
    expect((await run({ checkpoint })).result).toMatchObject({ code: 'CHECKPOINT_EXISTS' });
    expect((await run({ checkpoint, resume: true }, 4)).result).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
    });
    expect((await run({ resume: true })).result).toMatchObject({ code: 'USAGE_ARGUMENT' });
  });

  it('tells a head that cannot be trained alone', async () => {
    const model = await classifier();
    const logits = tf.model({
      inputs: model.inputs,
      outputs: tf.layers
        .dense({ units: 2, name: 'logits' })
        .apply(model.getLayer('head_dropout').output) as tf.SymbolicTensor,
    });
    const learner = await Learner.create(logits, data, { ...options(), preprocessing: 'tf' });
    await expect(learner.fitHead(1)).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    // But trained with others, or alone by plain steps.
    const { evaluation } = await learner.fit(1, { learningRate: 0.01 });
    expect(evaluation.loss).toBeGreaterThan(0);
    logits.getLayer('logits').dispose();
    await disposeModel(model);
  });

  it.each<[string, object]>([
    ['warmUp', { warmUp: 1 }],
    ['schedule', { schedule: 'linear' }],
    ['labelSmoothing', { labelSmoothing: -0.1 }],
    ['mixup', { mixup: -1 }],
    ['weightDecay', { weightDecay: NaN }],
    ['clipNorm', { clipNorm: 0 }],
    ['callbacks', { callbacks: {} }],
    ['l2', { l2: -1 }],
  ])('refuses a senseless %s', async (name, more) => {
    const model = await classifier();
    const learner = await Learner.create(model, data, options());
    await expect(learner.fitHead(1, more)).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining(name) as string,
    });
    await disposeModel(model);
  });
});
