import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LabelledImage } from '../../src/datasets/labelled-images.ts';
import { classify, disposeModel, registerTrainingKernels, setMetadata, trainModel } from '../../src/node.ts';
import { featureCacheSize } from '../../src/training/feature-store.node.ts';
import { seededTensor } from '../support/seeded.ts';
import { noisyPicture, tinyMetadata } from '../support/tiny-model.ts';

const L = tf.layers;
const CLASSES = ['blue', 'green', 'red'];
const COLOURS = { red: [170, 110, 110], green: [110, 170, 110], blue: [110, 110, 170] } as const;

let cache: string;
let pictures: { encoded: LabelledImage[]; pixels: LabelledImage[]; validation: LabelledImage[] };
beforeAll(async () => {
  await tf.setBackend('wasm');
  registerTrainingKernels();
  cache = await mkdtemp(join(tmpdir(), 'dovecote-train-'));
  const encoded = await Promise.all(
    Array.from({ length: 18 }, async (_, index): Promise<LabelledImage> => {
      const label = CLASSES[index % 3]! as keyof typeof COLOURS;
      return { image: await noisyPicture(COLOURS[label], index, 24), label };
    }),
  );
  const pixels = encoded.map(({ label }, index): LabelledImage => {
    const colour = COLOURS[label as keyof typeof COLOURS];
    const data = seededTensor([12 * 12 * 3], index).map(
      (value, at) => colour[at % 3]! + Math.round(value * 60),
    );
    return { image: { data: Uint8Array.from(data), width: 12, height: 12 }, label };
  });
  pictures = { encoded: encoded.slice(0, 12), pixels, validation: encoded.slice(12) };
});
afterAll(() => rm(cache, { recursive: true, force: true }));

let tensors: number;
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

function network(): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3], name: 'picture' });
  const layers = [
    L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'a' }),
    L.batchNormalization({ name: 'b' }),
    L.reLU({ name: 'c' }),
    L.conv2d({
      filters: 6,
      kernelSize: 3,
      strides: 2,
      kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
      name: 'd',
    }),
    L.batchNormalization({ name: 'e', momentum: 0.9 }),
    L.reLU({ name: 'f' }),
    L.globalAveragePooling2d({ name: 'g' }),
    L.dense({ units: 3, activation: 'softmax', name: 'h' }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output, name: 'colours' });
  layers.forEach((layer, number) => {
    const weights = layer.weights.map(({ shape }, index) => {
      const values = seededTensor(shape as number[], 10 * number + index);
      return tf.tensor(index === 3 ? values.map((value) => 1 + Math.abs(value)) : values, shape as number[]);
    });
    layer.setWeights(weights);
    tf.dispose(weights);
  });
  setMetadata(model, { ...tinyMetadata, labels: CLASSES, preprocessing: 'unit' });
  return model;
}

const stateOf = (model: tf.LayersModel) =>
  model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());
const freezeUpTo = (model: tf.LayersModel, name: string) => {
  const end = model.layers.findIndex((layer) => layer.name === name);
  model.layers.slice(0, end + 1).forEach((layer) => (layer.trainable = false));
};

/** What `model.fit` of tfjs makes of the same pictures, all in one step. */
async function fitted(
  model: tf.LayersModel,
  images: readonly LabelledImage[],
  epochs: number,
): Promise<number[]> {
  const data = images.flatMap(({ image }) =>
    [...(image as { data: Uint8Array }).data].map((level) => Math.fround(level / 255)),
  );
  const x = tf.tensor4d(data, [images.length, 12, 12, 3]);
  const y = tf.tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        images.map(({ label }) => CLASSES.indexOf(label)),
        'int32',
      ),
      3,
    ),
  );
  const optimizer = tf.train.sgd(0.05);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const { history } = await model.fit(x, y, { epochs, batchSize: images.length, shuffle: false, verbose: 0 });
  tf.dispose([x, y]);
  optimizer.dispose();
  return history.loss as number[];
}

describe.each([
  ['the first convolution and its BatchNormalization', 'b'],
  ['all but the head', 'g'],
  ['nothing', ''],
])('with %s frozen', (_, last) => {
  it('steps are those of model.fit on the whole model', async () => {
    const [ours, theirs] = [network(), network()];
    for (const model of [ours, theirs]) freezeUpTo(model, last);
    const before = stateOf(ours);
    const losses = await fitted(theirs, pictures.pixels, 4);
    const result = await trainModel(ours, pictures.pixels, {
      validation: pictures.validation,
      epochs: 4,
      batchSize: 100,
      optimizer: () => tf.train.sgd(0.05),
      restoreBestWeights: false,
      cache: false,
    });
    expect(result.history).toHaveLength(4);
    // tfjs counts the penalty of the regularizer to its loss, a frozen layer's too.
    const penalties = result.history.map(({ loss }, epoch) => losses[epoch]! - loss);
    penalties.forEach((penalty) => expect(penalty).toBeGreaterThan(0.01));
    if (last === 'g') penalties.forEach((penalty) => expect(penalty).toBeCloseTo(penalties[0]!, 5));
    const [found, expected] = [stateOf(ours), stateOf(theirs)];
    found.forEach((weight, index) => {
      weight.forEach((value, i) => expect(value).toBeCloseTo(expected[index]![i]!, 3));
    });
    const changed = ours
      .getWeights()
      .map((__, index) => !Buffer.from(found[index]!.buffer).equals(Buffer.from(before[index]!.buffer)));
    ours.weights.forEach(({ originalName }, index) => {
      const isFrozen = originalName.split('/')[0]! <= last;
      // The bias of a convolution in front of a BatchNormalization does not matter, and stays.
      if (isFrozen || originalName.endsWith('kernel')) expect(changed[index], originalName).toBe(!isFrozen);
    });
    expect(result.engine).toBe(last === '' ? undefined : 'onnx');
    await disposeModel(ours);
    await disposeModel(theirs);
  });
});

describe('trainModel', () => {
  it('learns, and the model that it leaves is the one that it measured', async () => {
    const model = network();
    freezeUpTo(model, 'b');
    const epochs: number[] = [];
    const result = await trainModel(model, pictures.encoded, {
      validation: pictures.validation,
      epochs: 24,
      batchSize: 4,
      learningRate: 0.02,
      seed: 3,
      cache: false,
      onEpoch: ({ epoch }) => epochs.push(epoch),
    });
    expect(epochs).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    expect(result.evaluation.accuracy).toBeGreaterThanOrEqual(5 / 6);
    expect(result).toMatchObject({
      classes: CLASSES,
      trainingImages: 12,
      validationImages: 6,
      stopped: 'completed',
    });
    const found = await classify(
      pictures.validation.map(({ image }) => image),
      { model, topK: 1 },
    );
    const right = found.filter(
      ({ predictions }, index) => predictions[0]!.label === pictures.validation[index]!.label,
    );
    expect(right.length / 6).toBeCloseTo(result.evaluation.accuracy, 10);
    await disposeModel(model);
  });

  it('uses the features of earlier runs, and of no other weights and no other preprocessing', async () => {
    const run = async (change: (model: tf.LayersModel) => void) => {
      const model = network();
      freezeUpTo(model, 'g');
      change(model);
      const { cachedImages, history } = await trainModel(model, pictures.encoded, {
        validation: pictures.validation,
        epochs: 2,
        cache,
      });
      await disposeModel(model);
      return { cachedImages, loss: history[1]!.loss };
    };
    const unchanged = () => undefined;
    const first = await run(unchanged);
    expect(first.cachedImages).toBe(0);
    expect(await run(unchanged)).toEqual({ cachedImages: 18, loss: first.loss });
    const other = await run((model) => {
      const [kernel, bias] = model.getLayer('a').getWeights();
      const changed = tf.mul(kernel!, 1.0001);
      model.getLayer('a').setWeights([changed, bias!]);
      changed.dispose();
    });
    expect(other.cachedImages).toBe(0);
    expect(
      await run((model) => setMetadata(model, { ...tinyMetadata, labels: CLASSES, preprocessing: 'tf' })),
    ).toMatchObject({
      cachedImages: 0,
    });
    expect(
      await run((model) =>
        setMetadata(model, {
          ...tinyMetadata,
          labels: CLASSES,
          preprocessing: 'unit',
          resize: { ...tinyMetadata.resize, filter: 'bicubic' },
        }),
      ),
    ).toMatchObject({ cachedImages: 0 });
    expect(await featureCacheSize(cache)).toMatchObject({ networks: 4, files: 72 });
  });

  it('varies pictures anew in each epoch, and computes features anew that do not fit into memory', async () => {
    const losses = async (options: object) => {
      const model = network();
      freezeUpTo(model, 'g');
      const phases = new Set<string>();
      const result = await trainModel(model, pictures.encoded, {
        validation: pictures.validation,
        epochs: 3,
        cache: false,
        onProgress: ({ phase }) => phases.add(phase),
        ...options,
      });
      await disposeModel(model);
      return { phases: [...phases], losses: result.history.map(({ loss }) => loss) };
    };
    const kept = await losses({});
    expect(kept.phases).toEqual([
      'features of the validation pictures',
      'features of the training pictures',
      'train',
    ]);
    const anew = await losses({ memoryLimit: 100 });
    expect(anew.losses).toEqual(kept.losses);
    expect(anew.phases).toContain('features, epoch 3');
    const varied = await losses({ augment: true });
    expect(varied.phases).toContain('features, epoch 2');
    expect(varied.losses).not.toEqual(kept.losses);
    expect((await losses({ augment: true })).losses).toEqual(varied.losses);
  });

  it('stops early, and when it is told to, with the best weights so far', async () => {
    const model = network();
    freezeUpTo(model, 'g');
    const early = await trainModel(model, pictures.encoded, {
      validation: pictures.validation,
      epochs: 50,
      patience: 2,
      optimizer: () => tf.train.sgd(1e-9),
      cache: false,
    });
    expect(early.stopped).toBe('early');
    expect(early.history.length).toBeLessThan(10);
    const controller = new AbortController();
    const stopped = await trainModel(model, pictures.encoded, {
      validation: pictures.validation,
      epochs: 50,
      cache: false,
      signal: controller.signal,
      onEpoch: ({ epoch }) => epoch === 3 && controller.abort(),
    });
    expect(stopped.stopped).toBe('aborted');
    expect(stopped.history).toHaveLength(3);
    await expect(
      trainModel(model, pictures.encoded, {
        validation: pictures.validation,
        cache: false,
        signal: controller.signal,
      }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await disposeModel(model);
  });

  it('refuses what cannot be trained, with a code', async () => {
    const model = network();
    const data = { validation: pictures.validation, cache: false };
    const two = pictures.encoded.filter(({ label }) => label !== 'red');
    await expect(trainModel(model, two, { cache: false })).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    for (const options of [
      { epochs: 0 },
      { batchSize: 1.5 },
      { learningRate: -1 },
      { patience: -1 },
      { seed: 0.5 },
      { memoryLimit: -1 },
      { optimizer: 'adam' as never },
    ]) {
      await expect(trainModel(model, pictures.encoded, { ...data, ...options })).rejects.toMatchObject({
        code: 'USAGE_ARGUMENT',
      });
    }
    model.trainable = false;
    await expect(trainModel(model, pictures.encoded, data)).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    await disposeModel(model);
  });
});
