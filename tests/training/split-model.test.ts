import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disposeModel, loadModel } from '../../src/node.ts';
import { splitModel } from '../../src/training/split-model.ts';
import { seededTensor } from '../support/seeded.ts';

const L = tf.layers;
const SIZE: [number, number] = [12, 12];

const base = () =>
  tf.sequential({
    name: 'base',
    layers: [
      L.conv2d({ inputShape: [12, 12, 3], filters: 4, kernelSize: 3, name: 'first' }),
      L.batchNormalization({ name: 'bn' }),
      L.reLU({ name: 'relu' }),
      L.conv2d({ filters: 6, kernelSize: 3, name: 'second' }),
      L.globalAveragePooling2d({ name: 'pool' }),
    ],
  });
const head = () => L.dense({ units: 2, activation: 'softmax', name: 'head' });

/** A residual block in front of a head: two ways lead from the first half to the second. */
function residual(): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3], name: 'picture' });
  const a = L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'a' }).apply(
    input,
  ) as tf.SymbolicTensor;
  const b = L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'b' }).apply(a) as tf.SymbolicTensor;
  const c = L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'c' }).apply(b) as tf.SymbolicTensor;
  const sum = L.add({ name: 'sum' }).apply([a, c]) as tf.SymbolicTensor;
  const pooled = L.globalAveragePooling2d({ name: 'pool' }).apply(sum) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: head().apply(pooled) as tf.SymbolicTensor, name: 'residual' });
}

function nested(): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3], name: 'picture' });
  const shifted = L.activation({ activation: 'tanh', name: 'tanh' }).apply(input) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: head().apply(base().apply(shifted)) as tf.SymbolicTensor });
}

const freeze = (model: tf.LayersModel, ...names: string[]) =>
  names.forEach((name) => (layerOf(model, name).trainable = false));
function layerOf(model: tf.LayersModel, name: string): tf.layers.Layer {
  for (const layer of model.layers) {
    if (layer.name === name) return layer;
    const inner = layer instanceof tf.LayersModel ? inside(layer, name) : undefined;
    if (inner !== undefined) return inner;
  }
  throw new Error(`no layer ${name}`);
}
function inside(model: tf.LayersModel, name: string): tf.layers.Layer | undefined {
  try {
    return layerOf(model, name);
  } catch {
    return undefined;
  }
}

const models: Record<
  string,
  { make: () => tf.LayersModel; frozen: string[]; boundary: (number | null)[][]; weights: string[] }
> = {
  'a Sequential model on a frozen base': {
    make: () => tf.sequential({ layers: [base(), head()] }),
    frozen: ['base'],
    boundary: [[null, 6]],
    weights: ['head/kernel', 'head/bias'],
  },
  'a nested base, frozen up to a layer in its middle': {
    make: nested,
    frozen: ['first', 'bn'],
    boundary: [[null, 10, 10, 4]],
    weights: ['second/kernel', 'second/bias', 'head/kernel', 'head/bias'],
  },
  'a residual block that begins before the border': {
    make: residual,
    frozen: ['a', 'b'],
    boundary: [
      [null, 12, 12, 4],
      [null, 12, 12, 4],
    ],
    weights: ['c/kernel', 'c/bias', 'head/kernel', 'head/bias'],
  },
  'a model with a frozen layer behind a trained one': {
    make: residual,
    frozen: ['c'],
    boundary: [[null, 12, 12, 3]],
    weights: ['a/kernel', 'a/bias', 'b/kernel', 'b/bias', 'head/kernel', 'head/bias'],
  },
};

beforeAll(() => tf.setBackend('cpu'));
let tensors: number;
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

describe.each(Object.entries(models))('%s', (_, { make, frozen, boundary, weights }) => {
  it('is split where training begins', async () => {
    const model = make();
    freeze(model, ...frozen);
    const split = splitModel(model);
    expect(split.boundary).toEqual(boundary);
    expect(split.weights.map(({ originalName }) => originalName)).toEqual(weights);
    await disposeModel(model);
  });

  it('gives in two halves what it gives in one, and the whole again afterwards', async () => {
    const model = make();
    freeze(model, ...frozen);
    const config = JSON.stringify(model.toJSON(null, false));
    const nodes = () =>
      model.layers.map((layer) => [layer.inboundNodes.length, layer.outboundNodes.length, layer.name]);
    const before = nodes();
    const split = splitModel(model);
    const prefix = split.prefix(SIZE);
    const outputs = tf.tidy(() => {
      const x = tf.tensor4d(seededTensor([2, 12, 12, 3], 5), [2, 12, 12, 3]);
      const features = prefix === undefined ? [x] : [prefix.model.predict(x)].flat();
      const whole = (model.predict(x) as tf.Tensor).dataSync().slice();
      return { whole, halves: split.run(features, false).dataSync().slice() };
    });
    expect(outputs.halves).toEqual(outputs.whole);
    expect(Math.max(...outputs.whole)).toBeGreaterThan(0.5);
    prefix?.release();
    prefix?.release();
    expect(nodes()).toEqual(before);
    expect(JSON.stringify(model.toJSON(null, false))).toBe(config);
    await disposeModel(model);
  });
});

it('layers that pass on what is frozen belong to the frozen half, but Dropout and free BatchNormalization do not', async () => {
  const model = tf.sequential({
    layers: [
      L.conv2d({ inputShape: [12, 12, 3], filters: 4, kernelSize: 3, name: 'conv', trainable: false }),
      L.reLU({ name: 'relu' }),
      L.maxPooling2d({ poolSize: 2, name: 'pool' }),
      L.dropout({ rate: 0, name: 'no_dropout' }),
      L.dropout({ rate: 0.5, name: 'frozen_dropout', trainable: false }),
      L.batchNormalization({ center: false, scale: false, name: 'frozen', trainable: false }),
      L.flatten({ name: 'flatten' }),
      L.batchNormalization({ center: false, scale: false, name: 'free' }),
      L.dropout({ rate: 0.5, name: 'dropout' }),
      head(),
    ],
  });
  const split = splitModel(model);
  expect(split.frozenLayers).toBe(7);
  expect(split.trainedLayers).toBe(3);
  expect(split.boundary).toEqual([[null, 100]]);
  expect(split.weights).toHaveLength(2);
  expect(split.state).toHaveLength(4);
  await disposeModel(model);
});

it('refuses a model in which nothing is trainable', async () => {
  const model = tf.sequential({ layers: [base(), head()] });
  model.trainable = false;
  expect(() => splitModel(model)).toThrow(expect.objectContaining({ code: 'MODEL_INPUT' }) as Error);
  await disposeModel(model);
});

it('splits networks of the zoo at a stage', async () => {
  const model = await loadModel('mobilenetv2', { weights: null, inputShape: [64, 64, 3], alpha: 0.35 });
  const from = model.layers.findIndex(({ name }) => name === 'block_16_expand');
  expect(from).toBeGreaterThan(100);
  model.layers.slice(0, from).forEach((layer) => (layer.trainable = false));
  const split = splitModel(model);
  expect(split.boundary).toEqual([[null, 2, 2, 56]]);
  expect(split.weights.every(({ originalName }) => /^(block_16|Conv_1|predictions)/.test(originalName))).toBe(
    true,
  );
  await disposeModel(model);
});
