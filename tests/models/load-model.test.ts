import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  convert,
  disposeModel,
  getMetadata,
  loadArchitecture,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { itOnLoopback } from '../support/network.ts';
import { hasShared, shared } from '../support/shared.ts';
import { colourModel, tinyMetadata } from '../support/tiny-model.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-models-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A saved SqueezeNet for 48 pixels and 5 classes with random weights: a stand-in for a weights file. */
async function savedSqueezeNet(name: string, options = {}): Promise<string> {
  const folder = join(root, name);
  const model = await loadModel('squeezenet', {
    weights: null,
    seed: 1,
    inputShape: [48, 48, 3],
    classes: 5,
    ...options,
  });
  await saveModel(model, folder);
  await disposeModel(model);
  return folder;
}

const small = { inputShape: [48, 48, 3], classes: 5 } as const;

function outputOf(model: tf.LayersModel): number[] {
  return tf.tidy(() => {
    const [height, width] = model.inputs[0]!.shape.slice(1) as [number, number];
    const input = tf.linspace(-100, 100, height * width * 3).reshape([1, height, width, 3]);
    return Array.from((model.predict(input) as tf.Tensor).dataSync());
  });
}

describe('weights of a zoo model', () => {
  /** Outputs of the same network with weights from each of these places. */
  async function outputsWith(sources: readonly (string | URL)[]): Promise<number[][]> {
    const before = tf.memory().numTensors;
    const outputs: number[][] = [];
    for (const weights of sources) {
      const model = await loadModel('squeezenet', { ...small, weights });
      outputs.push(outputOf(model));
      await disposeModel(model);
    }
    expect(tf.memory().numTensors).toBe(before);
    return outputs;
  }

  it('that are fresh come with what is needed to use the network', async () => {
    const model = await loadModel('squeezenet', { ...small, weights: null });
    expect(getMetadata(model)).toMatchObject({
      architecture: 'squeezenet',
      preprocessing: 'caffe',
      inputSize: [48, 48],
    });
    await disposeModel(model);
  });

  it('come from a folder, a model.json or a file: URL alike', async () => {
    const folder = await savedSqueezeNet('sources');
    const json = join(folder, 'model.json');
    const outputs = await outputsWith([folder, json, pathToFileURL(json), pathToFileURL(folder).href]);
    expect(outputs[0]!.length).toBe(5);
    expect(Math.max(...outputs[0]!) - Math.min(...outputs[0]!)).toBeGreaterThan(0);
    outputs.forEach((output) => expect(output).toEqual(outputs[0]));
  });

  itOnLoopback('come from an http: URL as from the folder', async () => {
    const folder = await savedSqueezeNet('served');
    const server = createServer((request, response) => {
      readFile(join(folder, new URL(request.url!, 'http://x').pathname)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [fromFolder, fromServer] = await outputsWith([folder, `${address}/model.json`]);
    server.close();
    expect(Math.max(...fromFolder!) - Math.min(...fromFolder!)).toBeGreaterThan(0);
    expect(fromServer).toEqual(fromFolder);
  });

  it('random ones repeat with their seed', async () => {
    const outputs = [];
    for (const seed of [1, 1, 2]) {
      const model = await loadModel('squeezenet', { ...small, weights: null, seed });
      outputs.push(outputOf(model));
      await disposeModel(model);
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).not.toEqual(outputs[0]);
  });

  it('that do not fit name the layer, both shapes and the file', async () => {
    const folder = await savedSqueezeNet('six', { classes: 6 });
    const before = tf.memory().numTensors;
    await expect(loadModel('squeezenet', { ...small, weights: folder })).rejects.toMatchObject({
      code: 'WEIGHTS_SHAPE',
      message: expect.stringMatching(
        /conv10[^]*\[1, 1, 512, 6\][^]*\[1, 1, 512, 5\]|conv10[^]*\[1, 1, 512, 5\][^]*\[1, 1, 512, 6\]/,
      ) as string,
    });
    await expect(loadModel('squeezenet', { ...small, weights: folder })).rejects.toThrow(/six/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('with one layer more or less say which, and that it may be the top', async () => {
    const folder = await savedSqueezeNet('with-top');
    await expect(
      loadModel('squeezenet', { ...small, weights: folder, includeTop: false }),
    ).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      message: expect.stringMatching(/conv10[^]*includeTop/) as string,
    });
  });

  it('load by name when asked', async () => {
    const folder = await savedSqueezeNet('by-name');
    const [byName, byPosition] = [
      await loadModel('squeezenet', { ...small, weights: folder, by: 'name' }),
      await loadModel('squeezenet', { ...small, weights: folder }),
    ];
    expect(outputOf(byName)).toEqual(outputOf(byPosition));
    await disposeModel(byName);
    await disposeModel(byPosition);
  });

  it('are not published for v1.0, nor for other numbers of classes', async () => {
    await expect(loadModel('squeezenet', { version: '1.0' })).rejects.toMatchObject({
      code: 'WEIGHTS_UNAVAILABLE',
    });
    await expect(loadModel('squeezenet', { classes: 7 })).rejects.toMatchObject({ code: 'WEIGHTS_SHAPE' });
  });

  it.each([
    ['a missing file', 'nowhere.h5', 'FILE_NOT_FOUND'],
    ['a folder without a model', '.', 'FILE_NOT_FOUND'],
  ])('%s is said to be missing', async (_, name, code) => {
    await expect(loadModel('squeezenet', { weights: join(root, name) })).rejects.toMatchObject({ code });
  });

  it.each([
    ['text', 'just some words'],
    ['nothing', ''],
    ['an HTML page', '<!doctype html><html></html>'],
    ['other JSON', '{"a": 1}'],
  ])('%s in place of weights is refused as such', async (name, content) => {
    const path = join(root, `${name.replace(/\s/g, '-')}.h5`);
    await writeFile(path, content);
    const before = tf.memory().numTensors;
    await expect(loadModel('squeezenet', { weights: path })).rejects.toMatchObject({
      code: expect.stringMatching(/^FORMAT_/) as string,
      nextStep: expect.any(String) as string,
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('an unknown way to match weights', () => {
  it('is refused before anything is read', async () => {
    const options = { weights: 'nowhere.h5', by: 'order' as 'name' };
    await expect(loadModel('squeezenet', options)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });
});

describe('a finished model', () => {
  it('comes back from its folder with its metadata, and frees all it took', async () => {
    const model = colourModel();
    await saveModel(model, join(root, 'colour'));
    const before = tf.memory().numTensors;
    const loaded = await loadModel(join(root, 'colour'));
    expect(getMetadata(loaded)).toEqual(tinyMetadata);
    expect(outputOf(loaded)).toEqual(outputOf(model));
    await disposeModel(loaded);
    expect(tf.memory().numTensors).toBe(before);
    await disposeModel(model);
  });

  it('saved quantised is close to what it was', async () => {
    const model = colourModel();
    for (const quantize of ['float16', 'uint16', 'uint8'] as const) {
      await saveModel(model, join(root, `colour-${quantize}`), { quantize });
      const loaded = await loadModel(join(root, `colour-${quantize}`));
      outputOf(loaded).forEach((value, index) => expect(value).toBeCloseTo(outputOf(model)[index]!, 2));
      await disposeModel(loaded);
    }
    await disposeModel(model);
  });

  it('refuses options of the builders', async () => {
    await savedSqueezeNet('finished');
    await expect(loadModel(join(root, 'finished'), { includeTop: false })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining('includeTop') as string,
    });
    await expect(loadModel(join(root, 'finished'), { weights: 'x.h5' })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
  });

  it("converted once more keeps what else stood in its metadata, beside the network's", async () => {
    const model = colourModel();
    model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), author: 'me' });
    await saveModel(model, join(root, 'authored'));
    await convert(join(root, 'authored'), join(root, 'authored-16'), { quantize: 'float16' });
    const loaded = await loadModel(join(root, 'authored-16'));
    expect(loaded.getUserDefinedMetadata()).toMatchObject({ author: 'me', dovecote: { version: 1 } });
    await Promise.all([disposeModel(loaded), disposeModel(model)]);
  });

  it('that was disposed of is not saved, nor is what is no model, nor to nowhere', async () => {
    const model = colourModel();
    const saveAnything = saveModel as (model: unknown, folder: unknown) => Promise<void>;
    await expect(saveAnything(undefined, join(root, 'none'))).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await expect(saveAnything(model, undefined)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await expect(loadArchitecture(null as unknown as string)).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await disposeModel(model);
    await expect(saveModel(model, join(root, 'none'))).rejects.toMatchObject({ code: 'MODEL_INPUT' });
  });

  it('that plain tfjs saved has no metadata', async () => {
    const plain = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    await saveModel(plain, join(root, 'plain'));
    const loaded = await loadModel(join(root, 'plain'));
    expect(getMetadata(loaded)).toBeUndefined();
    await disposeModel(loaded);
    plain.dispose();
  });

  it('with a shard outside of its folder is refused', async () => {
    const folder = await savedSqueezeNet('traversal');
    const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as {
      weightsManifest: { paths: string[] }[];
    };
    json.weightsManifest[0]!.paths = ['../secret.bin'];
    await writeFile(join(folder, 'model.json'), JSON.stringify(json));
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'FORMAT_UNSAFE' });
  });

  it('can be looked at without fetching weights', async () => {
    const before = tf.memory().numTensors;
    const model = await loadArchitecture('squeezenet');
    expect(model.countParams()).toBe(1_235_496);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('names', () => {
  it('an unknown one is refused with the nearest', async () => {
    await expect(loadModel('squezenet')).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('"squeezenet"') as string,
    });
  });
  it('an empty one is refused', async () => {
    await expect(loadModel('')).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });
});

describe.skipIf(!hasShared)('the real files (need ../shared)', () => {
  const files = {
    top: shared('weights/squeezenet_v1.1_keras2.0.9.h5'),
    keras1: shared('weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5'),
    theano: shared('weights/squeezenet_weights_th_dim_ordering_th_kernels_notop.h5'),
    keras2: shared('weights/squeezenet_keras2_notop.h5'),
  };

  it('the three files without top give the same features, the Theano one bit for bit', async () => {
    const outputs = [];
    for (const weights of [files.keras1, files.theano, files.keras2]) {
      const model = await loadModel('squeezenet', { weights, includeTop: false, pooling: 'avg' });
      outputs.push(outputOf(model));
      await disposeModel(model);
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
  });

  it("a whole model loads by itself, is recognised, and equals the zoo's network with its weights", async () => {
    const [whole, built] = [
      await loadModel(files.top),
      await loadModel('squeezenet', { weights: files.top }),
    ];
    expect(getMetadata(whole)).toEqual(getMetadata(built));
    expect(outputOf(whole)).toEqual(outputOf(built));
    await disposeModel(whole);
    await disposeModel(built);
  });

  it('bytes are as good as a path', async () => {
    const bytes = await readFile(files.top);
    for (const weights of [bytes, new Uint8Array(bytes).buffer]) {
      const model = await loadModel('squeezenet', { weights });
      expect(outputOf(model)).toHaveLength(1000);
      await disposeModel(model);
    }
  });

  it('Keras 1 names cannot be found by name, and the error says what to do', async () => {
    await expect(loadModel(files.keras1)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      message: expect.stringContaining('weights only') as string,
    });
  });

  it('converted, it is the same network in plain tfjs', async () => {
    const out = join(root, 'converted');
    const before = tf.memory().numTensors;
    const result = await convert(files.top, out);
    expect(result).toMatchObject({ architecture: 'squeezenet', parameters: 1_235_496 });
    expect(tf.memory().numTensors).toBe(before);
    const json = JSON.parse(await readFile(join(out, 'model.json'), 'utf8')) as tf.io.ModelJSON;
    const shards = await Promise.all(
      json.weightsManifest.flatMap(({ paths }) => paths).map((path) => readFile(join(out, path))),
    );
    const plain = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
        weightData: new Uint8Array(Buffer.concat(shards)).buffer,
      }),
    );
    const built = await loadModel('squeezenet', { weights: files.top });
    expect(outputOf(plain)).toEqual(outputOf(built));
    plain.dispose();
    await disposeModel(built);
  });
});
