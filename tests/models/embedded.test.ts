import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  classify,
  compileModel,
  disposeModel,
  extractFeatures,
  getMetadata,
  listModels,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { expectedWeightsOf, weightLayers } from '../../src/models/expected-weights.ts';
import { writeSafetensors } from '../../converters/index.ts';
import { seededImage, seededTensor } from '../support/seeded.ts';
import { hasShared, shared } from '../support/shared.ts';

const card = listModels().find(({ embedded }) => embedded !== undefined)!;
const artifact = fileURLToPath(new URL(`../../src/embedded/${card.embedded!.fileName}`, import.meta.url));
const photo = (name: string) => fileURLToPath(new URL(`../../examples/photos/${name}`, import.meta.url));

let root: string;
const environment = { ...process.env };
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-embedded-'));
  // Nothing here may need a network, a cache, or what the user has set.
  for (const name of Object.keys(process.env)) if (name.startsWith('DOVECOTE_')) delete process.env[name];
  process.env['DOVECOTE_OFFLINE'] = '1';
  process.env['DOVECOTE_CACHE'] = join(root, 'no-cache');
});
afterAll(async () => {
  process.env = environment;
  await rm(root, { recursive: true });
});

describe('the file of the embedded network', () => {
  let bytes: Buffer;
  let header: Record<string, { dtype: string; shape: number[] }>;
  beforeAll(async () => {
    bytes = await readFile(artifact);
    header = JSON.parse(bytes.toString('utf8', 8, 8 + bytes.readUInt32LE(0))) as typeof header;
  });

  it('is the one that the card states, and has at most 6 MB', () => {
    expect(card.embedded).toEqual({
      fileName: 'efficientnet-lite0.int8.safetensors',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(bytes.length).toBeLessThanOrEqual(6_000_000);
  });

  it('holds large kernels in 8 bits with a scale for each output channel, and all weights of the network', async () => {
    const { __metadata__: metadata, ...tensors } = header;
    expect(JSON.stringify(metadata)).toMatch(/Apache-2\.0/);
    const sizeOf = (name: string) => tensors[name]!.shape.reduce((product, side) => product * side, 1);
    const kernels = Object.keys(tensors).filter((name) => name.endsWith('/kernel') && sizeOf(name) > 10_000);
    expect(kernels.length).toBeGreaterThan(20);
    for (const name of kernels) {
      expect(tensors[name]!.dtype, name).toBe('I8');
      const { dtype, shape } = tensors[`${name}.scale`]!;
      expect([dtype, shape.reduce((product, side) => product * side, 1)], name).toEqual([
        'F32',
        tensors[name]!.shape.at(-1),
      ]);
    }
    const model = await loadModel(undefined, { weights: null });
    const wanted = expectedWeightsOf(model).flatMap(({ weights }) => weights);
    expect(
      Object.keys(tensors)
        .filter((name) => !name.endsWith('.scale'))
        .toSorted(),
    ).toEqual(wanted.map(({ name }) => name).toSorted());
    for (const { name, shape } of wanted) expect(tensors[name]!.shape, name).toEqual(shape);
    await disposeModel(model);
  });
});

describe('the embedded network says what PyTorch says with its weights', () => {
  const golden = readFile(
    new URL('../zoo/goldens/efficientnet-lite0-embedded.json', import.meta.url),
    'utf8',
  ).then((text) => {
    const { shape, probabilities } = JSON.parse(text) as { shape: number[]; probabilities: string };
    const values = new Float32Array(Uint8Array.from(Buffer.from(probabilities, 'base64')).buffer);
    return { shape, values };
  });

  it.each([
    ['onnx', 16],
    ['tfjs', 16],
  ] as const)('on the engine %s, for %i seeded pictures', async (engine, count) => {
    const before = tf.memory().numTensors;
    const { shape, values } = await golden;
    expect(shape).toEqual([16, 1000]);
    const model = await loadModel();
    const network = await compileModel(model, { engine });
    let largest = 0;
    for (let seed = 0; seed < count; seed++) {
      const picture = seededImage(224, 224, seed).map((value) => Math.fround(value - 127) / 128);
      const [output] = await network.run(picture, [1, 224, 224, 3]);
      output!.data.forEach((value, index) => {
        const difference = Math.abs(value - values[1000 * seed + index]!);
        largest = difference <= largest ? largest : difference;
      });
    }
    expect(largest).toBeLessThan(1e-4);
    await network.dispose();
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('would notice it if a picture were another: they differ by more than that', async () => {
    const { values } = await golden;
    for (let picture = 1; picture < 16; picture++) {
      const difference = values
        .subarray(0, 1000)
        .reduce((most, value, at) => Math.max(most, Math.abs(value - values[1000 * picture + at]!)), 0);
      expect(difference).toBeGreaterThan(1e-3);
    }
  });
});

describe('without a name, offline and without a cache', () => {
  it('loadModel gives it, with its card', async () => {
    const before = tf.memory().numTensors;
    const model = await loadModel();
    expect(model.name).toBe('efficientnet-lite0');
    expect(model.countParams()).toBe(4_694_024);
    expect(getMetadata(model)).toMatchObject({
      architecture: 'efficientnet-lite0',
      labels: 'imagenet',
      preprocessing: 'lite',
      inputSize: [224, 224],
      resize: { mode: 'cover', filter: 'bicubic', cropFraction: 0.875 },
    });
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('classify knows a cat, a cup and a rocket', async () => {
    const before = tf.memory().numTensors;
    const names = ['chelsea.jpg', 'coffee.jpg', 'rocket.jpg'];
    const results = await classify(names.map(photo), { topK: 1 });
    const labels = results.map(({ predictions }) => predictions[0]!.label);
    expect(labels[0]).toMatch(/^(tabby|tiger cat|Egyptian cat|tiger_cat|Egyptian_cat)$/);
    expect(labels[1]).toMatch(/espresso|cup/);
    expect(labels[2]).toMatch(/missile|projectile/);
    const single = await classify(photo('chelsea.jpg'));
    expect(single.predictions).toHaveLength(5);
    expect(single.predictions[0]!.label).toBe(labels[0]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('both engines see the same in a photo', async () => {
    const [onnx, tfjs] = await Promise.all(
      (['onnx', 'tfjs'] as const).map((engine) => classify(photo('chelsea.jpg'), { engine })),
    );
    for (const [rank, { index, probability }] of onnx!.predictions.entries()) {
      expect(tfjs!.predictions[rank]!.index).toBe(index);
      expect(Math.abs(tfjs!.predictions[rank]!.probability - probability)).toBeLessThan(1e-4);
    }
  });

  it('extractFeatures gives 1280 numbers for each photo, with or without top', async () => {
    const before = tf.memory().numTensors;
    const whole = await loadModel();
    const { data, width, rows } = await extractFeatures(whole, [photo('chelsea.jpg'), photo('coffee.jpg')]);
    expect([width, rows, data.length]).toEqual([1280, [0, 1], 2560]);
    expect(data.every((value) => value >= 0 && value <= 6)).toBe(true);
    const bare = await loadModel(undefined, { includeTop: false, pooling: 'avg' });
    const again = await extractFeatures(bare, [photo('chelsea.jpg'), photo('coffee.jpg')]);
    data.forEach((value, at) => expect(Math.abs(value - again.data[at]!)).toBeLessThan(1e-4));
    await disposeModel(whole);
    await disposeModel(bare);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('options of the embedded network', () => {
  const first = async (options: Parameters<typeof loadModel>[1]) => {
    const model = await loadModel(undefined, options);
    const kernel = Array.from(model.getLayer('top_conv').getWeights()[0]!.dataSync().subarray(0, 100));
    const [shape, parameters] = [model.outputs[0]!.shape, model.countParams()];
    await disposeModel(model);
    return { kernel, shape, parameters };
  };

  it('without top it has the same features, at any size, and with a top of other classes it is refused', async () => {
    const whole = await first({});
    const bare = await first({ includeTop: false });
    expect(bare).toEqual({ kernel: whole.kernel, shape: [null, 7, 7, 1280], parameters: 3_413_024 });
    const large = await first({ includeTop: false, pooling: 'max', inputShape: [97, 320, 3], classes: 5 });
    expect(large).toEqual({ kernel: whole.kernel, shape: [null, 1280], parameters: 3_413_024 });
    await expect(loadModel(undefined, { classes: 5 })).rejects.toMatchObject({
      code: 'WEIGHTS_SHAPE',
      message: expect.stringMatching(/1000 classes[^]*classes: 5[^]*without top/) as string,
    });
  });

  it('has its weights by name, whichever way is asked for: its file is its own', async () => {
    const whole = await first({});
    expect(await first({ by: 'name' })).toEqual(whole);
    expect(await first({ by: 'position' })).toEqual(whole);
    expect(await first({ by: 'position', includeTop: false })).toMatchObject({ kernel: whole.kernel });
    await expect(loadModel(undefined, { by: 'order' as never })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
  });

  it('with weights null it is random, the same with the same seed', async () => {
    const [trained, random, again, other] = [
      await first({}),
      await first({ weights: null, seed: 4, classes: 5 }),
      await first({ weights: null, seed: 4, classes: 5 }),
      await first({ weights: null, seed: 5, classes: 5 }),
    ];
    expect(random.shape).toEqual([null, 5]);
    expect(random).toEqual(again);
    expect(random.kernel).not.toEqual(other.kernel);
    expect(random.kernel).not.toEqual(trained.kernel);
  });

  it('takes the same file from a path and as bytes', async () => {
    const whole = await first({});
    expect(await first({ weights: artifact })).toEqual(whole);
    expect(await first({ weights: await readFile(artifact) })).toEqual(whole);
  });

  it('leaves no tensors behind when it is refused or stopped', async () => {
    await disposeModel(await loadModel());
    const before = tf.memory().numTensors;
    await expect(loadModel(undefined, { classes: 5 })).rejects.toThrow();
    await expect(loadModel(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('its larger sisters say that nobody publishes their weights', async () => {
    await expect(loadModel('efficientnet-lite3')).rejects.toMatchObject({ code: 'WEIGHTS_UNAVAILABLE' });
  });
});

describe('weights of another network are told by its name', () => {
  /** SqueezeNet with seeded weights, as a safetensors file and as a saved model. */
  async function squeezeNet(options: object): Promise<{ file: string; folder: string }> {
    const model = await loadModel('squeezenet', { weights: null, seed: 1, ...options });
    const tensors = weightLayers(model).flatMap((layer) =>
      layer.weights.map(({ originalName, shape }, at) => ({
        name: originalName,
        shape: shape as number[],
        dtype: 'float32' as const,
        data: seededTensor(shape as number[], at),
      })),
    );
    const file = join(root, 'squeezenet.safetensors');
    const folder = join(root, 'squeezenet');
    await writeFile(file, writeSafetensors(tensors));
    await saveModel(model, folder, { force: true });
    await disposeModel(model);
    return { file, folder };
  }

  const mixedUp = (given: string, wanted: string) => ({
    code: 'WEIGHTS_COUNT',
    message: expect.stringContaining(`holds weights of ${given}, not of ${wanted}.`) as string,
  });

  it.each([
    ['with top', {}],
    ['without top', { includeTop: false }],
  ])('SqueezeNet %s', async (_, options) => {
    const { file, folder } = await squeezeNet(options);
    const before = tf.memory().numTensors;
    for (const weights of [file, folder, await readFile(file)]) {
      await expect(loadModel('efficientnet-lite0', { weights })).rejects.toMatchObject({
        ...mixedUp('SqueezeNet v1.1', 'EfficientNet-Lite0'),
        nextStep: expect.stringContaining('"squeezenet"') as string,
      });
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('the embedded network, for SqueezeNet and for its own larger sister', async () => {
    for (const [name, title] of [
      ['squeezenet', 'SqueezeNet v1.1'],
      ['efficientnet-lite1', 'EfficientNet-Lite1'],
      ['efficientnet-lite4', 'EfficientNet-Lite4'],
    ] as const) {
      await expect(loadModel(name, { weights: artifact })).rejects.toMatchObject({
        ...mixedUp('EfficientNet-Lite0', title),
        nextStep: expect.stringContaining('--model efficientnet-lite0') as string,
      });
    }
  });

  it('but what is of no network of the zoo is told by its layers', async () => {
    const file = join(root, 'other.safetensors');
    const tensor = { name: 'conv/kernel', shape: [1], dtype: 'float32', data: Float32Array.of(1) } as const;
    await writeFile(file, writeSafetensors([tensor]));
    await expect(loadModel('efficientnet-lite0', { weights: file })).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      message: expect.stringMatching(/stem_conv[^]*nothing takes conv/) as string,
    });
  });

  it.skipIf(!hasShared)('the published SqueezeNet files, too', async () => {
    for (const name of ['squeezenet_v1.1_keras2.0.9.h5', 'squeezenet_keras2_notop.h5']) {
      await expect(
        loadModel('efficientnet-lite0', { weights: shared(`weights/${name}`) }),
      ).rejects.toMatchObject({ nextStep: expect.stringContaining('"squeezenet"') as string });
    }
  });
});
