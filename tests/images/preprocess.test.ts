import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { preprocessInput, preprocessPixels } from '../../src/images/preprocess.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import { goldenJson, largestDifference, unpack, unpackFloats } from './goldens.ts';

const golden = goldenJson<{ width: number; height: number; rgb: string; modes: Record<string, string> }>(
  'preprocessing.json',
);
const picture = { width: golden.width, height: golden.height, data: unpack(golden.rgb) };
const count = picture.data.length;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(['caffe', 'tf', 'torch'] as const)('preprocessing mode %s', (mode) => {
  const expected = unpackFloats(golden.modes[mode]!);

  it('equals Keras bit for bit, on all 256 levels of each channel', () => {
    const out = new Float32Array(count);
    preprocessPixels(picture, mode, out, 0);
    expect(largestDifference(out, expected)).toBe(0);
  });

  it('writes into its place of a batch and nowhere else', () => {
    const out = new Float32Array(count + 10).fill(7);
    preprocessPixels(picture, mode, out, 4);
    expect(largestDifference(out.subarray(4, 4 + count), expected)).toBe(0);
    expect([...out.subarray(0, 4), ...out.subarray(4 + count)]).toEqual(Array(10).fill(7));
  });

  it('does the same to tensors of rank 3 and 4, floats and integers, and leaks none', async () => {
    for (const dtype of ['float32', 'int32'] as const) {
      const image = tf.tensor3d(Array.from(picture.data), [picture.height, picture.width, 3], dtype);
      const batch = image.expandDims<tf.Tensor4D>(0);
      const before = tf.memory().numTensors;
      const single = preprocessInput(image, mode);
      const many = preprocessInput(batch, mode);
      expect(tf.memory().numTensors - before).toBe(2);
      expect([single.shape, many.shape, single.dtype]).toEqual([image.shape, batch.shape, 'float32']);
      expect(largestDifference(await single.data(), expected)).toBe(0);
      expect(largestDifference(await many.data(), expected)).toBe(0);
      tf.dispose([image, batch, single, many]);
    }
  });

  it('lets gradients through', async () => {
    const weights = tf.randomNormal([2, 2, 3], 0, 1, 'float32', 5);
    const x = tf.fill<tf.Rank.R3>([2, 2, 3], 100);
    const gradient = tf.grad((v) =>
      preprocessInput(v as tf.Tensor3D, mode)
        .mul(weights)
        .sum(),
    )(x);
    const step = tf.grad((v) => preprocessInput(v as tf.Tensor3D, mode).sum())(x);
    const scale = {
      caffe: [1, 1, 1],
      tf: [1 / 127.5, 1 / 127.5, 1 / 127.5],
      torch: [0.229, 0.224, 0.225].map((s) => 1 / 255 / s),
    }[mode];
    const values = await step.data();
    for (let i = 0; i < values.length; i++) expect(values[i]).toBeCloseTo(scale[i % 3]!, 6);
    const ordered = mode === 'caffe' ? weights.reverse(-1) : weights;
    const expectedGradient = await ordered.mul(tf.tensor1d(scale)).data();
    expect(largestDifference(await gradient.data(), expectedGradient)).toBeLessThan(1e-6);
  });
});

describe('preprocessing', () => {
  it.each([
    ['symmetric128', -1, Math.fround(255 / 128 - 1)],
    ['unit', 0, 1],
    ['teachable', -1, Math.fround(Math.fround(255 / 127) - 1)],
  ] as const)('%s is the same of pixels and of tensors, from end to end', (mode, first, last) => {
    const levels = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    const out = new Float32Array(768);
    preprocessPixels({ data: levels, width: 256, height: 1 }, mode, out, 0);
    expect([out[0], out[767]]).toEqual([first, last]);
    const image = tf.tensor3d(levels, [1, 256, 3], 'int32');
    const prepared = preprocessInput(image, mode);
    expect(prepared.dataSync()).toEqual(out);
    tf.dispose([image, prepared]);
  });

  it('takes 127 away and divides by 128 in mode lite, exactly, in RGB', async () => {
    const before = tf.memory().numTensors;
    const levels = Uint8Array.from({ length: 256 * 3 }, (_, at) => (at * 7) % 256);
    const expected = Array.from(levels, (level) => (level - 127) / 128);
    const out = new Float32Array(256 * 3);
    preprocessPixels({ data: levels, width: 256, height: 1 }, 'lite', out, 0);
    expect(Array.from(out)).toEqual(expected);
    const image = tf.tensor3d(levels, [1, 256, 3], 'int32');
    const prepared = preprocessInput(image, 'lite');
    expect([prepared.dtype, prepared.shape]).toEqual(['float32', [1, 256, 3]]);
    expect(Array.from(await prepared.data())).toEqual(expected);
    tf.dispose([image, prepared]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves the values alone in mode none, in a tensor of its own', async () => {
    const out = new Float32Array(count);
    preprocessPixels(picture, 'none', out, 0);
    expect(largestDifference(out, picture.data)).toBe(0);
    const x = tf.tensor3d([1, 2, 3], [1, 1, 3]);
    const y = preprocessInput(x, 'none');
    x.dispose();
    expect([...(await y.data())]).toEqual([1, 2, 3]);
    y.dispose();
  });

  it('refuses an unknown mode, a short buffer and a tensor that is not RGB', () => {
    const out = new Float32Array(count);
    const unknown = 'pytorch' as PreprocessingMode;
    expect(() => preprocessPixels(picture, unknown, out, 0)).toThrow(
      expect.objectContaining({ code: 'USAGE_OPTION', expected: preprocessingModes.join(', ') }),
    );
    expect(() => preprocessPixels(picture, 'tf', out, 1)).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
    expect(() => preprocessPixels(picture, 'tf', out, -1)).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
    const before = tf.memory().numTensors;
    const grey = tf.zeros<tf.Rank.R3>([4, 4, 1]);
    expect(() => preprocessInput(grey, 'tf')).toThrow(/shape \[4, 4, 1\]/);
    expect(() => preprocessInput(grey, unknown)).toThrow(expect.objectContaining({ code: 'USAGE_OPTION' }));
    grey.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
