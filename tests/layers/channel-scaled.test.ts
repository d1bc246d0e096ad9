import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { channelAxes } from '../../src/base/channel-axes.ts';
import { ChannelScaled, expandChannels } from '../../src/layers/channel-scaled.ts';
import '../../src/layers/index.ts';
import { seededTensor } from '../support/seeded.ts';
import { reloaded } from './support.ts';

beforeAll(() => tf.setBackend('cpu'));

interface Case {
  readonly name: string;
  readonly layer: () => tf.layers.Layer;
  readonly inputShape: number[];
  /** How many channels each kernel has. */
  readonly kernels: Record<string, number>;
}

const cases: Case[] = [
  { name: 'Dense', layer: () => tf.layers.dense({ units: 3 }), inputShape: [4], kernels: { kernel: 3 } },
  {
    name: 'Conv1D',
    layer: () => tf.layers.conv1d({ filters: 3, kernelSize: 2 }),
    inputShape: [5, 2],
    kernels: { kernel: 3 },
  },
  {
    name: 'Conv2D',
    layer: () => tf.layers.conv2d({ filters: 3, kernelSize: 2, useBias: false }),
    inputShape: [5, 4, 2],
    kernels: { kernel: 3 },
  },
  {
    name: 'Conv3D',
    layer: () => tf.layers.conv3d({ filters: 3, kernelSize: 2 }),
    inputShape: [3, 4, 3, 2],
    kernels: { kernel: 3 },
  },
  {
    name: 'Conv2DTranspose',
    layer: () => tf.layers.conv2dTranspose({ filters: 3, kernelSize: 2 }),
    inputShape: [3, 4, 2],
    kernels: { kernel: 3 },
  },
  {
    name: 'Conv3DTranspose',
    layer: () => tf.layers.conv3dTranspose({ filters: 3, kernelSize: 2 }),
    inputShape: [2, 3, 2, 4],
    kernels: { kernel: 3 },
  },
  {
    name: 'DepthwiseConv2D',
    layer: () => tf.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
    inputShape: [3, 4, 3],
    kernels: { depthwise_kernel: 6 },
  },
  {
    name: 'SeparableConv2D',
    // tfjs forgets a depthMultiplier when it saves this layer.
    layer: () => tf.layers.separableConv2d({ filters: 3, kernelSize: 2 }),
    inputShape: [3, 4, 2],
    kernels: { depthwise_kernel: 2, pointwise_kernel: 3 },
  },
  {
    name: 'Embedding',
    layer: () => tf.layers.embedding({ inputDim: 5, outputDim: 3 }),
    inputShape: [4],
    kernels: { embeddings: 3 },
  },
];

const tail = (weight: tf.LayerVariable) => weight.originalName.split('/').at(-1)!;
const numbers = (tensor: tf.Tensor) => [...tensor.dataSync()];

function scaled(
  layer: tf.layers.Layer,
  inputShape: number[],
): { model: tf.LayersModel; wrapper: ChannelScaled } {
  const wrapper = new ChannelScaled({ name: 'scaled', layer });
  const input = tf.input({ shape: inputShape });
  const model = tf.model({ inputs: input, outputs: wrapper.apply(input) as tf.SymbolicTensor });
  wrapper.weights.forEach((weight, index) => {
    const shape = weight.shape as number[];
    const values = seededTensor(shape, index + 1);
    const level = !/_(scale|minimum)$|bias$/.test(tail(weight));
    const value = tf.tensor(level ? values.map((value) => Math.abs(Math.round(value * 100))) : values, shape);
    weight.write(value);
    value.dispose();
  });
  return { model, wrapper };
}

describe.each(cases)('$name in levels', ({ name, layer, inputShape, kernels }) => {
  it('has a scale and a minimum for each channel of its kernels, behind its own weights', () => {
    const { model, wrapper } = scaled(layer(), inputShape);
    const own = wrapper.weights.filter((weight) => /_(scale|minimum)$/.test(tail(weight)));
    expect(Object.fromEntries(own.map((weight) => [tail(weight), weight.shape]))).toEqual(
      Object.fromEntries(
        Object.entries(kernels).flatMap(([kernel, channels]) => [
          [`${kernel}_scale`, [channels]],
          [`${kernel}_minimum`, [channels]],
        ]),
      ),
    );
    expect(wrapper.weights.slice(-own.length)).toEqual(own);
    expect(wrapper.weights.map((weight) => weight.originalName.split('/')[0])).toEqual(
      wrapper.weights.map(() => 'scaled'),
    );
    model.dispose();
  });

  it('is the plain layer with levels times scales plus minimums as soon as it is called', async () => {
    const before = tf.memory().numTensors;
    const { model, wrapper } = scaled(layer(), inputShape);
    const held = new Map(wrapper.weights.map((weight) => [tail(weight), weight.read().clone()]));
    const plain = layer();
    const input = tf.input({ shape: inputShape });
    const wanted = tf.model({ inputs: input, outputs: plain.apply(input) as tf.SymbolicTensor });
    tf.tidy(() => {
      for (const weight of plain.weights) {
        const value = held.get(tail(weight))!;
        const axes = channelAxes(plain.getClassName(), tail(weight), value.rank);
        if (axes === undefined) weight.write(value);
        else {
          const shape = value.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
          const spread = (what: string) => tf.reshape(held.get(`${tail(weight)}_${what}`)!, shape);
          weight.write(tf.add(tf.mul(value, spread('scale')), spread('minimum')));
        }
      }
    });
    const x = tf.tensor(
      seededTensor([2, ...inputShape], 99).map((value) =>
        name === 'Embedding' ? Math.abs(Math.round(value)) % 5 : value,
      ),
      [2, ...inputShape],
    );
    const expected = wanted.predict(x) as tf.Tensor;
    for (let call = 0; call < 2; call++) {
      const output = model.predict(x) as tf.Tensor;
      expect(numbers(output)).toEqual(numbers(expected));
      output.dispose();
    }
    expect(wrapper.weights.map(tail)).toEqual(plain.weights.map(tail));
    const saved = await reloaded(model);
    const layers = saved.layers.map((one) => one.getClassName());
    expect(layers).toEqual(['InputLayer', name]);
    const output = saved.predict(x) as tf.Tensor;
    expect(numbers(output)).toEqual(numbers(expected));
    tf.dispose([x, expected, output, ...held.values()]);
    for (const one of [model, wanted, saved]) one.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('levels', () => {
  it('stay levels when the model is saved before it is called, and become kernels when it is asked to', async () => {
    const { model } = scaled(tf.layers.dense({ units: 2 }), [3]);
    const again = await reloaded(model);
    expect(again.layers[1]!.getClassName()).toBe('ChannelScaled');
    expect(again.layers[1]!.weights.map(tail)).toEqual(['kernel', 'bias', 'kernel_scale', 'kernel_minimum']);
    expandChannels(again);
    expect(again.layers[1]!.getClassName()).toBe('Dense');
    expect(again.layers[1]!.weights.map(tail)).toEqual(['kernel', 'bias']);
    const x = tf.ones([1, 3]);
    expect(numbers(again.predict(x) as tf.Tensor)).toEqual(numbers(model.predict(x) as tf.Tensor));
  });

  it('become a kernel that can be trained', async () => {
    const { model } = scaled(tf.layers.dense({ units: 1 }), [3]);
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const [x, y] = [tf.tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]), tf.tensor2d([1, -1, 2], [3, 1])];
    const history = await model.fit(x, y, { epochs: 400, shuffle: false, verbose: 0 });
    const losses = history.history.loss as number[];
    expect(losses.at(-1)).toBeLessThan(1e-2);
  });

  it('need a layer with a kernel', () => {
    const wrapper = new ChannelScaled({ layer: tf.layers.flatten() });
    expect(() => wrapper.apply(tf.input({ shape: [2, 2] }))).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTION' }),
    );
  });
});
