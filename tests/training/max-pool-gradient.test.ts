import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registerTrainingKernels } from '../../src/training/kernels/register.ts';
import { seededTensor } from '../support/seeded.ts';

type Pool = readonly [
  filterSize: number | [number, number],
  strides: number | [number, number],
  pad: 'valid' | 'same',
];

/** Of a sum over the pooled values, each with a weight of its own. */
function gradientOf(values: Float32Array, shape: [number, number, number, number], pool: Pool): number[] {
  return tf.tidy(() => {
    const score = (x: tf.Tensor) => {
      const pooled = tf.maxPool(x as tf.Tensor4D, ...pool);
      return tf.sum(tf.mul(pooled, tf.tensor(seededTensor(pooled.shape, 9), pooled.shape)));
    };
    return Array.from(tf.grad(score)(tf.tensor(values, shape)).dataSync());
  });
}

let tensors: number;
beforeAll(async () => {
  await tf.setBackend('wasm');
  registerTrainingKernels();
});
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

describe("the gradient of max pooling on tfjs's WASM backend", () => {
  const pools: readonly Pool[] = [
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 1, 'same'],
    [[2, 3], [3, 2], 'valid'],
  ];
  it.each(pools)("is the cpu backend's: filter %s, strides %s, %s", async (...pool) => {
    const shape: [number, number, number, number] = [2, 9, 8, 3];
    // Half of them negative.
    const values = seededTensor(shape, 4);
    const found = gradientOf(values, shape, pool);
    await tf.setBackend('cpu');
    const expected = gradientOf(values, shape, pool);
    await tf.setBackend('wasm');
    found.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 6));
  });

  it('is not lost where all values are zero, as behind a ReLU: the first one gets it', () => {
    const total = gradientOf(new Float32Array(16), [1, 4, 4, 1], [2, 2, 'valid']);
    const weights = seededTensor([1, 2, 2, 1], 9);
    const expected = new Array<number>(16).fill(0);
    [0, 2, 8, 10].forEach((place, index) => (expected[place] = weights[index]!));
    expect(total).toEqual(expected);
  });
});
