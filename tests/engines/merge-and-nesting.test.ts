import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compareEngines, prepareEngines, seedWeights } from './support.ts';

const L = tf.layers;
type Symbol = tf.SymbolicTensor;

beforeAll(() => prepareEngines());

async function expectAgreement(model: tf.LayersModel, shape: number[], outputs?: string[]): Promise<void> {
  seedWeights(model);
  const before = tf.memory().numTensors;
  const { difference } = await compareEngines(model, shape, outputs);
  expect(difference).toBeLessThanOrEqual(2e-6);
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
}

const branches = (input: Symbol, count: number) =>
  Array.from({ length: count }, () => L.conv2d({ filters: 4, kernelSize: 2 }).apply(input) as Symbol);

describe('a layer with several inputs gives what tfjs gives', () => {
  const mergers: Record<string, () => tf.layers.Layer> = {
    Add: () => L.add(),
    Multiply: () => L.multiply(),
    Average: () => L.average(),
    Maximum: () => L.maximum(),
    Minimum: () => L.minimum(),
    'Concatenate along the channels': () => L.concatenate(),
    'Concatenate along axis 3': () => L.concatenate({ axis: 3 }),
    'Concatenate along the rows': () => L.concatenate({ axis: 1 }),
  };
  for (const [name, merger] of Object.entries(mergers)) {
    for (const count of [2, 3]) {
      it(`${name} of ${count} feature maps`, () => {
        const input = tf.input({ shape: [5, 6, 3] });
        const merged = merger().apply(branches(input, count)) as Symbol;
        return expectAgreement(tf.model({ inputs: input, outputs: merged }), [2, 5, 6, 3]);
      });
    }
    it(`${name} of the input and a feature map`, () => {
      const input = tf.input({ shape: [5, 6, 4] });
      const convolved = L.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }).apply(input) as Symbol;
      const merged = merger().apply([input, convolved]) as Symbol;
      return expectAgreement(tf.model({ inputs: input, outputs: merged }), [2, 5, 6, 4]);
    });
  }
  it('Concatenate of vectors', () => {
    const input = tf.input({ shape: [7] });
    const parts = [2, 3].map((units) => L.dense({ units }).apply(input) as Symbol);
    const merged = L.concatenate().apply(parts) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: merged }), [3, 7]);
  });
  it('a squeeze-and-excitation block, whose gates have one pixel', () => {
    const input = tf.input({ shape: [5, 6, 4] });
    const x = L.conv2d({ filters: 8, kernelSize: 1, activation: 'swish' }).apply(input) as Symbol;
    let gate = L.globalAveragePooling2d({}).apply(x) as Symbol;
    gate = L.reshape({ targetShape: [1, 1, 8] }).apply(gate) as Symbol;
    gate = L.conv2d({ filters: 2, kernelSize: 1, activation: 'relu' }).apply(gate) as Symbol;
    gate = L.conv2d({ filters: 8, kernelSize: 1, activation: 'sigmoid' }).apply(gate) as Symbol;
    const gated = L.multiply().apply([x, gate]) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: gated }), [2, 5, 6, 4]);
  });
  it('a vector that meets a feature map is stretched along rows and columns', () => {
    const input = tf.input({ shape: [5, 6, 4] });
    const vector = L.globalMaxPooling2d({}).apply(input) as Symbol;
    const x = L.conv2d({ filters: 4, kernelSize: 1 }).apply(input) as Symbol;
    const sum = L.add().apply([x, vector]) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: sum }), [2, 5, 6, 4]);
  });
  it('a residual block with BatchNormalization on both ways', () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const short = L.batchNormalization({}).apply(
      L.conv2d({ filters: 6, kernelSize: 1, strides: 2 }).apply(input),
    ) as Symbol;
    let x = L.conv2d({ filters: 4, kernelSize: 1, strides: 2, useBias: false }).apply(input) as Symbol;
    x = L.batchNormalization({}).apply(x) as Symbol;
    x = L.activation({ activation: 'relu' }).apply(x) as Symbol;
    x = L.conv2d({ filters: 6, kernelSize: 3, padding: 'same' }).apply(x) as Symbol;
    x = L.batchNormalization({ scale: false }).apply(x) as Symbol;
    const sum = L.activation({ activation: 'relu' }).apply(L.add().apply([x, short])) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: sum }), [2, 8, 8, 3]);
  });
});

describe('shared layers and nested models', () => {
  it('a convolution that is called twice, with a BatchNormalization behind each call', () => {
    const input = tf.input({ shape: [6, 6, 3] });
    const shared = L.conv2d({ filters: 3, kernelSize: 3, padding: 'same' });
    const first = L.batchNormalization({}).apply(shared.apply(input)) as Symbol;
    const second = L.batchNormalization({}).apply(shared.apply(first)) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: second }), [2, 6, 6, 3]);
  });
  it('a BatchNormalization that is called twice', () => {
    const input = tf.input({ shape: [6, 6, 3] });
    const shared = L.batchNormalization({});
    const parts = branches(input, 2).map((branch) => shared.apply(branch) as Symbol);
    return expectAgreement(
      tf.model({ inputs: input, outputs: L.add().apply(parts) as Symbol }),
      [2, 6, 6, 3],
    );
  });
  it('a nested model that is called twice', () => {
    const inner = tf.sequential({
      layers: [
        L.conv2d({ inputShape: [6, 6, 3], filters: 3, kernelSize: 3, padding: 'same', name: 'conv' }),
        L.batchNormalization({ name: 'norm' }),
      ],
    });
    const input = tf.input({ shape: [6, 6, 3] });
    const outer = L.conv2d({ filters: 3, kernelSize: 1, name: 'conv' }).apply(input);
    const twice = inner.apply(inner.apply(outer)) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: twice }), [2, 6, 6, 3]);
  });
  it('a Sequential model on top of a functional one, as transfer learning builds it', () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const features = L.conv2d({ filters: 5, kernelSize: 3, activation: 'relu' }).apply(input) as Symbol;
    const base = tf.model({ inputs: input, outputs: features, name: 'base' });
    const model = tf.sequential();
    model.add(base);
    model.add(L.globalAveragePooling2d({}));
    model.add(L.dropout({ rate: 0.5 }));
    model.add(L.dense({ units: 2, activation: 'softmax' }));
    return expectAgreement(model, [3, 8, 8, 3]);
  });
  it('a nested model with two outputs', () => {
    const innerInput = tf.input({ shape: [6] });
    const heads = [2, 3].map((units) => L.dense({ units }).apply(innerInput) as Symbol);
    const inner = tf.model({ inputs: innerInput, outputs: heads });
    const input = tf.input({ shape: [4] });
    const both = inner.apply(L.dense({ units: 6 }).apply(input)) as Symbol[];
    const merged = L.concatenate().apply(both) as Symbol;
    return expectAgreement(tf.model({ inputs: input, outputs: merged }), [2, 4]);
  });
  it('a model with two outputs gives both', () => {
    const input = tf.input({ shape: [6, 6, 3] });
    const outputs = branches(input, 2);
    return expectAgreement(tf.model({ inputs: input, outputs }), [2, 6, 6, 3]);
  });
});

describe('intermediate outputs', () => {
  const build = () => {
    const input = tf.input({ shape: [8, 8, 3], name: 'picture' });
    let x = L.conv2d({ filters: 4, kernelSize: 3, name: 'stem/conv' }).apply(input) as Symbol;
    x = L.batchNormalization({ name: 'stem/norm' }).apply(x) as Symbol;
    x = L.zeroPadding2d({ padding: 1, name: 'pad' }).apply(x) as Symbol;
    x = L.conv2d({ filters: 5, kernelSize: 3, name: 'body' }).apply(x) as Symbol;
    x = L.dropout({ rate: 0.5, name: 'drop' }).apply(x) as Symbol;
    x = L.globalAveragePooling2d({ name: 'pool' }).apply(x) as Symbol;
    return tf.model({ inputs: input, outputs: L.dense({ units: 2, name: 'head' }).apply(x) as Symbol });
  };
  it('what would be folded away is given out as it is', () =>
    expectAgreement(
      build(),
      [2, 8, 8, 3],
      ['stem/conv', 'stem/norm', 'pad', 'body', 'drop', 'pool', 'head'],
    ));
  it('only what an output needs is in the graph', () =>
    expectAgreement(build(), [2, 8, 8, 3], ['stem/norm']));
  it('the input itself may be asked for', () =>
    expectAgreement(build(), [1, 8, 8, 3], ['picture', 'stem/conv']));
  it('the same layer may be asked for twice', () => expectAgreement(build(), [1, 8, 8, 3], ['pool', 'pool']));
  it('a layer of a Sequential model', () => {
    const model = tf.sequential({
      layers: [
        L.conv2d({ inputShape: [6, 6, 3], filters: 3, kernelSize: 3, name: 'features' }),
        L.flatten(),
        L.dense({ units: 2 }),
      ],
    });
    return expectAgreement(model, [2, 6, 6, 3], ['features']);
  });
  it('a layer that another model calls too', () => {
    const shared = L.dense({ units: 3, name: 'shared' });
    const other = tf.input({ shape: [4] });
    shared.apply(other);
    const input = tf.input({ shape: [4] });
    const x = shared.apply(input) as Symbol;
    const model = tf.model({ inputs: input, outputs: L.dense({ units: 2 }).apply(x) as Symbol });
    return expectAgreement(model, [2, 4], ['shared']);
  });
});
