import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { DovecoteError } from '../../src/base/errors.ts';
import {
  CustomScaleLayer,
  GlobalAveragePooling2DKeepDims,
  GroupedConv2D,
  LayerScale,
  Normalization,
  StochasticDepth,
} from '../../zoo/layers/index.ts';
import { createNetwork } from '../../zoo/network.ts';

beforeAll(() => tf.setBackend('cpu'));

/** Of each sample, what a layer multiplies it by in training: the mean over a sample of ones. */
function factors(layer: tf.layers.Layer, samples: number): number[] {
  return tf.tidy(() => {
    const output = layer.apply(tf.ones([samples, 2, 3, 4]), { training: true }) as tf.Tensor;
    const mean = tf.mean(output, [1, 2, 3]);
    const spread = tf.max(tf.abs(tf.sub(output, tf.reshape(mean, [samples, 1, 1, 1]))));
    // All values of a sample share one fate.
    expect(spread.dataSync()[0]).toBeLessThan(1e-6);
    return [...mean.dataSync()];
  });
}

describe.each<[string, (rate: number, seed?: number) => tf.layers.Layer]>([
  ['StochasticDepth', (dropPathRate, seed) => new StochasticDepth({ dropPathRate, seed })],
  [
    "tfjs's Dropout with the noise shape of EfficientNet",
    (rate, seed) => tf.layers.dropout({ rate, seed, noiseShape: [null, 1, 1, 1] as unknown as number[] }),
  ],
])('%s', (_, make) => {
  it('drops whole samples in training, and divides the others by what is kept', () => {
    const seen = factors(make(0.25, 3), 400);
    const dropped = seen.filter((factor) => factor === 0).length;
    // 100 are to be expected, with a standard deviation of 8.7.
    expect(dropped).toBeGreaterThan(60);
    expect(dropped).toBeLessThan(140);
    const kept = seen.filter((factor) => factor !== 0);
    expect(kept.every((factor) => Math.abs(factor - 1 / 0.75) < 1e-5)).toBe(true);
  });

  it('lets everything pass at inference', () => {
    const layer = make(0.9);
    tf.tidy(() => {
      const x = tf.randomNormal([8, 2, 2, 2]);
      expect([...(layer.apply(x) as tf.Tensor).dataSync()]).toEqual([...x.dataSync()]);
    });
  });

  it('drops in fit: an input that is dropped has no gradient', async () => {
    const input = tf.input({ shape: [1, 1, 1] });
    const scaled = new LayerScale({ initValues: 1, projectionDim: 1 });
    const x = make(0.5, 11).apply(scaled.apply(input)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: x });
    model.compile({ optimizer: tf.train.sgd(1), loss: (_labels, output) => tf.sum(output) });
    const ones = tf.ones([64, 1, 1, 1]);
    await model.fit(ones, ones, { batchSize: 64, epochs: 1 });
    // Each kept sample adds 1 / 0.5; were none dropped, gamma would move by 64 or, without scaling, less.
    const moved = 1 - scaled.getWeights()[0]!.dataSync()[0]!;
    expect(moved / 2).toBeCloseTo(Math.round(moved / 2), 4);
    expect(moved / 2).toBeGreaterThan(10);
    expect(moved / 2).toBeLessThan(54);
    ones.dispose();
    model.dispose();
  });
});

describe('StochasticDepth with a seed', () => {
  it('draws anew at each call, and the same as another layer with that seed', () => {
    const [one, other] = [5, 5].map((seed) => new StochasticDepth({ dropPathRate: 0.5, seed }));
    const first = factors(one!, 64);
    expect(factors(one!, 64)).not.toEqual(first);
    expect(factors(other!, 64)).toEqual(first);
  });

  it('is in the config only when it was given: Keras takes none', () => {
    expect(new StochasticDepth({ dropPathRate: 0.5 }).getConfig()).not.toHaveProperty('seed');
    expect(new StochasticDepth({ dropPathRate: 0.5, seed: 5 }).getConfig()).toHaveProperty('seed', 5);
  });
});

/** A small network with every layer of this folder. */
function everyLayer() {
  const network = createNetwork({ kernel: 'glorotUniform', seed: 1 });
  const input = tf.input({ shape: [6, 6, 4], name: 'input_layer' });
  let x = network.normalization(input);
  x = network.rescaling(x, { scale: [1, 2, 0.5, 1], offset: [0, 0.1, 0, -0.1] });
  const depthwise = network.groupedConv2d(x, { filters: 8, kernelSize: 3, groups: 4, padding: 'same' });
  const grouped = network.groupedConv2d(x, { filters: 8, kernelSize: 3, groups: 2, padding: 'same' });
  x = network.customScale([depthwise, grouped], { scale: 0.3 });
  x = network.activation(x, { activation: 'hardSwish' });
  x = network.layerScale(x, { initValues: 0.5, projectionDim: 8 });
  x = network.stochasticDepth(x, { dropPathRate: 0.1, seed: 2 });
  x = network.dropout(x, { rate: 0.1, noiseShape: [null, 1, 1, 1], seed: 4 });
  x = network.globalAveragePooling2d(x, { keepDims: true });
  x = network.conv2d(x, { filters: 8, kernelSize: 1, activation: 'keras3HardSigmoid' });
  x = network.globalMaxPooling2d(x, { keepDims: true });
  x = network.dense(network.flatten(x), { units: 3, activation: 'softmax' });
  return tf.model({ inputs: input, outputs: x });
}

/** Pictures that are told apart by their brightest channel. */
function pictures(samples: number) {
  return tf.tidy(() => {
    const labels = tf.tensor1d(
      Array.from({ length: samples }, (_, index) => index % 3),
      'int32',
    );
    const lit = tf.mul(tf.oneHot(labels, 4).reshape([samples, 1, 1, 4]), 2);
    const noise = tf.randomNormal([samples, 6, 6, 4], 0, 0.3, 'float32', 7);
    return { xs: tf.add(noise, lit), ys: tf.oneHot(labels, 3) };
  });
}

describe('a network of these layers', () => {
  it('has the names that Keras gives to unnamed layers', () => {
    const model = everyLayer();
    expect(model.layers.map(({ name }) => name)).toEqual([
      'input_layer',
      'normalization',
      'rescaling',
      'conv2d',
      'conv2d_1',
      'custom_scale_layer',
      'activation',
      'layer_scale',
      'stochastic_depth',
      'dropout',
      'global_average_pooling2d',
      'conv2d_2',
      'global_max_pooling2d',
      'flatten',
      'dense',
    ]);
    model.dispose();
  });

  it('learns in fit, changes every trainable weight and leaves a Normalization alone, without a leak', async () => {
    const model = everyLayer();
    const { xs, ys } = pictures(24);
    const before = tf.memory().numTensors;
    const optimizer = tf.train.adam(0.02);
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const read = () =>
      model.layers.map((layer) => layer.getWeights().map((weight) => [...weight.dataSync()]));
    const initial = read();
    const { history } = await model.fit(xs, ys, { epochs: 12, batchSize: 12, shuffle: false });
    const losses = history.loss as number[];
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) * 0.7);
    const trained = read();
    model.layers.forEach((layer, index) => {
      layer.getWeights().forEach((_, position) => {
        const same = JSON.stringify(trained[index]![position]) === JSON.stringify(initial[index]![position]);
        expect(same, `${layer.name}, weight ${position}`).toBe(layer.name === 'normalization');
      });
    });
    optimizer.dispose();
    // What compile and fit leave behind themselves has nothing to do with the layers: two scalars of the loss.
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
    tf.dispose([xs, ys]);
    model.dispose();
  });

  it('keeps what is frozen', async () => {
    const model = everyLayer();
    const { xs, ys } = pictures(6);
    for (const layer of model.layers) layer.trainable = layer.name === 'dense';
    const read = () =>
      model.layers
        .slice(0, -1)
        .flatMap((layer) => layer.getWeights().map((weight) => [...weight.dataSync()]));
    const before = read();
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
    await model.fit(xs, ys, { epochs: 2 });
    expect(read()).toEqual(before);
    tf.dispose([xs, ys]);
    model.dispose();
  });
});

describe('gradients by finite differences', () => {
  it('of every trainable weight', () => {
    const model = everyLayer();
    const { xs, ys } = pictures(6);
    const loss = () =>
      tf.tidy(() => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(ys, model.apply(xs) as tf.Tensor));
    const variables = model.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
    const { grads, value } = tf.variableGrads(loss, variables);
    value.dispose();
    const step = 1e-2;
    for (const variable of variables) {
      const values = variable.dataSync().slice();
      // Along the gradient itself, where the difference is largest.
      const gradient = grads[variable.name]!.dataSync();
      const length = Math.hypot(...gradient);
      const at = (distance: number) => {
        const moved = values.map((old, index) => old + (distance * gradient[index]!) / length);
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return tf.tidy(() => loss().dataSync()[0] as number);
      };
      const slope = (at(step) - at(-step)) / (2 * step);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      expect(length, variable.name).toBeGreaterThan(0);
      expect(Math.abs(slope - length) / length, variable.name).toBeLessThan(0.05);
    }
    tf.dispose([xs, ys, grads]);
    model.dispose();
  });
});

describe('what cannot be made or applied is told in words', () => {
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return error instanceof DovecoteError ? error.code : String(error);
    }
    return 'no error';
  };
  const input = (...shape: (number | null)[]) => tf.input({ shape });
  it.each<[string, string, () => unknown]>([
    ['a mean without a variance', 'MODEL_OPTION', () => new Normalization({ mean: 1 })],
    [
      'a mean of more axes than are kept',
      'MODEL_OPTION',
      () => new Normalization({ mean: [[1]], variance: [[1]] }),
    ],
    ['an axis that is not there', 'MODEL_INPUT', () => new Normalization({ axis: 4 }).apply(input(2, 2, 3))],
    ['an axis of unknown size', 'MODEL_INPUT', () => new Normalization({ axis: 1 }).apply(input(null, 2, 3))],
    ['a rate of 1', 'MODEL_OPTION', () => new StochasticDepth({ dropPathRate: 1 })],
    ['no channels to scale', 'MODEL_OPTION', () => new LayerScale({ initValues: 1, projectionDim: 0 })],
    [
      'groups that do not divide the filters',
      'MODEL_OPTION',
      () => new GroupedConv2D({ filters: 4, kernelSize: 1, groups: 3 }),
    ],
    [
      'groups that do not divide the channels',
      'MODEL_INPUT',
      () => new GroupedConv2D({ filters: 4, kernelSize: 1, groups: 4 }).apply(input(2, 2, 6)),
    ],
    ['one input to scale and add', 'MODEL_INPUT', () => new CustomScaleLayer({ scale: 1 }).apply(input(2))],
    ['vectors to pool', 'MODEL_INPUT', () => new GlobalAveragePooling2DKeepDims().apply(input(3))],
  ])('%s: %s', (_, expected, run) => {
    expect(code(run)).toBe(expected);
  });
});
