import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FineTuneOptions, LabelledImage } from '../../src/node.ts';
import {
  classify,
  disposeModel,
  extractFeatures,
  fineTune,
  getMetadata,
  loadModel,
  readImageFolder,
  saveModel,
} from '../../src/node.ts';
import { hasShared, shared } from '../support/shared.ts';
import { noisyPicture } from '../support/tiny-model.ts';

let root: string;
let weights: string;
let folder: string;

/** Warm against cold noise: easy to tell apart, but not constant. */
const colours = { cold: [60, 90, 190], warm: [200, 110, 60] } as const;

async function pictures(count: number, seed: number): Promise<LabelledImage[]> {
  const made: LabelledImage[] = [];
  for (const [label, colour] of Object.entries(colours)) {
    for (let number = 0; number < count; number++)
      made.push({ image: await noisyPicture(colour, seed + number), label });
  }
  return made;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-fine-tune-'));
  weights = join(root, 'base');
  const base = await loadModel('squeezenet', { weights: null, seed: 4, inputShape: [227, 227, 3] });
  await saveModel(base, weights, { quantize: 'float16' });
  await disposeModel(base);
  folder = join(root, 'pictures');
  for (const { image, label } of await pictures(8, 1)) {
    await mkdir(join(folder, label), { recursive: true });
    await writeFile(join(folder, label, `${Math.random()}.jpg`), image as Buffer);
  }
});
afterAll(() => rm(root, { recursive: true }));

const quick: FineTuneOptions = {
  epochs: 20,
  learningRate: 0.01,
  seed: 5,
  validationSplit: 0.25,
  patience: 0,
};

describe('fineTune', () => {
  it('trains on a folder, tells the classes apart, and says all about it', async () => {
    const epochs: number[] = [];
    const result = await fineTune('squeezenet', folder, {
      ...quick,
      weights,
      onEpoch: ({ epoch }) => epochs.push(epoch),
    });
    expect(result.classes).toEqual(['cold', 'warm']);
    expect(result.valAccuracy).toBe(1);
    expect(result).toMatchObject({
      epochs: 20,
      trainingImages: 12,
      validationImages: 4,
      stopped: 'completed',
      skipped: [],
      engine: 'onnx',
    });
    expect(result.evaluation.confusion).toEqual([
      [2, 0],
      [0, 2],
    ]);
    expect(epochs).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(result.history.at(-1)!.loss).toBeLessThan(result.history[0]!.loss);
    await disposeModel(result.model);
  });

  it('gives one plain model that knows its labels, preprocessing and input size, also after saving', async () => {
    const result = await fineTune('squeezenet', folder, { ...quick, weights });
    const out = join(root, 'out');
    await saveModel(result.model, out);
    const pictures = [await noisyPicture(colours.warm, 99), await noisyPicture(colours.cold, 98)];
    const direct = await classify(pictures, { model: result.model });
    const reloaded = await loadModel(out);
    expect(getMetadata(reloaded)).toMatchObject({
      labels: ['cold', 'warm'],
      preprocessing: 'caffe',
      inputSize: [227, 227],
      architecture: 'squeezenet',
    });
    expect(direct.map(({ predictions }) => predictions[0]!.label)).toEqual(['warm', 'cold']);
    expect(await classify(pictures, { model: reloaded })).toEqual(direct);
    // Plain tfjs, without a word about dovecote.
    const json = JSON.parse(await readFile(join(out, 'model.json'), 'utf8')) as tf.io.ModelJSON;
    const shards = await Promise.all(
      json.weightsManifest.flatMap(({ paths }) => paths).map((path) => readFile(join(out, path))),
    );
    const plain = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap(({ weights: specs }) => specs),
        weightData: new Uint8Array(Buffer.concat(shards)).buffer,
      }),
    );
    expect(plain.outputs[0]!.shape).toEqual([null, 2]);
    expect(
      plain.layers.filter((layer) => layer.trainable && layer.weights.length > 0).map((layer) => layer.name),
    ).toEqual(['head_predictions']);
    plain.dispose();
    await disposeModel(reloaded);
    await disposeModel(result.model);
  });

  it('reports the accuracy that its model really has on the validation pictures', async () => {
    const validation = await pictures(6, 40);
    const result = await fineTune('squeezenet', folder, {
      ...quick,
      weights,
      validation,
      epochs: 3,
      learningRate: 0.001,
    });
    const found = await classify(
      validation.map(({ image }) => image),
      { model: result.model, topK: 1 },
    );
    const right = found.filter(
      ({ predictions }, index) => predictions[0]!.label === validation[index]!.label,
    ).length;
    expect(result.valAccuracy).toBeCloseTo(right / validation.length, 10);
    await disposeModel(result.model);
  });

  it('with the same seed gives the same on the same engine, augmented or not; with another seed something else', async () => {
    const data = await pictures(5, 10);
    const kernelOf = async (options: FineTuneOptions) => {
      const { model } = await fineTune('squeezenet', data, { ...quick, epochs: 3, weights, ...options });
      const kernel = Array.from(model.getLayer('head_predictions').getWeights()[0]!.dataSync());
      await disposeModel(model);
      return kernel;
    };
    for (const augment of [false, true]) {
      const first = await kernelOf({ augment });
      expect(await kernelOf({ augment })).toEqual(first);
      expect(await kernelOf({ augment, seed: 6 })).not.toEqual(first);
    }
  });

  it('computes new features in every epoch when augmenting, once when not', async () => {
    const data = await pictures(3, 20);
    const phases = async (augment: boolean) => {
      const seen: string[] = [];
      const { model } = await fineTune('squeezenet', data, {
        ...quick,
        epochs: 3,
        weights,
        augment,
        onProgress: ({ phase, unit }) => unit === 'images' && !seen.includes(phase) && seen.push(phase),
      });
      await disposeModel(model);
      return seen;
    };
    expect(await phases(false)).toHaveLength(2);
    expect(await phases(true)).toHaveLength(4);
  });

  it('lists corrupt pictures and trains on the rest', async () => {
    const data = [...(await pictures(4, 30)), { image: Buffer.from('not a picture'), label: 'warm' }];
    const result = await fineTune('squeezenet', data, { ...quick, epochs: 2, weights });
    expect(result.skipped).toHaveLength(1);
    expect(result.skipped[0]!.reason).toMatch(/text|picture|image/i);
    expect(result.trainingImages + result.validationImages).toBe(8);
    await disposeModel(result.model);
  });

  it("stands on a loaded model too, which stays the caller's", async () => {
    const base = await loadModel('squeezenet', { weights, includeTop: true });
    const before = tf.memory().numTensors;
    const [kernel] = base.getLayer('conv1').getWeights();
    const values = Array.from(kernel!.dataSync());
    const result = await fineTune(base, folder, { ...quick, epochs: 2 });
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(Array.from(base.getLayer('conv1').getWeights()[0]!.dataSync())).toEqual(values);
    expect((await classify(await noisyPicture(colours.warm, 5), { model: base })).predictions).toHaveLength(
      5,
    );
    const bases = base.weights.length;
    await disposeModel(result.model);
    await disposeModel(base);
    expect(tf.memory().numTensors).toBe(before - bases);
  });

  it('when stopped returns the best so far, or nothing before the first epoch', async () => {
    const controller = new AbortController();
    const result = await fineTune('squeezenet', folder, {
      ...quick,
      epochs: 1000,
      weights,
      signal: controller.signal,
      onEpoch: ({ epoch }) => epoch === 3 && controller.abort(),
    });
    expect(result).toMatchObject({ stopped: 'aborted', epochs: 3 });
    await disposeModel(result.model);
    await expect(
      fineTune('squeezenet', folder, { ...quick, weights, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('stands on weights without a top as on weights with one', async () => {
    const topless = join(root, 'topless');
    const base = await loadModel('squeezenet', { weights: null, seed: 4, includeTop: false });
    await saveModel(base, topless, { quantize: 'float16' });
    await disposeModel(base);
    const before = tf.memory().numTensors;
    const histories = [];
    for (const each of [weights, topless]) {
      const { model, history } = await fineTune('squeezenet', folder, { ...quick, epochs: 2, weights: each });
      histories.push(history);
      await disposeModel(model);
    }
    expect(histories[1]).toEqual(histories[0]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves nothing behind but its model, and nothing at all when it fails', async () => {
    const before = tf.memory().numTensors;
    const { model } = await fineTune('squeezenet', folder, { ...quick, epochs: 2, weights, augment: true });
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    const broken = [
      { image: Buffer.from('x'), label: 'a' },
      { image: Buffer.from('x'), label: 'a' },
      ...(await pictures(2, 60)),
    ];
    await expect(fineTune('squeezenet', broken, { ...quick, weights })).rejects.toMatchObject({
      message: expect.stringContaining('"a"') as string,
    });
    await expect(
      fineTune('squeezenet', folder, { ...quick, weights, featureLayer: 'nowhere' }),
    ).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, FineTuneOptions]>([
    ['epochs', { epochs: 0 }],
    ['learningRate', { learningRate: -1 }],
    ['batchSize', { batchSize: 1.5 }],
    ['dropout', { dropout: 1 }],
    ['l2', { l2: -0.1 }],
    ['patience', { patience: -1 }],
    ['seed', { seed: 0.5 }],
    ['validationSplit', { validationSplit: 1 }],
    ['pooling', { pooling: 'sum' as 'avg' }],
    ['minimumArea', { augment: { minimumArea: 2 } }],
    ['colour', { augment: { colour: -1 } }],
  ])('refuses a senseless %s before any work', async (name, options) => {
    await expect(fineTune('squeezenet', '/nowhere', options)).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining(name) as string,
    });
  });

  it('takes classes with any name, and weights for some of them', async () => {
    const names = { cold: '__proto__', warm: 'constructor' } as Readonly<Record<string, string>>;
    const data = (await pictures(4, 70)).map((each) => ({ ...each, label: names[each.label]! }));
    const { model, ...result } = await fineTune('squeezenet', data, {
      ...quick,
      weights,
      classWeights: { constructor: 2 } as unknown as Record<string, number>,
    });
    expect(result).toMatchObject({ classes: ['__proto__', 'constructor'], valAccuracy: 1 });
    await disposeModel(model);
  });

  it('refuses class weights that cannot be used before any work', async () => {
    const wrong: FineTuneOptions['classWeights'][] = [{ hot: 1 }, { warm: Infinity }, 'equal' as 'none'];
    for (const classWeights of wrong) {
      await expect(fineTune('nowhere', folder, { classWeights })).rejects.toMatchObject({
        code: 'USAGE_ARGUMENT',
      });
    }
  });

  it('takes all pictures in one step without taking as much memory for the network', async () => {
    const { model, valAccuracy } = await fineTune('squeezenet', folder, {
      ...quick,
      weights,
      batchSize: 1e6,
    });
    expect(valAccuracy).toBe(1);
    await disposeModel(model);
  });

  it('lists corrupt pictures of both parts under the names that the caller gave', async () => {
    const corrupt = { image: Buffer.from('x'), label: 'warm' };
    const result = await fineTune('squeezenet', [corrupt, ...(await pictures(2, 80))], {
      ...quick,
      epochs: 1,
      weights,
      validation: [corrupt, { ...corrupt, name: 'the third' }, ...(await pictures(2, 90))],
    });
    expect(result.skipped.map(({ image }) => image).sort()).toEqual([
      'image 1 (1 bytes) of the training pictures',
      'image 1 (1 bytes) of the validation pictures',
      'the third',
    ]);
    await disposeModel(result.model);
  });

  it('stands on a model that was trained here, with or without its head', async () => {
    const first = await fineTune('squeezenet', folder, { ...quick, epochs: 2, weights });
    const trained = join(root, 'trained');
    await saveModel(first.model, trained);
    await disposeModel(first.model);
    const before = tf.memory().numTensors;
    for (const [featureLayer, last] of [
      [undefined, 'head_predictions'],
      ['head_pool', 'head_predictions'],
      ['head_predictions', 'head_predictions_2'],
    ] as const) {
      const { model } = await fineTune(trained, folder, { ...quick, epochs: 2, featureLayer });
      expect(model.layers.at(-1)!.name).toBe(last);
      expect(model.layers.filter(({ trainable, weights }) => trainable && weights.length > 0)).toHaveLength(
        1,
      );
      const again = join(root, `again-${last}-${featureLayer}`);
      await saveModel(model, again);
      await disposeModel(model);
      expect(
        (await classify(await noisyPicture(colours.warm, 5), { model: again })).predictions,
      ).toHaveLength(2);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives two runs at the same time the results of each alone', async () => {
    const kernel = async (seed: number) => {
      const { model } = await fineTune('squeezenet', folder, { ...quick, epochs: 4, weights, seed });
      const values = Array.from(model.getLayer('head_predictions').getWeights()[0]!.dataSync());
      await disposeModel(model);
      return values;
    };
    const alone = [await kernel(1), await kernel(2)];
    expect(await Promise.all([kernel(1), kernel(2)])).toEqual(alone);
  });

  it('refuses what is no base and no data', async () => {
    const anything = fineTune as (base: unknown, data: unknown) => Promise<unknown>;
    await expect(anything(undefined, folder)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await expect(anything('squeezenet', undefined)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });

  it('refuses validation pictures that lack a class, by name', async () => {
    const validation = [
      { image: await noisyPicture(colours.cold, 1), label: 'cold' },
      { image: await noisyPicture(colours.cold, 2), label: 'tepid' },
    ];
    const data = [...(await pictures(2, 1)), { image: await noisyPicture([0, 0, 0], 1), label: 'tepid' }];
    await expect(fineTune('squeezenet', data, { ...quick, weights, validation })).rejects.toMatchObject({
      code: 'DATASET_CLASSES',
      nextStep: expect.stringContaining('"warm"') as string,
    });
  });

  it('refuses validation pictures of other classes, by name', async () => {
    const validation = [
      ...(await pictures(1, 1)),
      { image: await noisyPicture([0, 0, 0], 1), label: 'tepid' },
    ];
    await expect(fineTune('squeezenet', folder, { ...quick, weights, validation })).rejects.toMatchObject({
      code: 'DATASET_CLASSES',
      message: expect.stringContaining('tepid') as string,
    });
  });

  it('refuses a base whose features cannot be told from its classifier', async () => {
    const base = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [8, 8, 3] }),
        tf.layers.dense({ units: 4, name: 'middle' }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    const options = { ...quick, epochs: 2, preprocessing: 'tf' } as const;
    await expect(fineTune(base, folder, options)).rejects.toMatchObject({
      code: 'MODEL_INPUT',
      nextStep: expect.stringContaining('featureLayer') as string,
    });
    const { model } = await fineTune(base, folder, { ...options, featureLayer: 'middle' });
    expect(model.outputs[0]!.shape).toEqual([null, 2]);
    base.dispose();
  });
});

describe('extractFeatures', () => {
  it('gives one row for each readable picture, the same on both engines', async () => {
    const model = await loadModel('squeezenet', { weights });
    const images = [
      await noisyPicture(colours.warm, 1),
      Buffer.from('no picture'),
      await noisyPicture(colours.cold, 2),
    ];
    const before = tf.memory().numTensors;
    const uses = model.getLayer('fire9/concat').outboundNodes.length;
    const onnx = await extractFeatures(model, images, { engine: 'onnx' });
    const tfjs = await extractFeatures(model, images, { engine: 'tfjs' });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.getLayer('fire9/concat').outboundNodes).toHaveLength(uses);
    expect(onnx).toMatchObject({
      width: 512,
      rows: [0, 2],
      skipped: [{ reason: expect.any(String) as string }],
    });
    const largest = Math.max(...onnx.data);
    onnx.data.forEach((value, index) =>
      expect(Math.abs(value - tfjs.data[index]!) / largest).toBeLessThan(1e-4),
    );
    await disposeModel(model);
  });
});

describe('extractFeatures, wrongly called', () => {
  it.each([{ batchSize: 0 }, { pooling: 'sum' as 'avg' }])('refuses %j', async (options) => {
    const model = await loadModel('squeezenet', { weights: null, inputShape: [48, 48, 3] });
    await expect(extractFeatures(model, [], options)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await disposeModel(model);
  });
});

describe.skipIf(!hasShared)('ants against bees (needs ../shared)', () => {
  it('reaches the reference accuracy of 0.85 and lists the stray GIF', async () => {
    const result = await fineTune('squeezenet', shared('datasets/hymenoptera_data/train'), {
      validation: shared('datasets/hymenoptera_data/val'),
      weights: shared('weights/squeezenet_v1.1_keras2.0.9.h5'),
      seed: 1,
    });
    expect(result.valAccuracy).toBeGreaterThanOrEqual(0.85);
    expect(result).toMatchObject({ trainingImages: 244, validationImages: 153, classes: ['ants', 'bees'] });
    expect(result.skipped.map(({ image }) => image)).toEqual([expect.stringMatching(/imageNotFound\.gif$/)]);
    await disposeModel(result.model);
  });

  it('reads the folder as the tutorial has it', async () => {
    const { classes, images } = await readImageFolder(shared('datasets/hymenoptera_data/val'));
    expect(classes.map((label) => images.filter((each) => each.label === label).length)).toEqual([70, 83]);
  });
});
