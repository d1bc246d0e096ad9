import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Classification } from '../../src/node.ts';
import {
  classify,
  classifyStream,
  disposeModel,
  getMetadata,
  loadImage,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { softmax } from '../../src/classify/probabilities.ts';
import type { CompiledModel } from '../../src/engines/compiled-model.ts';
import { runImages } from '../../src/pipeline/run-images.ts';
import { hasShared, shared } from '../support/shared.ts';
import { colourModel, colourPicture, tinyMetadata } from '../support/tiny-model.ts';

let red: Buffer, green: Buffer, blue: Buffer;
beforeAll(async () => {
  [red, green, blue] = await Promise.all([
    colourPicture(255, 0, 0),
    colourPicture(0, 255, 0),
    colourPicture(0, 0, 255),
  ]);
});

describe.each(['onnx', 'tfjs'] as const)('classify on %s', (engine) => {
  it('says what is on each picture, in their order, whatever the batch size', async () => {
    const model = colourModel();
    const pictures = [red, green, blue, blue, red, green, red];
    for (const batchSize of [1, 2, 3, 16]) {
      const results = await classify(pictures, { model, engine, batchSize, topK: 1 });
      expect(results.map(({ predictions }) => predictions[0]!.label)).toEqual([
        'red',
        'green',
        'blue',
        'blue',
        'red',
        'green',
        'red',
      ]);
      results.forEach(({ image }, index) => expect(image).toMatch(new RegExp(`^image ${index + 1} `)));
    }
    await disposeModel(model);
  });

  it('gives probabilities, most probable first', async () => {
    const model = colourModel();
    const { predictions } = await classify(await colourPicture(30, 20, 0), { model, engine });
    const exponentials = [3, 2, 0].map(Math.exp);
    const sum = exponentials.reduce((total, value) => total + value);
    expect(predictions.map(({ index }) => index)).toEqual([0, 1, 2]);
    predictions.forEach(({ probability }, rank) =>
      expect(probability).toBeCloseTo(exponentials[rank]! / sum, 5),
    );
    expect(predictions[0]).toMatchObject({ index: 0, wnid: '', label: 'red' });
    await disposeModel(model);
  });

  it('leaves no tensor behind, neither on success nor on failure nor when it is stopped', async () => {
    const model = colourModel();
    await classify(red, { model, engine });
    const before = tf.memory().numTensors;
    await classify([red, Buffer.from('no picture'), blue], { model, engine, batchSize: 2 });
    await expect(classify(Buffer.from('no picture'), { model, engine })).rejects.toThrow();
    await expect(classify([red, blue], { model, engine, signal: AbortSignal.abort() })).rejects.toMatchObject(
      { code: 'ABORTED' },
    );
    expect(tf.memory().numTensors).toBe(before);
    await disposeModel(model);
  });
});

describe('softmax', () => {
  it('bears logits of any size', () => {
    const [high, low] = softmax(Float32Array.of(1000, 999));
    expect(high).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
    expect(high! + low!).toBeCloseTo(1, 6);
    expect(Array.from(softmax(Float32Array.of(-1000, -1000)))).toEqual([0.5, 0.5]);
  });
});

describe('classify', () => {
  it('turns the logits of a model without activation into probabilities', async () => {
    const [softmaxed, linear] = [colourModel('softmax'), colourModel('linear')];
    const picture = await colourPicture(30, 20, 10);
    const expected = await classify(picture, { model: softmaxed });
    const found = await classify(picture, { model: linear });
    found.predictions.forEach(({ probability }, rank) =>
      expect(probability).toBeCloseTo(expected.predictions[rank]!.probability, 5),
    );
    await Promise.all([disposeModel(softmaxed), disposeModel(linear)]);
  });

  it('finds logits in a model within a model, and before a pooling layer', async () => {
    const dense = tf.layers.dense({ units: 3, inputShape: [3], kernelInitializer: 'identity' });
    const pool = () => tf.layers.globalAveragePooling2d({ inputShape: [4, 4, 3] });
    const nested = tf.sequential({ layers: [pool(), tf.sequential({ layers: [dense] })] });
    const convolve = tf.layers.conv2d({ inputShape: [4, 4, 3], filters: 3, kernelSize: 1 });
    const pooled = tf.sequential({ layers: [convolve, tf.layers.globalAveragePooling2d({})] });
    convolve.setWeights([tf.eye(3).reshape([1, 1, 3, 3]), tf.zeros([3])]);
    for (const model of [nested, pooled]) {
      const { predictions } = await classify(await colourPicture(1, 3, 2), { model, preprocessing: 'none' });
      const sum = [1, 2, 3].map(Math.exp).reduce((total, value) => total + value);
      [3, 2, 1].forEach((logit, rank) =>
        expect(predictions[rank]!.probability).toBeCloseTo(Math.exp(logit) / sum, 4),
      );
      model.dispose();
    }
  });

  it('calls an output that is not a number an error, not a class', async () => {
    const model = colourModel();
    model.getLayer('colours').setWeights([tf.fill([3, 3], NaN), tf.zeros([3])]);
    for (const engine of ['onnx', 'tfjs'] as const) {
      const [result] = await classify([red], { model, engine });
      expect(result).toMatchObject({ predictions: [], error: { code: 'ENGINE_FAILED' } });
    }
    await disposeModel(model);
  });

  it('reports an unreadable picture among others and goes on', async () => {
    const model = colourModel();
    const results = await classify([red, Buffer.alloc(0), 'missing.jpg', blue], { model, topK: 1 });
    expect(results.map(({ predictions }) => predictions[0]?.label)).toEqual([
      'red',
      undefined,
      undefined,
      'blue',
    ]);
    expect(results[1]!.error).toMatchObject({ code: 'IMAGE_EMPTY' });
    expect(results[2]!).toMatchObject({
      image: 'missing.jpg',
      predictions: [],
      error: { code: 'IMAGE_NOT_FOUND' },
    });
    await disposeModel(model);
  });

  it('throws for a single unreadable picture', async () => {
    const model = colourModel();
    await expect(classify('missing.jpg', { model })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await disposeModel(model);
  });

  it('takes tensors and pixels as well as files', async () => {
    const model = colourModel();
    const tensor = await loadImage(green);
    const pixels = {
      data: new Uint8Array(3 * 4 * 3).map((_, index) => (index % 3 === 2 ? 255 : 0)),
      width: 4,
      height: 3,
    };
    const results = await classify([tensor, pixels], { model, topK: 1 });
    expect(results.map(({ predictions }) => predictions[0]!.label)).toEqual(['green', 'blue']);
    tensor.dispose();
    await disposeModel(model);
  });

  it('hands each result over before the last picture is read', async () => {
    const model = colourModel();
    const pictures = Array.from({ length: 40 }, () => red);
    const seen: Classification[] = [];
    for await (const result of classifyStream(pictures, { model, batchSize: 4 })) {
      seen.push(result);
      if (seen.length === 5) break;
    }
    expect(seen).toHaveLength(5);
    await disposeModel(model);
  });

  it('leaves no run of the network behind when the reader stops early, or when a run fails', async () => {
    let running = 0;
    let runs = 0;
    const slow: Pick<CompiledModel, 'run'> = {
      async run(_, [count]) {
        const number = ++runs;
        running++;
        await new Promise((resolve) => setTimeout(resolve, number === 1 ? 1 : 30));
        running--;
        if (number === 4) throw new Error('the fourth run fails');
        return [{ data: new Float32Array(3 * count!), shape: [count!, 3] }];
      },
    };
    const pictures = Array.from({ length: 20 }, () => red);
    const stream = () => runImages(pictures, slow as CompiledModel, tinyMetadata, { batchSize: 2 });
    for await (const { index } of stream()) if (index === 0) break;
    expect([runs, running]).toEqual([2, 0]);
    const readAll = async () => {
      for await (const result of stream()) void result;
    };
    await expect(readAll()).rejects.toThrow('the fourth run fails');
    expect([runs, running]).toEqual([5, 0]);
  });

  it('refuses a batch that does not fit into memory', async () => {
    const network: Pick<CompiledModel, 'run'> = { run: () => Promise.reject(new Error('unused')) };
    const stream = runImages([red], network as CompiledModel, tinyMetadata, { batchSize: 1e12 });
    await expect(stream.next()).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });

  it('refuses what is no model, a model that was disposed of, and features instead of classes', async () => {
    const classifyAnything = classify as (image: unknown, options?: unknown) => Promise<unknown>;
    for (const options of [{ model: null }, { model: {} }]) {
      await expect(classifyAnything(red, options)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    }
    const disposed = colourModel();
    await disposeModel(disposed);
    await expect(classify(red, { model: disposed })).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    const pooled = await loadModel('squeezenet', {
      weights: null,
      includeTop: false,
      pooling: 'avg',
      inputShape: [48, 48, 3],
    });
    await expect(classify(red, { model: pooled })).rejects.toMatchObject({
      code: 'MODEL_INPUT',
      nextStep: expect.stringContaining('includeTop') as string,
    });
    await disposeModel(pooled);
  });

  it('reports progress up to the number of pictures', async () => {
    const model = colourModel();
    const done: number[] = [];
    await classify([red, green, blue], { model, onProgress: (progress) => done.push(progress.done) });
    expect(done).toEqual([1, 2, 3]);
    await disposeModel(model);
  });

  it('disposes of a model that it has loaded itself, also when it fails', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'dovecote-classify-')), 'model');
    const model = colourModel();
    await saveModel(model, folder);
    await disposeModel(model);
    const before = tf.memory().numTensors;
    expect((await classify(red, { model: folder })).predictions[0]!.label).toBe('red');
    await expect(classify('missing.jpg', { model: folder })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
    expect(tf.memory().numTensors).toBe(before);
    await rm(dirname(folder), { recursive: true });
  });

  it('gives an empty array for no pictures', async () => {
    const model = colourModel();
    expect(await classify([], { model })).toEqual([]);
    await disposeModel(model);
  });

  it('refuses a model that is no classifier, or that does not say how pictures are prepared', async () => {
    const plain = tf.sequential({
      layers: [tf.layers.flatten({ inputShape: [4, 4, 3] }), tf.layers.dense({ units: 2 })],
    });
    await expect(classify(red, { model: plain })).rejects.toMatchObject({
      code: 'MODEL_INPUT',
      message: expect.stringContaining('preprocessing') as string,
    });
    const { predictions } = await classify(red, { model: plain, preprocessing: 'tf' });
    expect(predictions.map(({ label }) => label).sort()).toEqual(['class 0', 'class 1']);
    await expect(classify(red, { model: plain, preprocessing: 'tf', labels: ['one'] })).rejects.toMatchObject(
      { code: 'MODEL_INPUT' },
    );
    const grey = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [4, 4, 1] })] });
    await expect(classify(red, { model: grey })).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    const map = tf.sequential({
      layers: [tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 2, kernelSize: 3 })],
    });
    await expect(classify(red, { model: map, preprocessing: 'tf' })).rejects.toMatchObject({
      code: 'MODEL_INPUT',
      message: expect.stringContaining('not a classifier') as string,
    });
    [plain, grey, map].forEach((model) => model.dispose());
  });

  it.each([
    ['topK', 0],
    ['topK', 1.5],
    ['batchSize', 0],
    ['batchSize', NaN],
  ])('refuses %s = %s', async (option, value) => {
    const model = colourModel();
    await expect(classify(red, { model, [option]: value })).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await disposeModel(model);
  });
});

// From real Keras 2.18 (tf_keras) on this file, resized by Pillow 12 (BILINEAR), caffe preprocessing.
const kerasSays = [
  [
    "the network's own protocol (256 x 256, centre 227 x 227)",
    undefined,
    { tabby: 0.7366, tiger_cat: 0.1761, Egyptian_cat: 0.0871 },
  ],
  ['stretched to 227 x 227', { cropFraction: 1 }, { tabby: 0.8373, Egyptian_cat: 0.1187, tiger_cat: 0.044 }],
] as const;

describe.skipIf(!hasShared)('a real cat on the real SqueezeNet (needs ../shared)', () => {
  it.each(kerasSays)('%s: equals Keras on both engines', async (_, resize, expected) => {
    const model = await loadModel('squeezenet', { weights: shared('weights/squeezenet_v1.1_keras2.0.9.h5') });
    const [onnx, tfjs] = [
      await classify(shared('images/tabby_cat.jpeg'), { model, engine: 'onnx', resize, topK: 3 }),
      await classify(shared('images/tabby_cat.jpeg'), { model, engine: 'tfjs', resize, topK: 3 }),
    ];
    expect(onnx.predictions.map(({ label }) => label)).toEqual(Object.keys(expected));
    Object.values(expected).forEach((probability, rank) => {
      expect(Math.abs(onnx.predictions[rank]!.probability - probability)).toBeLessThan(1e-3);
      expect(
        Math.abs(onnx.predictions[rank]!.probability - tfjs.predictions[rank]!.probability),
      ).toBeLessThan(1e-4);
    });
    expect(onnx.predictions[0]).toMatchObject({ index: 281, wnid: 'n02123045' });
    expect(getMetadata(model)?.architecture).toBe('squeezenet');
    await disposeModel(model);
  });
});
