import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Normalization } from '../../zoo/layers/index.ts';
import { compileModel } from '../../src/engines/compile-model.ts';
import { chainModel, compareEngines, largestDifference, prepareEngines, seeded } from './support.ts';

const L = tf.layers;
type Builder = () => tf.layers.Layer[];

beforeAll(() => prepareEngines());

async function expectAgreement(shape: (number | null)[], builder: Builder, batch: number[]): Promise<void> {
  const before = tf.memory().numTensors;
  const model = chainModel(shape, ...builder());
  try {
    const { difference } = await compareEngines(model, batch);
    expect(difference).toBeLessThanOrEqual(2e-6);
  } finally {
    model.dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
}

const activations = [
  'linear',
  'relu',
  'relu6',
  'elu',
  'selu',
  'sigmoid',
  'hardSigmoid',
  'tanh',
  'softmax',
  'swish',
  'softplus',
  'softsign',
  'gelu',
  'gelu_new',
  'mish',
] as const;
// tfjs's types lag behind its list of activations.
const activation = (name: string) => name as 'relu';

describe('a convolution gives what tfjs gives', () => {
  for (const padding of ['same', 'valid'] as const) {
    for (const strides of [1, 2, 3]) {
      for (const size of [9, 10]) {
        for (const kernelSize of [1, 2, 3, 5]) {
          it(`Conv2D ${kernelSize}x${kernelSize}, stride ${strides}, ${padding}, input ${size}x${size + 1}`, () =>
            expectAgreement(
              [size, size + 1, 3],
              () => [L.conv2d({ filters: 4, kernelSize, strides, padding })],
              [2, size, size + 1, 3],
            ));
        }
        it(`DepthwiseConv2D, stride ${strides}, ${padding}, input ${size}`, () =>
          expectAgreement(
            [size, size, 3],
            () => [L.depthwiseConv2d({ kernelSize: 3, strides, padding, depthMultiplier: 2 })],
            [2, size, size, 3],
          ));
        it(`SeparableConv2D, stride ${strides}, ${padding}, input ${size}`, () =>
          expectAgreement(
            [size, size, 3],
            () => [L.separableConv2d({ filters: 5, kernelSize: 3, strides, padding, depthMultiplier: 2 })],
            [2, size, size, 3],
          ));
        it(`Conv2DTranspose, stride ${strides}, ${padding}, input ${size}`, () =>
          expectAgreement(
            [size, size, 3],
            () => [L.conv2dTranspose({ filters: 4, kernelSize: 2, strides, padding })],
            [2, size, size, 3],
          ));
      }
    }
    for (const dilationRate of [2, 3]) {
      it(`Conv2D with dilation ${dilationRate}, ${padding}`, () =>
        expectAgreement(
          [13, 14, 2],
          () => [L.conv2d({ filters: 3, kernelSize: 3, dilationRate, padding })],
          [1, 13, 14, 2],
        ));
      it(`SeparableConv2D with dilation ${dilationRate}, ${padding}`, () =>
        expectAgreement(
          [13, 14, 2],
          () => [L.separableConv2d({ filters: 3, kernelSize: 3, dilationRate, padding })],
          [1, 13, 14, 2],
        ));
    }
  }
  it('strides and kernels need not be square', () =>
    expectAgreement(
      [11, 12, 2],
      () => [L.conv2d({ filters: 3, kernelSize: [1, 5], strides: [3, 2], padding: 'same' })],
      [1, 11, 12, 2],
    ));
  it('a wide transposed convolution', () =>
    expectAgreement(
      [4, 5, 2],
      () => [L.conv2dTranspose({ filters: 3, kernelSize: 5, strides: 2, padding: 'same' })],
      [1, 4, 5, 2],
    ));
  it('without bias, and with an activation', () =>
    expectAgreement(
      [8, 8, 3],
      () => [
        L.conv2d({ filters: 4, kernelSize: 3, useBias: false, activation: 'relu' }),
        L.depthwiseConv2d({ kernelSize: 3, useBias: false, activation: 'tanh' }),
        L.separableConv2d({ filters: 4, kernelSize: 1, useBias: false, activation: 'elu' }),
      ],
      [1, 8, 8, 3],
    ));
  it('channels first', () =>
    expectAgreement(
      [3, 8, 9],
      () => [
        L.conv2d({ filters: 4, kernelSize: 3, dataFormat: 'channelsFirst', padding: 'same' }),
        L.maxPooling2d({ poolSize: 2, dataFormat: 'channelsFirst' }),
        L.globalAveragePooling2d({ dataFormat: 'channelsFirst' }),
      ],
      [2, 3, 8, 9],
    ));
  it('a dilated DepthwiseConv2D is as undilated as tfjs leaves it', () =>
    expectAgreement(
      [9, 9, 2],
      () => [L.depthwiseConv2d({ kernelSize: 3, dilationRate: 2, padding: 'same' })],
      [1, 9, 9, 2],
    ));
});

describe('a pool gives what tfjs gives', () => {
  for (const padding of ['same', 'valid'] as const) {
    for (const strides of [1, 2, 3]) {
      for (const size of [9, 10]) {
        it(`MaxPooling2D 3x3/${strides}, ${padding}, input ${size}`, () =>
          expectAgreement([size, size, 3], () => [L.maxPooling2d({ poolSize: 3, strides, padding })], [
            2,
            size,
            size,
            3,
          ]));
        it(`AveragePooling2D 3x2/${strides}, ${padding}, input ${size}, padding not counted`, () =>
          expectAgreement(
            [size, size, 3],
            () => [L.averagePooling2d({ poolSize: [3, 2], strides: [strides, strides], padding })],
            [2, size, size, 3],
          ));
      }
    }
  }
  it('GlobalAveragePooling2D', () =>
    expectAgreement([7, 6, 5], () => [L.globalAveragePooling2d({})], [3, 7, 6, 5]));
  it('GlobalMaxPooling2D', () => expectAgreement([7, 6, 5], () => [L.globalMaxPooling2d({})], [3, 7, 6, 5]));
});

describe('an activation gives what tfjs gives', () => {
  for (const name of activations) {
    it(`${name} on feature maps`, () =>
      expectAgreement(
        [5, 6, 4],
        () => [L.conv2d({ filters: 7, kernelSize: 3, activation: activation(name) })],
        [2, 5, 6, 4],
      ));
    it(`${name} on vectors`, () =>
      expectAgreement(
        [9],
        () => [L.dense({ units: 7 }), L.activation({ activation: activation(name) })],
        [2, 9],
      ));
  }
  it('logSoftmax', () =>
    expectAgreement([9], () => [L.activation({ activation: activation('logSoftmax') })], [2, 9]));
  const layers: Record<string, () => tf.layers.Layer> = {
    ReLU: () => L.reLU({}),
    'ReLU with a maximum': () => L.reLU({ maxValue: 0.4 }),
    LeakyReLU: () => L.leakyReLU({ alpha: 0.15 }),
    'LeakyReLU as it is': () => L.leakyReLU({}),
    PReLU: () => L.prelu({}),
    'PReLU with shared axes': () => L.prelu({ sharedAxes: [1, 2] }),
    ELU: () => L.elu({}),
    ThresholdedReLU: () => L.thresholdedReLU({ theta: 0.3 }),
    Softmax: () => L.softmax({ axis: -1 }),
  };
  for (const [name, layer] of Object.entries(layers)) {
    it(`${name} on the input`, () => expectAgreement([4, 5, 3], () => [layer()], [2, 4, 5, 3]));
    it(`${name} behind a convolution`, () =>
      expectAgreement([4, 5, 3], () => [L.conv2d({ filters: 6, kernelSize: 2 }), layer()], [2, 4, 5, 3]));
  }
});

describe('a layer that changes the shape gives what tfjs gives', () => {
  const conv = () => L.conv2d({ filters: 4, kernelSize: 2 });
  const cases: Record<string, Builder> = {
    'ZeroPadding2D, uneven': () => [
      L.zeroPadding2d({
        padding: [
          [0, 2],
          [1, 3],
        ],
      }),
    ],
    'ZeroPadding2D before a convolution': () => [
      L.zeroPadding2d({
        padding: [
          [0, 1],
          [2, 0],
        ],
      }),
      L.conv2d({ filters: 3, kernelSize: 3, strides: 2 }),
    ],
    'ZeroPadding2D before a padded convolution': () => [
      L.zeroPadding2d({ padding: 1 }),
      L.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }),
    ],
    'ZeroPadding2D before a max pool': () => [
      conv(),
      L.activation({ activation: 'relu' }),
      L.zeroPadding2d({ padding: 1 }),
      L.maxPooling2d({ poolSize: 3, strides: 2 }),
    ],
    'Cropping2D, uneven': () => [
      L.cropping2D({
        cropping: [
          [1, 0],
          [0, 2],
        ],
      }),
    ],
    'UpSampling2D, nearest': () => [conv(), L.upSampling2d({ size: [2, 3] })],
    'UpSampling2D, bilinear': () => [conv(), L.upSampling2d({ size: [2, 2], interpolation: 'bilinear' })],
    Flatten: () => [L.flatten()],
    'Flatten behind a convolution': () => [conv(), L.flatten(), L.dense({ units: 3 })],
    'Flatten of channels first': () => [L.flatten({ dataFormat: 'channelsFirst' })],
    'Flatten of one pixel': () => [L.conv2d({ filters: 4, kernelSize: [6, 7] }), L.flatten()],
    'Reshape behind a convolution': () => [conv(), L.reshape({ targetShape: [15, 8] })],
    'Reshape with an open side': () => [conv(), L.reshape({ targetShape: [-1, 4] })],
    'Reshape back to a feature map': () => [
      L.globalAveragePooling2d({}),
      L.reshape({ targetShape: [1, 1, 3] }),
      L.conv2d({ filters: 5, kernelSize: 1 }),
    ],
    'Permute behind a convolution': () => [conv(), L.permute({ dims: [3, 1, 2] })],
    RepeatVector: () => [L.globalMaxPooling2d({}), L.repeatVector({ n: 4 })],
    'Dense on feature maps': () => [conv(), L.dense({ units: 5, activation: 'relu' })],
    'Dense on the input': () => [L.dense({ units: 5, useBias: false })],
    'Dense on rows': () => [L.reshape({ targetShape: [6, 21] }), L.dense({ units: 5 })],
    Rescaling: () => [tf.layers.rescaling({ scale: 1 / 127.5, offset: -1 }), conv()],
    Dropout: () => [
      conv(),
      L.dropout({ rate: 0.5 }),
      L.gaussianNoise({ stddev: 1 }),
      L.gaussianDropout({ rate: 0.2 }),
      L.alphaDropout({ rate: 0.2 }),
    ],
  };
  for (const [name, builder] of Object.entries(cases)) {
    it(name, () => expectAgreement([6, 7, 3], builder, [2, 6, 7, 3]));
  }
});

describe('a normalization gives what tfjs gives', () => {
  const conv = () => L.conv2d({ filters: 4, kernelSize: 2 });
  for (const [scale, center] of [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ] as const) {
    const norm = () => L.batchNormalization({ scale, center, epsilon: 1e-3 });
    const flags = `scale ${scale}, center ${center}`;
    const before: Record<string, Builder> = {
      Conv2D: () => [conv()],
      'Conv2D without bias': () => [L.conv2d({ filters: 4, kernelSize: 2, useBias: false })],
      'Conv2D with an activation': () => [L.conv2d({ filters: 4, kernelSize: 2, activation: 'relu' })],
      DepthwiseConv2D: () => [L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 })],
      SeparableConv2D: () => [L.separableConv2d({ filters: 4, kernelSize: 2 })],
      Conv2DTranspose: () => [L.conv2dTranspose({ filters: 4, kernelSize: 2 })],
      Dense: () => [L.globalMaxPooling2d({}), L.dense({ units: 6 })],
      'Dense on feature maps': () => [conv(), L.dense({ units: 6, useBias: false })],
      nothing: () => [],
      'a pool': () => [conv(), L.maxPooling2d({ poolSize: 2 })],
      Flatten: () => [conv(), L.flatten()],
    };
    for (const [name, builder] of Object.entries(before)) {
      it(`BatchNormalization behind ${name}, ${flags}`, () =>
        expectAgreement([6, 7, 3], () => [...builder(), norm()], [2, 6, 7, 3]));
    }
    it(`LayerNormalization, ${flags}`, () =>
      expectAgreement([6, 7, 3], () => [conv(), L.layerNormalization({ scale, center })], [2, 6, 7, 3]));
  }
  // tfjs's cpu backend does not broadcast along other axes than the last, so the formula is the reference here.
  for (const behind of ['the input', 'a convolution']) {
    it(`BatchNormalization along the rows of ${behind}`, async () => {
      const layers = behind === 'the input' ? [] : [conv()];
      const model = chainModel([6, 7, 3], ...layers, L.batchNormalization({ axis: 1, epsilon: 0.01 }));
      const data = seeded(2 * 6 * 7 * 3, 4);
      const compiled = await compileModel(model, { engine: 'onnx' });
      const [output] = await compiled.run(data, [2, 6, 7, 3]);
      const expected = tf.tidy(() => {
        const input = tf.tensor(data, [2, 6, 7, 3]);
        const x = layers.length === 0 ? input : (layers[0]!.apply(input) as tf.Tensor);
        const [gamma, beta, mean, variance] = model.weights
          .slice(-4)
          .map((weight) => weight.read().reshape([-1, 1, 1]));
        return x.sub(mean!).div(variance!.add(0.01).sqrt()).mul(gamma!).add(beta!).dataSync();
      });
      expect(largestDifference(output!.data, expected)).toBeLessThanOrEqual(2e-6);
      await compiled.dispose();
      model.dispose();
    });
  }

  it('Normalization along the rows and then along the channels, which are as many', () => {
    const along = (axis: number, mean: number[]) => new Normalization({ axis, mean, variance: [1, 2, 3, 4] });
    const builder = () => [along(1, [0, 1, 2, 3]), along(3, [7, 5, 3, 1])];
    return expectAgreement([4, 4, 4], builder, [2, 4, 4, 4]);
  });

  it('LayerNormalization over whole feature maps', () =>
    expectAgreement([6, 7, 3], () => [L.layerNormalization({ axis: [1, 2, 3] })], [2, 6, 7, 3]));
});

describe('sizes that are known only at run time', () => {
  const builder: Builder = () => [
    L.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    L.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
    L.batchNormalization({}),
    L.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    L.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
    L.zeroPadding2d({ padding: 1 }),
    L.cropping2D({ cropping: 1 }),
    L.upSampling2d({}),
  ];
  for (const batch of [
    [1, 16, 16, 3],
    [3, 17, 23, 3],
    [2, 30, 15, 3],
  ]) {
    it(`a network with open height and width takes ${batch.join('x')}`, () =>
      expectAgreement([null, null, 3], builder, batch));
  }
  it('one compiled model takes batches of different sizes', async () => {
    const model = chainModel([6, 6, 2], L.conv2d({ filters: 3, kernelSize: 3 }), L.globalMaxPooling2d({}));
    for (const batch of [1, 3, 40]) {
      const { difference, shapes } = await compareEngines(model, [batch, 6, 6, 2]);
      expect(difference).toBeLessThanOrEqual(2e-6);
      expect(shapes).toEqual([[batch, 3]]);
    }
    model.dispose();
  });
});
