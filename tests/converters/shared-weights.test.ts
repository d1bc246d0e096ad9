import * as tf from '@tensorflow/tfjs';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { countOf, numbersOf } from '../../converters/index.ts';
import {
  convertKeras,
  expectedWeights,
  matchWeights,
  parseKerasConfig,
  readKerasHdf5,
} from '../../converters/index.ts';
import { toTensorflow } from './support.ts';

const folder = fileURLToPath(new URL('../../../shared/weights/', import.meta.url));
const missing = !existsSync(folder);
// eslint-disable-next-line no-console
if (missing) console.warn(`skipped: the real weights are not beside the checkout (${folder})`);

const read = (name: string) => new Uint8Array(readFileSync(folder + name));
const WHOLE = 'squeezenet_v1.1_keras2.0.9.h5';
const TF = 'squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5';
const TH = 'squeezenet_weights_th_dim_ordering_th_kernels_notop.h5';
const KERAS2 = 'squeezenet_keras2_notop.h5';

/** What SqueezeNet without its classifier needs, from the whole model's own config. */
async function noTop() {
  const file = await readKerasHdf5(read(WHOLE));
  const expected = expectedWeights(parseKerasConfig(file.config!));
  return { topology: file.config!, weights: expected.filter((layer) => layer.layer !== 'conv10') };
}

describe.skipIf(missing)('the real SqueezeNet files', () => {
  it('a whole-model file of Keras 2.0.9 has 67 layers, 26 of them with weights, and 1,235,496 parameters', async () => {
    const file = await readKerasHdf5(read(WHOLE));
    expect(file).toMatchObject({ kind: 'keras-h5-model', kerasVersion: '2.0.9', backend: 'tensorflow' });
    expect(file.layers).toHaveLength(67);
    expect(file.layers.filter((layer) => layer.weights.length > 0)).toHaveLength(26);
    const numbers = file.layers
      .flatMap((layer) => layer.weights)
      .reduce((sum, weight) => sum + countOf(weight), 0);
    expect(numbers).toBe(1235496);
    const squeeze = file.layers.find((layer) => layer.layer === 'fire2/squeeze1x1')!;
    expect(squeeze.weights.map((weight) => weight.shape)).toEqual([[1, 1, 64, 16], [16]]);
  });

  it('weights-only files of Keras 1 state no version and no backend', async () => {
    for (const name of [TF, TH]) {
      const file = await readKerasHdf5(read(name));
      expect(file).toMatchObject({ kind: 'keras-h5-weights', kerasVersion: '1' });
      expect(file.backend).toBeUndefined();
      expect(file.layers.filter((layer) => layer.weights.length > 0)).toHaveLength(25);
    }
    expect(await readKerasHdf5(read(KERAS2))).toMatchObject({
      kind: 'keras-h5-weights',
      kerasVersion: '2.0.0',
    });
  });

  it('the Theano file equals the TensorFlow one bit for bit', async () => {
    const { weights } = await noTop();
    const fromTf = matchWeights(weights, await readKerasHdf5(read(TF)));
    const fromTh = matchWeights(weights, await readKerasHdf5(read(TH)));
    expect(fromTh.flat()).toHaveLength(50);
    fromTh.flat().forEach((tensor, i) => {
      const other = fromTf.flat()[i]!;
      expect(tensor.name).toBe(other.name);
      expect(tensor.shape).toEqual(other.shape);
      expect(
        Buffer.from(numbersOf(tensor).buffer).equals(Buffer.from(numbersOf(other).buffer)),
        tensor.name,
      ).toBe(true);
    });
  });

  it('without mirroring, the Theano file would differ', async () => {
    const { weights } = await noTop();
    const fromTf = matchWeights(weights, await readKerasHdf5(read(TF))).flat();
    const wrong = matchWeights(weights, await readKerasHdf5(read(TH)), { kernelOrder: 'tensorflow' }).flat();
    expect(wrong[0]!.shape).toEqual(fromTf[0]!.shape);
    expect(Array.from(numbersOf(wrong[0]!))).not.toEqual(Array.from(numbersOf(fromTf[0]!)));
  });

  it('a file without a classifier says so when the model has one', async () => {
    const file = await readKerasHdf5(read(KERAS2), { fileName: KERAS2 });
    const expected = expectedWeights(parseKerasConfig((await readKerasHdf5(read(WHOLE))).config!));
    expect(() => matchWeights(expected, file)).toThrow(/1 more layer with weights than .*: conv10/);
    expect(() => matchWeights(expected, file)).toThrow(/includeTop: false/);
    const { weights } = await noTop();
    const whole = await readKerasHdf5(read(WHOLE), { fileName: WHOLE });
    expect(() => matchWeights(weights, whole)).toThrow(/has 1 more layer .*conv10[\s\S]*includeTop: true/);
  });

  it('the whole-model file converts to a model that plain tfjs loads', async () => {
    const { modelJson, shards } = await convertKeras(read(WHOLE), { fileName: WHOLE });
    expect(shards.map((shard) => shard.name)).toEqual(['group1-shard1of2.bin', 'group1-shard2of2.bin']);
    const before = tf.memory().numTensors;
    const model = await toTensorflow({ modelJson, shards });
    expect(model.countParams()).toBe(1235496);
    expect(model.getLayer('conv10').outputShape).toEqual([null, 13, 13, 1000]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
