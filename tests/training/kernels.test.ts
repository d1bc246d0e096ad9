import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import '../../src/node.ts';
import { normalizeByBatch } from '../../src/layers/normalize-by-batch.ts';
import { platform, registerPlatform } from '../../src/platform.ts';
import { registerTrainingKernels } from '../../src/training/kernels/register.ts';
import { seededTensor } from '../support/seeded.ts';

type Shape4D = [number, number, number, number];
type Pad = 'valid' | 'same' | number | [[0, 0], [number, number], [number, number], [0, 0]];

interface Case {
  readonly x: Shape4D;
  readonly filter: Shape4D;
  readonly strides: number | [number, number];
  readonly pad: Pad;
  readonly dilations?: number | [number, number];
}

const EXPLICIT: Pad = [
  [0, 0],
  [1, 0],
  [0, 2],
  [0, 0],
];

/** Strides, paddings, odd and even sizes, windows from 1 to 5, also those that leave the last rows unread. */
const grid: Case[] = [
  ...([1, 2, 3] as const)
    .flatMap((strides) =>
      (['valid', 'same', 1, EXPLICIT] as const).flatMap((pad) =>
        ([1, 2, 3] as const).map((size): Case => ({
          x: [2, 7, 8, 3],
          filter: [size, size, 3, 4],
          strides,
          pad,
        })),
      ),
    )
    .filter(({ pad, filter }) => !(pad === 1 && filter[0] === 1)),
  { x: [3, 9, 6, 2], filter: [5, 3, 2, 3], strides: [2, 1], pad: 'same' },
  { x: [1, 6, 6, 5], filter: [1, 1, 5, 2], strides: 2, pad: 'valid' },
  { x: [2, 10, 9, 3], filter: [3, 2, 3, 2], strides: [1, 3], pad: 'valid' },
];
/** Dilations, which tfjs's own gradients refuse on every backend. */
const dilated: Case[] = [
  { x: [2, 9, 8, 3], filter: [3, 3, 3, 2], strides: 1, pad: 'same', dilations: 2 },
  { x: [2, 9, 8, 3], filter: [3, 2, 3, 2], strides: 1, pad: 'valid', dilations: [2, 3] },
  { x: [1, 11, 11, 2], filter: [2, 2, 2, 3], strides: 1, pad: 2, dilations: 3 },
];
/** Large enough for ONNX Runtime. */
const large: Case[] = [
  { x: [4, 13, 13, 32], filter: [3, 3, 32, 32], strides: 1, pad: 'same' },
  { x: [8, 13, 13, 32], filter: [1, 1, 32, 64], strides: 1, pad: 'same' },
  { x: [4, 14, 13, 32], filter: [3, 3, 32, 48], strides: 2, pad: 'same' },
  { x: [8, 14, 14, 64], filter: [1, 1, 64, 96], strides: 2, pad: 'valid' },
  { x: [2, 15, 12, 32], filter: [3, 5, 32, 40], strides: [2, 1], pad: EXPLICIT },
  { x: [2, 13, 12, 24], filter: [3, 3, 24, 40], strides: 1, pad: 'same', dilations: 2 },
];

const named = ({ x, filter, strides, pad, dilations = 1 }: Case): string =>
  `x ${x.join('x')}, kernel ${filter.join('x')}, strides ${String(strides)}, pad ${String(pad)}, dilations ${String(dilations)}`;

type Convolution = (x: tf.Tensor4D, filter: tf.Tensor4D, given: Case) => tf.Tensor4D;
const convolution: Convolution = (x, filter, { strides, pad, dilations = 1 }) =>
  tf.conv2d(x, filter, strides, pad, 'NHWC', dilations, typeof pad === 'number' ? 'floor' : undefined);
const depthwise: Convolution = (x, filter, { strides, pad, dilations = 1 }) =>
  tf.depthwiseConv2d(
    x,
    filter,
    strides,
    pad,
    'NHWC',
    dilations,
    typeof pad === 'number' ? 'floor' : undefined,
  );

interface Gradients {
  readonly x: Float32Array;
  readonly filter: Float32Array;
}

const values = (shape: Shape4D, seed: number) => tf.tensor4d(seededTensor(shape, seed), shape);

/** Gradients of a sum of the outputs with weights of their own. */
function gradientsOn(convolve: Convolution, given: Case): Gradients {
  return tf.tidy(() => {
    const weighted = (x: tf.Tensor4D, filter: tf.Tensor4D) => {
      const y = convolve(x, filter, given);
      return tf.sum(tf.mul(y, values(y.shape, 3)));
    };
    const [x, filter] = tf.grads(weighted as unknown as (...args: tf.Tensor[]) => tf.Tensor)([
      values(given.x, 1),
      values(given.filter, 2),
    ]);
    return { x: x!.dataSync<'float32'>().slice(), filter: filter!.dataSync<'float32'>().slice() };
  });
}

/** The largest difference, as a part of the largest value. */
function difference(found: Float32Array, expected: Float32Array): number {
  expect(found).toHaveLength(expected.length);
  const largest = (list: Float32Array) => list.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const size = largest(expected);
  expect(size).toBeGreaterThan(0);
  return largest(found.map((value, index) => value - expected[index]!)) / size;
}

/** The gradient with respect to some of the numbers by moving each of them, in double precision by a plain loop. */
function byFiniteDifferences(
  given: Case,
  isDepthwise: boolean,
): { of: 'x' | 'filter'; index: number; value: number }[] {
  const { strides, pad, dilations = 1 } = given;
  const info = tf.backend_util.computeConv2DInfo(
    given.x,
    given.filter,
    strides,
    dilations,
    pad,
    'floor',
    isDepthwise,
  );
  const arrays = {
    x: Float64Array.from(seededTensor(given.x, 1)),
    filter: Float64Array.from(seededTensor(given.filter, 2)),
  };
  const weights = seededTensor(info.outShape, 3);
  const [, height, width, channels] = given.x;
  const [rows, columns, , last] = given.filter;
  const weighted = () => {
    let sum = 0;
    let at = 0;
    for (let n = 0; n < info.batchSize; n++)
      for (let i = 0; i < info.outHeight; i++)
        for (let j = 0; j < info.outWidth; j++)
          for (let o = 0; o < info.outChannels; o++, at++) {
            let y = 0;
            for (let r = 0; r < rows; r++)
              for (let c = 0; c < columns; c++) {
                const row = i * info.strideHeight + r * info.dilationHeight - info.padInfo.top;
                const column = j * info.strideWidth + c * info.dilationWidth - info.padInfo.left;
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const pixel = ((n * height + row) * width + column) * channels;
                const kernel = (r * columns + c) * channels;
                if (isDepthwise) {
                  const channel = Math.floor(o / last);
                  y += arrays.x[pixel + channel]! * arrays.filter[(kernel + channel) * last + (o % last)]!;
                } else {
                  for (let k = 0; k < channels; k++)
                    y += arrays.x[pixel + k]! * arrays.filter[(kernel + k) * last + o]!;
                }
              }
            sum += y * weights[at]!;
          }
    return sum;
  };
  return (['x', 'filter'] as const).flatMap((of) =>
    [0, 0.13, 0.37, 0.5, 0.71, 0.999].map((part) => {
      const index = Math.floor(part * arrays[of].length);
      const old = arrays[of][index]!;
      arrays[of][index] = old + 0.5;
      const above = weighted();
      arrays[of][index] = old - 0.5;
      const below = weighted();
      arrays[of][index] = old;
      return { of, index, value: above - below };
    }),
  );
}

function expectFiniteDifferences(found: Gradients, given: Case, isDepthwise: boolean): void {
  for (const { of, index, value } of byFiniteDifferences(given, isDepthwise)) {
    const size = Math.max(...found[of].map(Math.abs));
    expect(Math.abs(found[of][index]! - value) / size, `${of}[${index}]`).toBeLessThan(1e-4);
  }
}

async function cpuGradients(convolve: Convolution, given: Case): Promise<Gradients> {
  await tf.setBackend('cpu');
  const gradients = gradientsOn(convolve, given);
  await tf.setBackend('wasm');
  return gradients;
}

const original = platform();

beforeAll(async () => {
  await tf.setBackend('wasm');
  const gather = () => tf.grad((x: tf.Tensor) => tf.gather(x, [0, 1]))(tf.ones([2, 2]));
  expect(() => tf.tidy(gather), 'tfjs has these kernels itself now').toThrow();
  registerTrainingKernels();
  registerTrainingKernels();
});
afterAll(() => registerPlatform(original));

let tensors: number;
let buffers: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
  buffers = tf.memory().numDataBuffers;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
  expect(tf.memory().numDataBuffers).toBe(buffers);
});

/** How often ONNX Runtime was called. */
let calls = 0;
function usePlatform(native: boolean): void {
  const operators = original.nativeOperators!();
  registerPlatform({
    ...original,
    nativeOperators: () =>
      native && operators !== undefined
        ? {
            ...operators,
            run: (...args) => (calls++, operators.run(...args)),
            dispose: () => operators.dispose(),
          }
        : undefined,
  });
}

describe.each([
  ['composed', false],
  ['in ONNX Runtime', true],
] as const)('gradients on WASM, %s,', (_, native) => {
  beforeAll(() => usePlatform(native));
  beforeEach(() => (calls = 0));

  it.each(
    (native ? large : [...grid, ...large.slice(0, 3)])
      .filter(({ dilations }) => dilations === undefined)
      .map((given) => [named(given), given] as const),
  )('of conv2d are those of the cpu backend: %s', async (__, given) => {
    const expected = await cpuGradients(convolution, given);
    const found = gradientsOn(convolution, given);
    expect(difference(found.x, expected.x)).toBeLessThan(1e-4);
    expect(difference(found.filter, expected.filter)).toBeLessThan(1e-4);
    if (native) expect(calls).toBeGreaterThanOrEqual(3);
    else expectFiniteDifferences(found, given, false);
    if (!native) expect(calls).toBe(0);
  });

  it.each((native ? large.slice(-1) : dilated).map((given) => [named(given), given] as const))(
    'of dilated conv2d are finite differences: %s',
    (__, given) => {
      expectFiniteDifferences(gradientsOn(convolution, given), given, false);
    },
  );

  it('of dense layers, transposed products and sums', async () => {
    const a = seededTensor([160, 96], 4);
    const b = seededTensor([150, 160], 5);
    const run = () =>
      tf.tidy(() => {
        const product = (x: tf.Tensor, y: tf.Tensor) => {
          const z = tf.matMul(x, y, true, true);
          return tf.add(tf.sum(tf.square(tf.mean(z, 0))), tf.sum(tf.square(tf.sum(z, [0], true))));
        };
        const results = tf.grads(product)([tf.tensor2d(a, [160, 96]), tf.tensor2d(b, [150, 160])]);
        return results.map((each) => each.dataSync<'float32'>().slice());
      });
    await tf.setBackend('cpu');
    const expected = run();
    await tf.setBackend('wasm');
    const found = run();
    expected.forEach((each, index) => expect(difference(found[index]!, each)).toBeLessThan(1e-4));
    if (native) expect(calls).toBeGreaterThanOrEqual(3);
  });
});

/** Values of `run` on both backends. */
async function onBoth(run: () => tf.Tensor[]): Promise<{ expected: Float32Array[]; found: Float32Array[] }> {
  const read = () => tf.tidy(() => run().map((each) => each.dataSync<'float32'>().slice()));
  await tf.setBackend('cpu');
  const expected = read();
  await tf.setBackend('wasm');
  return { expected, found: read() };
}

describe.each([
  ['composed', false],
  ['in ONNX Runtime', true],
] as const)('large gradients on WASM, %s,', (_, native) => {
  beforeAll(() => usePlatform(native));
  beforeEach(() => (calls = 0));

  it.each([
    { x: [8, 14, 14, 96], filter: [3, 3, 96, 1], strides: 1, pad: 'same' },
    { x: [24, 15, 14, 96], filter: [3, 5, 96, 1], strides: 2, pad: 'same' },
    { x: [8, 20, 19, 64], filter: [5, 2, 64, 1], strides: 1, pad: 'valid' },
  ] satisfies Case[])('of depthwiseConv2d: $x, $strides, $pad', async (given) => {
    const found = gradientsOn(depthwise, given);
    expect(calls > 0).toBe(native);
    const expected = await cpuGradients(depthwise, given);
    expect(difference(found.x, expected.x)).toBeLessThan(1e-4);
    expect(difference(found.filter, expected.filter)).toBeLessThan(1e-4);
  });

  it('of BatchNormalization in training are those of moments and batchNorm', async () => {
    const [shape, channels] = [[16, 9, 8, 96] as Shape4D, 96];
    const vector = (seed: number) => tf.tensor1d(seededTensor([channels], seed));
    const gradients = (normalize: (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor) => {
      const weighted = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
        tf.sum(
          tf.mul(normalize(x as tf.Tensor4D, gamma as tf.Tensor1D, beta as tf.Tensor1D), values(shape, 3)),
        );
      const x = tf.add(tf.mul(values(shape, 1), 3), vector(7));
      return tf.grads(weighted)([x, vector(4), vector(5)]);
    };
    const plain = (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, beta, gamma, 1e-3);
    };
    await tf.setBackend('cpu');
    const expected = tf.tidy(() => gradients(plain).map((each) => each.dataSync<'float32'>().slice()));
    await tf.setBackend('wasm');
    const ours = (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
      normalizeByBatch(x, gamma, beta, 1e-3).y;
    const found = tf.tidy(() => gradients(ours).map((each) => each.dataSync<'float32'>().slice()));
    expected.forEach((each, index) => expect(difference(found[index]!, each)).toBeLessThan(1e-4));
    expect(calls >= 2).toBe(native);
    const statistics = await onBoth(() => {
      const x = tf.add<tf.Tensor4D>(tf.mul(values(shape, 1), 3), vector(7));
      const { y, mean, variance } = normalizeByBatch(x, vector(4), vector(5), 1e-3);
      const { mean: expectedMean, variance: expectedVariance } = tf.moments(x, [0, 1, 2]);
      return [y, tf.sub(mean, expectedMean), tf.sub(variance, expectedVariance)];
    });
    expect(difference(statistics.found[0]!, statistics.expected[0]!)).toBeLessThan(1e-5);
    for (const index of [1, 2]) {
      for (const value of statistics.found[index]!) expect(Math.abs(value)).toBeLessThan(1e-5);
    }
  });

  it('of concatenated channels, and of means', async () => {
    const run = () => {
      const joined = (a: tf.Tensor, b: tf.Tensor) => {
        const all = tf.concat([a, b], 3);
        const means = tf.mean(all, [1, 2]);
        return tf.add(tf.sum(tf.square(means)), tf.mean(tf.mul(all, all)));
      };
      return tf.grads(joined)([values([4, 9, 8, 24], 1), values([4, 9, 8, 40], 2)]);
    };
    const { expected, found } = await onBoth(run);
    expected.forEach((each, index) => expect(difference(found[index]!, each)).toBeLessThan(1e-5));
  });
});

describe('gradients on WASM', () => {
  beforeAll(() => usePlatform(false));
  const multiplied = [...grid, ...dilated]
    .filter(({ strides }) => !Array.isArray(strides) || strides[0] === strides[1])
    .flatMap((given) =>
      [1, 2].map((multiplier): Case => ({
        ...given,
        filter: [given.filter[0], given.filter[1], given.x[3], multiplier],
      })),
    );

  it.each(multiplied.map((given) => [named(given), given] as const))(
    'of depthwiseConv2d are finite differences, and those of the cpu backend: %s',
    async (_, given) => {
      const found = gradientsOn(depthwise, given);
      expectFiniteDifferences(found, given, true);
      // tfjs's cpu kernels know no dilation.
      if (given.dilations !== undefined) return;
      const expected = await cpuGradients(depthwise, given);
      expect(difference(found.x, expected.x)).toBeLessThan(1e-4);
      expect(difference(found.filter, expected.filter)).toBeLessThan(1e-4);
    },
  );

  it('of gather add up where a row is read twice', () => {
    const gradient = tf.tidy(() =>
      tf
        .grad((x: tf.Tensor) =>
          tf.sum(
            tf.mul(
              tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')),
              tf.tensor2d([
                [1, 2],
                [3, 4],
                [5, 6],
              ]),
            ),
          ),
        )(tf.zeros([4, 2]))
        .dataSync()
        .slice(),
    );
    expect([...gradient]).toEqual([3, 4, 0, 0, 6, 8, 0, 0]);
  });
});

describe.each([
  ['composed', false],
  ['in ONNX Runtime', true],
] as const)('a small network of all kinds of layers, %s,', (_, native) => {
  beforeAll(() => usePlatform(native));

  const L = tf.layers;
  const network = () =>
    tf.sequential({
      layers: [
        L.conv2d({
          inputShape: [24, 24, 3],
          filters: 32,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          name: 'a',
        }),
        L.batchNormalization({ name: 'b' }),
        L.reLU({ name: 'c' }),
        L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'd' }),
        L.maxPooling2d({ poolSize: 2, name: 'e' }),
        L.separableConv2d({ filters: 24, kernelSize: 3, activation: 'relu', padding: 'same', name: 'f' }),
        L.batchNormalization({ name: 'g', scale: false }),
        L.averagePooling2d({ poolSize: 2, name: 'h' }),
        L.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu', name: 'i' }),
        L.globalAveragePooling2d({ name: 'j' }),
        L.dense({ units: 3, activation: 'softmax', name: 'k' }),
      ],
    });

  async function losses(backend: string): Promise<number[]> {
    await tf.setBackend(backend);
    const model = network();
    model.layers.forEach((layer, number) => {
      const weights = layer.weights.map(({ shape }, index) => {
        const values = seededTensor(shape as number[], 10 * number + index);
        const isVariance =
          layer.getClassName() === 'BatchNormalization' && index === layer.weights.length - 1;
        return tf.tensor(isVariance ? values.map((value) => 1 + Math.abs(value)) : values, shape as number[]);
      });
      layer.setWeights(weights);
      tf.dispose(weights);
    });
    const x = tf.tensor4d(seededTensor([24, 24, 24, 3], 99), [24, 24, 24, 3]);
    const y = tf.tidy(() =>
      tf.oneHot(
        tf.tensor1d(
          Array.from({ length: 24 }, (__, row) => row % 3),
          'int32',
        ),
        3,
      ),
    );
    const optimizer = tf.train.sgd(0.05);
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const { history } = await model.fit(x, y, { epochs: 4, batchSize: 24, shuffle: false, verbose: 0 });
    tf.dispose([x, y]);
    optimizer.dispose();
    model.dispose();
    return history.loss as number[];
  }

  it('trains as on the cpu backend', async () => {
    calls = 0;
    const expected = await losses('cpu');
    const found = await losses('wasm');
    expect(expected[3]).toBeLessThan(expected[0]!);
    found.forEach((loss, epoch) => expect(loss).toBeCloseTo(expected[epoch]!, 3));
    expect(calls > 0).toBe(native);
  });
});

it('the graphs that ONNX Runtime keeps can be freed, and are made anew', () => {
  usePlatform(true);
  const given = large[0]!;
  const before = gradientsOn(convolution, given);
  original.nativeOperators!()!.dispose();
  expect(gradientsOn(convolution, given)).toEqual(before);
});
