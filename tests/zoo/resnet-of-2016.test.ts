import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileModel, convert, disposeModel, getMetadata, loadModel } from '../../src/node.ts';
import { loadZooModel } from '../../src/models/load-zoo-model.ts';
import { platform } from '../../src/platform.ts';
import { findModel } from '../../zoo/registry.ts';
import { writeKerasH5 } from '../support/keras-h5-writer.ts';
import { differenceFrom, parityModule, type GoldenValues } from '../support/keras-parity.ts';
import { seededArrays } from '../support/official-files.ts';

interface Golden {
  readonly layers: readonly (readonly [string, readonly (readonly [string, readonly number[]])[]])[];
  readonly output: GoldenValues;
}

/** What Keras 1.2.2 wrote and gave out; tests/oracle/resnet50_2016.py made it. */
const golden = JSON.parse(
  await readFile(new URL('./goldens/resnet50-2016.json', import.meta.url), 'utf8'),
) as Golden;
const { seededPictures } = await parityModule('seeded-weights.mjs');
/** As zoo.py has it for ResNet. */
const GAIN = 0.7;
let folder: string;
let path: string;
let noTopPath: string;

beforeAll(async () => {
  await platform().prepareTfjs();
  folder = await mkdtemp(join(tmpdir(), 'dovecote-resnet-2016-'));
  path = join(folder, 'resnet50_weights_tf_dim_ordering_tf_kernels.h5');
  const bearing = golden.layers.filter(([, weights]) => weights.length > 0);
  const arrays = seededArrays(
    bearing.map(([, weights]) => ({ shapes: weights.map(([, shape]) => shape) })),
    GAIN,
  );
  const layers = bearing.map(([name, weights], layer) => ({
    name,
    weights: weights.map(([weight, shape], i) => ({ name: weight, shape, data: arrays[layer]![i]! })),
  }));
  await writeKerasH5(path, layers);
  noTopPath = join(folder, 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5');
  await writeKerasH5(noTopPath, layers.slice(0, -1));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function logitsOf(model: tf.LayersModel): Promise<number> {
  const compiled = await compileModel(model, { engine: 'onnx' });
  const [output] = await compiled.run(seededPictures([224, 224, 3], false), [2, 224, 224, 3]);
  await compiled.dispose();
  return differenceFrom(golden.output, output!.data, output!.shape);
}

describe('the ResNet50 file of 2016', () => {
  it('makes the network of Keras 1: main branch and shortcut are not swapped, and the epsilon is its own', async () => {
    const model = await loadModel('resnet50', { weights: path, classifierActivation: 'linear' });
    expect(await logitsOf(model)).toBeLessThanOrEqual(1e-5);
    expect(model.getLayer('conv2_block1_3_bn').getConfig().epsilon).toBe(1e-3);
    await disposeModel(model);
  });

  it('is not the network that the file of today makes', async () => {
    const today = await loadModel('resnet50', { weights: null, classifierActivation: 'linear' });
    const old = await loadModel('resnet50', { weights: path, classifierActivation: 'linear' });
    old.layers
      .filter((layer) => layer.weights.length > 0)
      .forEach((layer) => today.getLayer(layer.name).setWeights(layer.getWeights()));
    expect(await logitsOf(today)).toBeGreaterThan(1e-3);
    await disposeModel(today);
    await disposeModel(old);
  });

  it('is not taken for a network without top, whose weights would be dropped in silence', async () => {
    await expect(loadModel('resnet50', { weights: path, includeTop: false })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: expect.stringContaining('1 more layer with weights than the model: predictions') as string,
      nextStep: expect.stringContaining('includeTop: true') as string,
    });
    await expect(loadModel('resnet50', { weights: noTopPath })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      nextStep: expect.stringContaining('includeTop: false') as string,
    });
  });

  it.each(['with top', 'without top'])(
    '%s makes the network for training that its layers allow',
    async (kind) => {
      const weights = kind === 'with top' ? path : noTopPath;
      const model = await loadZooModel(findModel('resnet50'), { weights, includeTop: 'auto' });
      expect(model.layers.at(-1)!.name).toBe(kind === 'with top' ? 'predictions' : 'conv5_block3_out');
      expect(model.getLayer('conv2_block1_3_bn').getConfig().epsilon).toBe(1e-3);
      await disposeModel(model);
    },
  );

  it('is recognised and converted, and is refused by another network by its name', async () => {
    const out = join(folder, 'converted');
    expect((await convert(path, out)).architecture).toBe('resnet50');
    const model = await loadModel(out);
    expect(getMetadata(model)).toMatchObject({ architecture: 'resnet50', preprocessing: 'caffe' });
    expect(model.getLayer('conv2_block1_3_bn').getConfig().epsilon).toBe(1e-3);
    await disposeModel(model);
    await expect(loadModel('vgg16', { weights: path })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: expect.stringContaining('ResNet50') as string,
    });
  });
});
