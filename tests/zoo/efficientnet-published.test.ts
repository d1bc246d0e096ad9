import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeSafetensors } from '../../converters/index.ts';
import type { NamedTensor } from '../../converters/index.ts';
import { compileModel, convertBytes, disposeModel, loadModel } from '../../src/node.ts';
import type { LoadModelOptions } from '../../src/node.ts';
import { platform, registerPlatform } from '../../src/platform.ts';
import { findModel } from '../../zoo/registry.ts';
import type { GoldenValues } from '../support/keras-parity.ts';
import { differenceFrom, parityModule } from '../support/keras-parity.ts';

const { fillWithSeededWeights, seededPictures } = await parityModule('seeded-weights.mjs');

interface PublishedGolden {
  readonly inputShape: readonly [number, number, number];
  readonly gain: number;
  readonly cases: readonly {
    /** What stands in the file where Normalization takes a variance. */
    readonly holds: 'deviation' | 'variance';
    /** How Keras was given the file. */
    readonly given: 'imagenet' | 'path';
    readonly layers: number;
    readonly firstLayers: readonly string[];
    readonly early: GoldenValues & { readonly layer: string };
    readonly output: GoldenValues;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('./goldens/efficientnet-published.json', import.meta.url), 'utf8'),
) as PublishedGolden;

const keras = (holds: 'deviation' | 'variance', given: 'imagenet' | 'path') =>
  golden.cases.find((each) => each.holds === holds && each.given === given)!;

const options = { includeTop: false, pooling: 'avg', inputShape: golden.inputShape } as const;
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** The weights of the oracle, with this in the place of the variance. */
function weightsWith(variance: readonly number[]): Uint8Array {
  const { card, build } = findModel('efficientnetb0');
  const model = build(card, options, { kernel: 'zeros' });
  fillWithSeededWeights(tf, model, golden.gain);
  tf.tidy(() => {
    model
      .getLayer('normalization')
      .setWeights([tf.tensor1d(MEAN), tf.tensor1d([...variance]), tf.scalar(1, 'int32')]);
  });
  const tensors = model.layers.flatMap((layer) =>
    layer.getWeights().map((tensor, index): NamedTensor => {
      const name = layer.weights[index]!.originalName.replace(/^.*\//, '');
      return {
        name: `${layer.name}/${name}`,
        shape: tensor.shape,
        dtype: tensor.dtype as 'float32' | 'int32',
        data: tensor.dataSync<'float32'>().slice(),
      };
    }),
  );
  model.dispose();
  return writeSafetensors(tensors);
}

let deviationFile: Uint8Array;
let varianceFile: Uint8Array;
beforeAll(async () => {
  await platform().prepareTfjs();
  deviationFile = weightsWith(DEVIATION);
  varianceFile = weightsWith(DEVIATION.map((deviation) => deviation ** 2));
});

const own = platform();
afterEach(() => registerPlatform(own));

/** Lets the download of published weights end in these bytes. */
function publish(bytes: Uint8Array): void {
  const file = { bytes, checkUnchanged: () => undefined, close: () => Promise.resolve() };
  registerPlatform({ ...own, openCached: () => Promise.resolve(file) });
}

async function load(given: LoadModelOptions): Promise<tf.LayersModel> {
  const model = await loadModel('efficientnetb0', { ...options, ...given });
  onTestFinished(() => disposeModel(model));
  return model;
}

type Case = PublishedGolden['cases'][number];

async function differencesFrom({ early, output }: Case, model: tf.LayersModel): Promise<number[]> {
  const differences: number[] = [];
  for (const engine of ['tfjs', 'onnx'] as const) {
    const compiled = await compileModel(model, {
      engine,
      outputs: [early.layer, model.layers.at(-1)!.name],
    });
    expect(compiled.engine).toBe(engine);
    const results = await compiled.run(seededPictures(golden.inputShape, true), [2, ...golden.inputShape]);
    [early, output].forEach((values, index) => {
      differences.push(differenceFrom(values, results[index]!.data, results[index]!.shape));
    });
    await compiled.dispose();
  }
  return differences;
}

async function expectKeras(expected: Case, model: tf.LayersModel): Promise<void> {
  const names = model.layers.map((layer) => layer.name);
  expect(names.slice(0, expected.firstLayers.length)).toEqual(expected.firstLayers);
  expect(names).toHaveLength(expected.layers);
  for (const difference of await differencesFrom(expected, model)) expect(difference).toBeLessThan(1e-5);
}

describe("EfficientNet's published files, with a deviation where a variance belongs,", () => {
  it("get Keras's layer that makes up for it when they are fetched", async () => {
    publish(deviationFile);
    await expectKeras(keras('deviation', 'imagenet'), await load({ weights: 'imagenet' }));
  });

  it('get it as a file of your own too, where Keras leaves it out and its outputs are wrong', async () => {
    const model = await load({ weights: deviationFile });
    await expectKeras(keras('deviation', 'imagenet'), model);
    const differences = await differencesFrom(keras('deviation', 'path'), model);
    expect(Math.min(...differences)).toBeGreaterThan(1e-3);
  });

  it('get it when they are converted', async () => {
    const { modelJson } = await convertBytes(deviationFile);
    const topology = JSON.stringify(modelJson.modelTopology);
    expect(topology).toContain('"rescaling_1"');
    const trueVariance = await convertBytes(varianceFile);
    expect(JSON.stringify(trueVariance.modelJson.modelTopology)).not.toContain('"rescaling_1"');
  });

  it('leave no tensors behind but the weights of the network that is given out', async () => {
    const before = tf.memory().numTensors;
    const model = await loadModel('efficientnetb0', { ...options, weights: deviationFile });
    expect(tf.memory().numTensors - before).toBe(model.weights.length);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('EfficientNet files with true variances', () => {
  it('are taken as they are', async () => {
    await expectKeras(keras('variance', 'path'), await load({ weights: varianceFile }));
  });

  it('give what the published ones give', async () => {
    const model = await load({ weights: varianceFile });
    for (const difference of await differencesFrom(keras('deviation', 'imagenet'), model))
      expect(difference).toBeLessThan(1e-5);
  });

  it('get the layer when they come in place of the published one, as in Keras', async () => {
    publish(varianceFile);
    await expectKeras(keras('variance', 'imagenet'), await load({ weights: 'imagenet' }));
  });
});

it('has no such layer with random weights', async () => {
  const model = await load({ weights: null });
  expect(model.layers.map((layer) => layer.name)).not.toContain('rescaling_1');
});
