import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withOpenFile } from '../../src/models/read-open-file.ts';
import { recogniseFile } from '../../src/models/recognise.ts';
import { loadModel } from '../../src/node.ts';
import { openLocation } from '../../src/weights/index.node.ts';
import type { NumericArray } from '../../src/base/types.ts';
import { writeKerasH5, type LayerToWrite, type WeightToWrite } from '../support/keras-h5-writer.ts';
import { expectKerasOutputs, officialLayers, readGolden } from '../support/official-files.ts';

/** As Keras 2 marks its files; Keras 1 does not. */
const KERAS_2 = { kerasVersion: '2.1.6', backend: 'tensorflow' };
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-file-forms-'));
  path = join(folder, 'weights_notop.h5');
});
afterEach(async () => {
  await Promise.all((await readdir(folder)).map((name) => rm(join(folder, name))));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const roleOf = (weight: WeightToWrite) => weight.name.split('/').at(-1)!.replace(/:0$/, '');

/** Other names: of the layers, and of the weights by the layer's new name and their role. */
function renamed(
  layers: readonly LayerToWrite[],
  nameOf: (layer: string, roles: readonly string[]) => string,
  weightOf: (layer: string, role: string) => string,
): LayerToWrite[] {
  return layers.map(({ name: before, weights }) => {
    const name = nameOf(before, weights.map(roleOf));
    return {
      name,
      weights: weights.map((weight) => ({ ...weight, name: weightOf(name, roleOf(weight)) })),
    };
  });
}

const same = (name: string) => name;

/** Keras 1's words for the roles of weights. */
const KERAS_1_ROLES: Readonly<Record<string, string>> = {
  kernel: 'W',
  bias: 'b',
  moving_mean: 'running_mean',
  moving_variance: 'running_std',
};

/** Keras 1 numbers layers without a name by their kind, from 1. */
function numberedByKind(): (layer: string, roles: readonly string[]) => string {
  const counts = new Map<string, number>();
  return (layer, roles) => {
    const kind = roles.includes('gamma')
      ? 'batchnormalization'
      : roles.includes('pointwise_kernel')
        ? 'separableconvolution2d'
        : roles.includes('kernel')
          ? 'convolution2d'
          : undefined;
    if (kind === undefined) return layer;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return `${kind}_${counts.get(kind)}`;
  };
}

/** `(rows, cols, in, out)` as Theano stores it: `(out, in, rows, cols)`, mirrored along rows and cols. */
function asTheano(weight: WeightToWrite): WeightToWrite {
  if (weight.shape.length !== 4) return weight;
  const [rows, columns, inputs, outputs] = weight.shape as [number, number, number, number];
  const data: NumericArray = new Float32Array(weight.data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let input = 0; input < inputs; input++)
        for (let output = 0; output < outputs; output++) {
          const to = ((output * inputs + input) * rows + rows - 1 - row) * columns + columns - 1 - column;
          data[to] = weight.data[((row * columns + column) * inputs + input) * outputs + output]!;
        }
  return { ...weight, shape: [outputs, inputs, rows, columns], data };
}

/** What is in a file and to which network it belongs, before it is loaded. */
async function read() {
  return withOpenFile(await openLocation(path), { fileName: path }, (file) => ({
    file,
    known: recogniseFile(file)?.card.name,
  }));
}

describe('VGG16 of Keras 1', () => {
  const vgg = async () => {
    const layers = await officialLayers(await readGolden('vgg16'), false);
    return renamed(layers, same, (layer, role) => `${layer}_${KERAS_1_ROLES[role]}_1:0`);
  };

  it('names weights `block1_conv1_W_1:0` and states no version', async () => {
    const layers = await vgg();
    expect(layers[1]!.weights[0]!.name).toBe('block1_conv1_W_1:0');
    await writeKerasH5(path, layers);
    const { file, known } = await read();
    expect([file.kerasVersion, file.backend, known]).toEqual(['1', undefined, 'vgg16']);
    await expectKerasOutputs(await readGolden('vgg16'), path, { includeTop: false });
  });

  it('with the kernels of Theano has them turned and mirrored', async () => {
    const layers = (await vgg()).map(({ name, weights }) => ({ name, weights: weights.map(asTheano) }));
    expect(layers[1]!.weights[0]!.shape).toEqual([64, 3, 3, 3]);
    await writeKerasH5(path, layers);
    await expectKerasOutputs(await readGolden('vgg16'), path, { includeTop: false });
  });
});

describe('Xception of Keras 1', () => {
  it('has layers without names, numbered by their kind: by position they are found, by name they are missed', async () => {
    const layers = await officialLayers(await readGolden('xception'), false);
    const old = renamed(
      layers,
      numberedByKind(),
      (layer, role) => `${layer}_${KERAS_1_ROLES[role] ?? role}:0`,
    );
    expect(old.find(({ weights }) => weights.length > 0)!.name).toBe('convolution2d_1');
    expect(old.some(({ name }) => name === 'separableconvolution2d_34')).toBe(true);
    await writeKerasH5(path, old);
    await expectKerasOutputs(await readGolden('xception'), path, { includeTop: false });
    await expect(
      loadModel('xception', { weights: path, includeTop: false, by: 'name' }),
    ).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      summary: expect.stringContaining('block1_conv1') as string,
      given: expect.stringContaining('convolution2d_1') as string,
      nextStep: expect.stringContaining("by: 'position'") as string,
    });
  });
});

describe('InceptionV3 of a session that made another network before', () => {
  it('is found by position; by name, the error says what is missing', async () => {
    const layers = await officialLayers(await readGolden('inceptionv3'), false);
    const later = (name: string) =>
      name.replace(
        /^(conv2d|batch_normalization)(?:_(\d+))?$/,
        (_, kind: string, number = '0') => `${kind}_${Number(number) + 1}`,
      );
    await writeKerasH5(
      path,
      renamed(layers, later, (layer, role) => `${layer}/${role}:0`),
      KERAS_2,
    );
    expect((await read()).known).toBe('inceptionv3');
    await expectKerasOutputs(await readGolden('inceptionv3'), path, { includeTop: false });
    await expect(
      loadModel('inceptionv3', { weights: path, includeTop: false, by: 'name' }),
    ).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      summary: expect.stringMatching(/has no weights for conv2d, batch_normalization\.$/) as string,
      nextStep: expect.stringContaining("by: 'position'") as string,
    });
  });
});

describe('slashes in the names of layers are groups within groups', () => {
  it("DenseNet's stem, `conv1/conv`", async () => {
    const layers = await officialLayers(await readGolden('densenet121'), false);
    expect(layers.map(({ name }) => name)).toContain('conv1/bn');
    await writeKerasH5(path, layers, KERAS_2);
    expect((await read()).known).toBe('densenet121');
    await expectKerasOutputs(await readGolden('densenet121'), path, { includeTop: false });
  });

  it("MobileNetV3's blocks, `expanded_conv_1/expand/BatchNorm`", async () => {
    const layers = await officialLayers(await readGolden('mobilenetv3small'), false);
    const slashed = renamed(
      layers,
      (layer) =>
        layer
          .replace(/^conv/, 'Conv')
          .replace(/_bn$/, '/BatchNorm')
          .replace(/^(expanded_conv(?:_\d+)?)_/, '$1/')
          .replace('squeeze_excite_conv', 'squeeze_excite/Conv'),
      (layer, role) => `${layer}/${role}:0`,
    );
    const names = slashed.map(({ name }) => name);
    // One layer's group lies within another's.
    expect(names).toEqual(
      expect.arrayContaining(['Conv', 'Conv/BatchNorm', 'expanded_conv_1/expand/BatchNorm']),
    );
    await writeKerasH5(path, slashed, KERAS_2);
    expect((await read()).known).toBe('mobilenetv3small');
    await expectKerasOutputs(await readGolden('mobilenetv3small'), path, { includeTop: false });
  });
});

describe('names of weights', () => {
  it("do not matter: EfficientNet's repeat the layer, others say nothing", async () => {
    const layers = await officialLayers(await readGolden('efficientnetb0'), false);
    for (const weightOf of [
      (layer: string, role: string) => `${layer}/${layer}/${role}:0`,
      (_: string, role: string) => `Variable_${role.length * 97}${role}:0`,
    ]) {
      await writeKerasH5(path, renamed(layers, same, weightOf), KERAS_2);
      expect((await read()).known).toBe('efficientnetb0');
      await expectKerasOutputs(await readGolden('efficientnetb0'), path, { includeTop: false });
      await rm(path);
    }
  });

  it('ConvNeXt scales its layers by variables of any name', async () => {
    const golden = await readGolden('convnexttiny');
    const layers = await officialLayers(golden, false);
    let number = 0;
    const unnamed = layers.map((layer) => ({
      ...layer,
      weights: layer.weights.map((weight) =>
        /layer_scale/.test(layer.name) ? { ...weight, name: `Variable_${(number += 1)}:0` } : weight,
      ),
    }));
    expect(number).toBe(18);
    await writeKerasH5(path, unnamed, KERAS_2);
    expect((await read()).known).toBe('convnexttiny');
    await expectKerasOutputs(golden, path, { includeTop: false });
  });
});

describe('more names than an attribute of HDF5 holds', () => {
  it('are in pieces, `layer_names0` and on', async () => {
    const golden = await readGolden('mobilenet-0.25');
    const layers = await officialLayers(golden, false);
    // 64,512 bytes are the most.
    const long = (name: string) => name.padEnd(1000, '_');
    expect(layers.length * 1000).toBeGreaterThan(64_512);
    await writeKerasH5(
      path,
      renamed(layers, long, (_, role) => `${role}:0`),
      KERAS_2,
    );
    const { file } = await read();
    expect(file.layers.map(({ layer }) => layer)).toEqual(layers.map(({ name }) => long(name)));
    await expectKerasOutputs(golden, path, { includeTop: false });
  });
});
