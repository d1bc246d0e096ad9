import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  classify,
  compileModel,
  convert,
  disposeModel,
  fineTune,
  getMetadata,
  inspect,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { preprocessInput } from '../../src/images/preprocess.ts';
import { findModel } from '../../zoo/registry.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, html, startFaultServer, status } from '../support/fault-server.ts';
import { parityModule } from '../support/keras-parity.ts';
import { itOnLoopback } from '../support/network.ts';
import { noisyPicture } from '../support/tiny-model.ts';
import {
  teachableLabels as labels,
  teachableMetadata as metadata,
  teachableModel,
  writeTeachable,
} from '../support/teachable.ts';

const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');

/** A network of one channel, as the embedded models have. */
function greyNetwork(): tf.LayersModel {
  const input = tf.input({ shape: [96, 96, 1] });
  const init = (seed: number) => tf.initializers.glorotUniform({ seed });
  const convolution = tf.layers.conv2d({ filters: 8, kernelSize: 3, strides: 4, kernelInitializer: init(3) });
  const normalized = tf.layers.batchNormalization().apply(convolution.apply(input));
  const output = tf.layers.reLU({ maxValue: 6, name: 'out_relu' }).apply(normalized) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => String((error as { code?: string }).code ?? error),
  );
}

let root: string;
let folder: string;
/** What the site's own model says about a picture of random numbers, 0 to 255. */
let picture: tf.Tensor3D;
let expected: number[];

beforeAll(async () => {
  await tf.ready();
  root = await mkdtemp(join(tmpdir(), 'dovecote-teachable-'));
  const { card, build } = findModel('mobilenetv2');
  const network = build(card, { alpha: 0.35, includeTop: false }, { kernel: 'zeros' });
  fillWithSeededWeights(tf, network, 0.75);
  const model = teachableModel(network, 'out_relu');
  folder = await writeTeachable(join(root, 'export'), model, metadata);
  picture = tf.randomUniform([224, 224, 3], 0, 256, 'int32', 3);
  expected = tf.tidy(() => {
    const input = picture.expandDims(0).toFloat().div(tf.scalar(127)).sub(tf.scalar(1));
    return Array.from((model.predict(input) as tf.Tensor).dataSync());
  });
  await disposeModel(model);
}, 60_000);
afterAll(async () => {
  picture.dispose();
  await rm(root, { recursive: true });
});

describe('an image model of Teachable Machine', () => {
  it.each(['tfjs', 'onnx'] as const)('says what the site says, with its labels, on %s', async (engine) => {
    const before = tf.memory().numTensors;
    const { predictions } = await classify(picture, { model: folder, engine, topK: 3 });
    expect(predictions.map(({ label }) => label).sort()).toEqual([...labels].sort());
    for (const { index, label, probability } of predictions) {
      expect(label).toBe(labels[index]);
      expect(Math.abs(probability - expected[index]!)).toBeLessThanOrEqual(1e-5);
    }
    expect(new Set(expected.map((value) => value.toFixed(4))).size).toBe(3);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('cuts the square out of the middle, as the site does, and takes values from -1 to a little above 1', async () => {
    const model = await loadModel(folder);
    expect(getMetadata(model)).toMatchObject({
      labels,
      preprocessing: 'teachable',
      inputSize: [224, 224],
      resize: { mode: 'cover', filter: 'bilinear', cropFraction: 1 },
    });
    await disposeModel(model);
    const levels = tf.tensor3d([0, 127, 255], [1, 1, 3]);
    const prepared = preprocessInput(levels, 'teachable');
    expect(Array.from(prepared.dataSync())).toEqual([-1, 0, Math.fround(Math.fround(255 / 127) - 1)]);
    tf.dispose([levels, prepared]);
  });

  it('is inspected and converted without another option; the copy classifies the same', async () => {
    const inspection = await inspect(folder);
    expect(inspection.notes).toContain('an image model of Teachable Machine');
    expect(inspection.problems).toEqual([]);
    const out = join(root, 'converted');
    await convert(folder, out);
    const { predictions } = await classify(picture, { model: out, topK: 3 });
    predictions.forEach(({ index, label, probability }) => {
      expect(label).toBe(labels[index]);
      expect(Math.abs(probability - expected[index]!)).toBeLessThanOrEqual(1e-5);
    });
  });

  it('is a base for another head, and so is what was trained on it', async () => {
    const images = join(root, 'images');
    for (const [label, seed] of [
      ['dark', 1],
      ['light', 2],
    ] as const) {
      await mkdir(join(images, label), { recursive: true });
      for (let i = 0; i < 4; i++) {
        await writeFile(join(images, label, `${i}.png`), await noisyPicture([seed * 80, 100, 100], i));
      }
    }
    const before = tf.memory().numTensors;
    const trained = await fineTune(folder, images, { epochs: 2, seed: 1 });
    expect(getMetadata(trained.model)).toMatchObject({
      labels: ['dark', 'light'],
      preprocessing: 'teachable',
    });
    const out = join(root, 'trained');
    await saveModel(trained.model, out);
    await disposeModel(trained.model);
    const again = await fineTune(out, images, { epochs: 1, seed: 1 });
    expect(again.model.outputs[0]!.shape).toEqual([null, 2]);
    await disposeModel(again.model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('metadata.json', () => {
  async function withMetadata(name: string, text: string | undefined): Promise<string> {
    const copy = join(root, name);
    await cp(folder, copy, { recursive: true });
    if (text === undefined) await rm(join(copy, 'metadata.json'));
    else await writeFile(join(copy, 'metadata.json'), text);
    return copy;
  }

  it('may be missing: classes then have numbers, and a note says why', async () => {
    const bare = await withMetadata('bare', undefined);
    const { predictions } = await classify(picture, { model: bare, topK: 1 });
    expect(predictions[0]!.label).toBe(`class ${predictions[0]!.index}`);
    expect((await inspect(bare)).notes.join()).toMatch(/no metadata\.json/);
  });

  it.each([
    ['cut off', '{"labels": ["apple", "ban'],
    ['without labels', '{"imageSize": 224}'],
    ['with labels that are no text', '{"labels": [1, 2, 3]}'],
    ['of another model', '{"labels": ["apple", "banana"]}'],
    ['of a larger model', '{"labels": ["apple", "banana", "cherry", "date", "elder"]}'],
    ['not an object', 'null'],
  ])('that is %s is damaged', async (name, text) => {
    const copy = await withMetadata(name, text);
    expect(await codeOf(loadModel(copy))).toBe('FORMAT_DAMAGED');
  });

  it('of other models is not asked for', async () => {
    const plain = join(root, 'plain');
    const model = greyNetwork();
    await writeTeachable(plain, model, undefined);
    await writeFile(join(plain, 'metadata.json'), 'anything');
    const loaded = await loadModel(plain);
    expect(getMetadata(loaded)).toBeUndefined();
    await disposeModel(model);
    await disposeModel(loaded);
  });
});

describe('a model that was trained on greyscale', () => {
  it.each(['tfjs', 'onnx'] as const)('makes colour pictures grey itself, on %s', async (engine) => {
    const before = tf.memory().numTensors;
    const network = greyNetwork();
    const model = teachableModel(network, 'out_relu');
    const grey = await writeTeachable(join(root, `grey-${engine}`), model, {
      ...metadata,
      grayscale: true,
      imageSize: 96,
    });
    const input = tf.randomUniform<tf.Rank.R3>([96, 96, 3], 0, 256, 'int32', 9);
    const wanted = tf.tidy(() => {
      const sum = input.toFloat().mul([0.2989, 0.587, 0.114]).sum(-1).expandDims(-1);
      const prepared = sum.expandDims(0).div(tf.scalar(127)).sub(tf.scalar(1));
      return Array.from((model.predict(prepared) as tf.Tensor).dataSync());
    });
    const loaded = await loadModel(grey);
    expect(loaded.inputs[0]!.shape).toEqual([null, 96, 96, 3]);
    const compiled = await compileModel(loaded, { engine });
    expect(compiled.engine).toBe(engine);
    await compiled.dispose();
    const { predictions } = await classify(input, { model: loaded, engine, topK: 3 });
    for (const { index, label, probability } of predictions) {
      expect(label).toBe(labels[index]);
      expect(Math.abs(probability - wanted[index]!)).toBeLessThanOrEqual(1e-5);
    }
    expect((await inspect(grey)).notes.join()).toMatch(/greyscale/);
    await disposeModel(loaded);
    await disposeModel(model);
    input.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('on a server', () => {
  let server: FaultServer;
  beforeAll(async () => {
    const bytes = async (name: string) => file(await readFile(join(folder, name)));
    const model = { 'model.json': await bytes('model.json'), 'weights.bin': await bytes('weights.bin') };
    const under = (path: string, files: object) =>
      Object.fromEntries(Object.entries(files).map(([name, answer]) => [`/models/${path}/${name}`, answer]));
    server = await startFaultServer({
      ...under('whole', { ...model, 'metadata.json': await bytes('metadata.json') }),
      ...under('bare', { ...model, 'metadata.json': status(404) }),
      // Storage services answer so where nobody may list what there is.
      ...under('forbidden', { ...model, 'metadata.json': status(403) }),
      ...under('gone', { ...model, 'metadata.json': status(410) }),
      ...under('start-page', { ...model, 'metadata.json': html() }),
      ...under('closed', { ...model, 'metadata.json': status(401) }),
    });
  });
  afterAll(() => server.close());

  itOnLoopback('is loaded by the address of its folder', async () => {
    const model = await loadModel(`${server.url}/models/whole/`);
    expect(getMetadata(model)?.labels).toEqual(labels);
    await disposeModel(model);
  });

  const without = ['bare', 'forbidden', 'gone', 'start-page'];
  itOnLoopback.each(without)('without metadata.json it has no labels: %s', async (name) => {
    const model = await loadModel(`${server.url}/models/${name}/model.json`);
    expect(getMetadata(model)?.labels).toEqual([]);
    await disposeModel(model);
  });

  itOnLoopback('a metadata.json that may not be read is no missing one', async () => {
    expect(await codeOf(loadModel(`${server.url}/models/closed/`))).toBe('NETWORK_STATUS');
  });
});
