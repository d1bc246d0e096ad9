import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareTfjsNode } from '../../src/engines/tfjs-backend.node.ts';
import '../../src/layers/index.ts';
import { layerOf } from '../../src/layers/registered.ts';

beforeAll(async () => {
  await prepareTfjsNode();
  // Its truth values are the numbers that they were, cut to 8 bits.
  await tf.setBackend('wasm');
});

const x = (...shape: number[]) =>
  tf.tidy(() => tf.reshape(tf.sin(tf.range(1, 1 + shape.reduce((a, b) => a * b))), shape));
/** Every number but 0 lets a step count. */
const NUMBERS = [1, 0.5, 0, 256, -0.25, 0, 3, 0];

describe('a mask of numbers is the mask of those that are not 0', () => {
  const lstm = { className: 'LSTM', config: { units: 2, returnSequences: true } };
  const inputs = () => [x(2, 4, 3), x(2, 4, 3)];
  const heads = { numHeads: 2, keyDim: 2, callInputs: ['query', 'value', 'value_mask'] };
  it.each([
    ['MultiHeadAttention', heads, inputs, [2, 4]],
    ['MultiHeadAttention', { ...heads, callInputs: ['query', 'value', 'attention_mask'] }, inputs, [2, 1, 4]],
    ['Attention', { callInputs: ['query', 'value', 'value_mask'] }, inputs, [2, 4]],
    ['MaskedLayer', { layer: lstm }, () => [x(2, 4, 3)], [2, 4]],
    [
      'MaskedLayer',
      { layer: { className: 'ConvLSTM1D', config: { filters: 2, kernelSize: [2] } } },
      () => [x(2, 4, 3, 1)],
      [2, 4],
    ],
  ])('%s', (className, config, given, shape) => {
    const before = tf.memory().numTensors;
    const results = tf.tidy(() => {
      const layer = layerOf({ className, config });
      const run = (mask: tf.Tensor) => (layer.apply([...given(), mask]) as tf.Tensor).arraySync();
      const numbers = tf.tensor(NUMBERS, shape);
      const all = [run(numbers), run(tf.notEqual(numbers, 0)), run(tf.ones(shape, 'bool'))];
      layer.dispose();
      return all;
    });
    expect(results[0]).toEqual(results[1]);
    expect(results[1]).not.toEqual(results[2]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
