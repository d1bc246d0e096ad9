import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disposeModel, loadModel, summary } from '../../src/node.ts';
import { mendFrozenLayers } from '../../src/layers/frozen-layers.ts';
import { seededTensor, seededWeight } from '../support/seeded.ts';

interface Golden {
  readonly frozen: boolean;
  readonly scale: boolean;
  readonly center: boolean;
  readonly losses: readonly number[];
  readonly trainable: number;
  readonly nonTrainable: number;
  readonly bn: Readonly<Record<string, readonly number[]>>;
  readonly prediction: readonly number[];
}
const goldens = JSON.parse(
  readFileSync(new URL('goldens/frozen-training.json', import.meta.url), 'utf8'),
) as Record<string, Golden>;

const L = tf.layers;
const BATCH = 6;
const SIZE = 7;
const CLASSES = 3;

/** `scale * unit`, as the oracle's picture: seededTensor of a vector has a range of its own. */
function data(): { x: tf.Tensor4D; y: tf.Tensor2D } {
  const count = BATCH * SIZE * SIZE * 3;
  const factor = 4 / (2 * Math.sqrt(6 / 100));
  const x = seededTensor([count], 1).map((value) => value * factor);
  return {
    x: tf.tensor4d(x, [BATCH, SIZE, SIZE, 3]),
    y: tf.tensor2d(
      Array.from({ length: BATCH }, (_, row) => [0, 1, 2].map((c) => (row % CLASSES === c ? 1 : 0))),
    ),
  };
}

function baseOf({ scale = true, center = true } = {}): tf.Sequential {
  return tf.sequential({
    name: 'base',
    layers: [
      L.conv2d({ inputShape: [SIZE, SIZE, 3], filters: 4, kernelSize: 3, useBias: false, name: 'conv' }),
      L.batchNormalization({ scale, center, momentum: 0.9, name: 'bn' }),
      L.reLU({ name: 'relu' }),
      L.globalAveragePooling2d({ name: 'pool' }),
    ],
  });
}

function seed(layers: readonly tf.layers.Layer[]): void {
  let number = 0;
  for (const layer of layers) {
    const tensors = layer.weights.map(({ originalName, shape }, index) => {
      const name = originalName.split('/').at(-1)!;
      return tf.tensor(seededWeight(name, shape as number[], number + index), shape as number[]);
    });
    layer.setWeights(tensors);
    tf.dispose(tensors);
    number += tensors.length;
  }
}

const values = (layer: tf.layers.Layer) => layer.getWeights().map((weight) => weight.dataSync().slice());
const named = (model: tf.LayersModel, name: string) => model.getLayer(name);
const count = (weights: readonly tf.LayerVariable[]) =>
  weights.reduce((sum, weight) => sum + (weight.shape as number[]).reduce((all, side) => all * side, 1), 0);

async function fiveEpochs(model: tf.LayersModel): Promise<number[]> {
  const { x, y } = data();
  const optimizer = tf.train.sgd(0.5);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const { history } = await model.fit(x, y, { batchSize: BATCH, epochs: 5, shuffle: false, verbose: 0 });
  tf.dispose([x, y]);
  optimizer.dispose();
  return history.loss as number[];
}

/** Ways in which a frozen base stands in a model. */
const placements: Record<string, (base: tf.LayersModel) => tf.LayersModel> = {
  'as the first layer of a Sequential model': (base) =>
    tf.sequential({ layers: [base, L.dense({ units: CLASSES, activation: 'softmax', name: 'dense' })] }),
  'called by a functional model': (base) => {
    const input = tf.input({ shape: [SIZE, SIZE, 3] });
    const dense = L.dense({ units: CLASSES, activation: 'softmax', name: 'dense' });
    return tf.model({ inputs: input, outputs: dense.apply(base.apply(input)) as tf.SymbolicTensor });
  },
  'behind another layer of a Sequential model': (base) =>
    tf.sequential({
      layers: [
        L.activation({ activation: 'linear', inputShape: [SIZE, SIZE, 3], name: 'first' }),
        base,
        L.dense({ units: CLASSES, activation: 'softmax', name: 'dense' }),
      ],
    }),
  'nested twice': (base) => {
    const middle = tf.sequential({ layers: [base, L.activation({ activation: 'linear', name: 'middle' })] });
    return tf.sequential({
      layers: [middle, L.dense({ units: CLASSES, activation: 'softmax', name: 'dense' })],
    });
  },
  'continued by a model over its tensors': (base) => {
    const dense = L.dense({ units: CLASSES, activation: 'softmax', name: 'dense' });
    return tf.model({
      inputs: base.inputs,
      outputs: dense.apply(base.outputs[0]!) as tf.SymbolicTensor,
    });
  },
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('training equals Keras', () => {
  it.each(Object.entries(goldens))('%s', async (_, golden) => {
    const base = baseOf(golden);
    base.trainable = !golden.frozen;
    const model = placements['as the first layer of a Sequential model']!(base);
    seed([...base.layers, named(model, 'dense')]);
    const losses = await fiveEpochs(model);
    golden.losses.forEach((loss, epoch) => expect(losses[epoch]).toBeCloseTo(loss, 5));
    expect(count(model.trainableWeights)).toBe(golden.trainable);
    expect(count(model.nonTrainableWeights)).toBe(golden.nonTrainable);
    const bn = base.getLayer('bn');
    bn.weights.forEach((weight, index) => {
      const name = weight.originalName.split('/').at(-1)!;
      const expected = golden.bn[name]!;
      values(bn)[index]!.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    });
    const prediction = tf.tidy(() => {
      const { x } = data();
      return (model.predict(x) as tf.Tensor).dataSync().slice();
    });
    prediction.forEach((value, i) => expect(value).toBeCloseTo(golden.prediction[i]!, 5));
    await disposeModel(model);
  });
});

describe.each(Object.keys(placements))('a frozen base, %s,', (placement) => {
  it.each([
    { scale: true, center: true },
    { scale: false, center: true },
    { scale: true, center: false },
    { scale: false, center: false },
  ])('is bit-identical after five epochs, scale $scale, center $center', async (parts) => {
    const base = baseOf(parts);
    base.trainable = false;
    const model = placements[placement]!(base);
    seed([...base.layers, named(model, 'dense')]);
    const frozen = base.layers.map(values);
    const head = values(named(model, 'dense'));
    const losses = await fiveEpochs(model);
    expect(base.layers.map(values)).toEqual(frozen);
    expect(values(named(model, 'dense'))).not.toEqual(head);
    expect(losses[4]).toBeLessThan(losses[0]!);
    expect(model.trainableWeights.map(({ originalName }) => originalName)).toEqual([
      'dense/kernel',
      'dense/bias',
    ]);
    await disposeModel(model);
  });

  it('may be frozen after it was added, and freed again', async () => {
    const base = baseOf();
    const model = placements[placement]!(base);
    seed([...base.layers, named(model, 'dense')]);
    base.trainable = false;
    const frozen = base.layers.map(values);
    await fiveEpochs(model);
    expect(base.layers.map(values)).toEqual(frozen);
    base.trainable = true;
    await fiveEpochs(model);
    const after = base.layers.map(values);
    for (const layer of [0, 1]) {
      frozen[layer]!.forEach((weight, index) => expect(after[layer]![index]).not.toEqual(weight));
    }
    await disposeModel(model);
  });
});

it('a frozen BatchNormalization keeps its statistics where the layers around it learn', async () => {
  const base = baseOf();
  const model = placements['as the first layer of a Sequential model']!(base);
  seed([...base.layers, named(model, 'dense')]);
  base.getLayer('bn').trainable = false;
  const frozen = values(base.getLayer('bn'));
  const kernel = values(base.getLayer('conv'));
  await fiveEpochs(model);
  expect(values(base.getLayer('bn'))).toEqual(frozen);
  expect(values(base.getLayer('conv'))).not.toEqual(kernel);
  await disposeModel(model);
});

it('a frozen model is frozen after saving and loading, and in the summary', async () => {
  const base = baseOf();
  base.trainable = false;
  const model = placements['nested twice']!(base);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  expect(count(loaded.trainableWeights)).toBe(15);
  expect(count(loaded.nonTrainableWeights)).toBe(124);
  expect(summary(loaded)).toMatch(/\n {2}trainable +15\n/);
  expect(summary(loaded)).toMatch(/\n {2}non-trainable +124\n/);
  await disposeModel(loaded);
  await disposeModel(model);
});

it('InceptionV3, whose BatchNormalizations have no scale, trains a head on WASM and stays what it is', async () => {
  await tf.setBackend('wasm');
  const before = tf.memory().numTensors;
  const base = await loadModel('inceptionv3', {
    weights: null,
    includeTop: false,
    inputShape: [75, 75, 3],
    pooling: 'avg',
  });
  base.trainable = false;
  const model = tf.sequential({ layers: [base, L.dense({ units: 2, activation: 'softmax' })] });
  const frozen = base.layers.map(values);
  const x = tf.randomUniform([2, 75, 75, 3], -1, 1, 'float32', 3);
  const y = tf.tensor2d([
    [1, 0],
    [0, 1],
  ]);
  const optimizer = tf.train.sgd(0.1);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  await model.fit(x, y, { epochs: 2, verbose: 0 });
  // Millions of numbers: byte by byte.
  const bytes = (weights: typeof frozen) =>
    weights.flat().map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength));
  const after = bytes(base.layers.map(values));
  expect(bytes(frozen).every((weight, index) => weight.equals(after[index]!))).toBe(true);
  expect(model.trainableWeights).toHaveLength(2);
  tf.dispose([x, y]);
  optimizer.dispose();
  await disposeModel(model);
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
});

it('is mended once, however often it is asked for', () => {
  const call = () => Reflect.get(tf.layers.batchNormalization({}), 'call') as unknown;
  const before = call();
  mendFrozenLayers();
  expect(call()).toBe(before);
});
