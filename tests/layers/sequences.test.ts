import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { gradientsOf, onEachBackend, reloaded, worst } from './support.ts';
import { namesOfWeights, outputsOf, sequenceCases, sequenceModel } from './sequences-support.ts';

const cases = Object.entries(sequenceCases).map(([name, golden]) => ({ name, golden }));
const withGradients = cases.filter(({ golden }) => golden.inputGradients !== undefined);

/** tfjs does not keep the name of a stack of cells. */
const isStackName = (value: unknown) => typeof value === 'string' && value.startsWith('stacked_rnn_cells');

/** As it is saved, less what tfjs adds when it reads one. */
const configOf = (model: tf.LayersModel) =>
  JSON.parse(
    JSON.stringify(model.getLayer('layer').getConfig(), (key, value: unknown) =>
      value === null || key === 'customObjects' || isStackName(value) ? undefined : value,
    ),
  ) as object;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

onEachBackend(() => {
  it.each(cases)('$name gives what Keras gives', async ({ golden }) => {
    const before = tf.memory().numTensors;
    const model = await sequenceModel(golden);
    const outputs = outputsOf(model, golden);
    expect(outputs).toHaveLength(golden.outputs.length);
    outputs.forEach((output, index) => {
      expect(model.outputs[index]!.shape.slice(1)).toEqual(golden.outputs[index]!.shape.slice(1));
      expect(worst(output, golden.outputs[index]!)).toBeLessThan(5e-6);
    });
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('weights', () => {
  it.each(cases)('$name has them by the names that the converter gives them', async ({ golden }) => {
    const model = await sequenceModel(golden);
    const names = model.getLayer('layer').weights.map((weight) => weight.originalName);
    expect(names).toEqual(namesOfWeights(golden));
    model.dispose();
  });
});

describe('gradients', () => {
  it.each(withGradients)('$name has those of Keras', async ({ golden }) => {
    const model = await sequenceModel(golden);
    const before = tf.memory().numTensors;
    const { byInput, byWeight } = gradientsOf(model, golden, { training: false });
    expect(tf.memory().numTensors).toBe(before);
    const found = [...byInput, ...byWeight];
    const wanted = [...golden.inputGradients!, ...golden.weightGradients!];
    expect(found).toHaveLength(wanted.length);
    expect(Math.max(...found.map((values, i) => worst(values, wanted[i]!)))).toBeLessThan(2e-5);
    model.dispose();
  });
});

describe('a saved model', () => {
  it.each(cases)('$name comes back as it was', async ({ golden }) => {
    const model = await sequenceModel(golden);
    const again = await reloaded(model);
    expect(outputsOf(again, golden)).toEqual(outputsOf(model, golden));
    expect(configOf(again)).toEqual(configOf(model));
    model.dispose();
    again.dispose();
  });
});

describe('SpectralNormalization in training', () => {
  it('brings the greatest singular value of the kernel to 1, step by step', async () => {
    const { golden } = cases.find(({ name }) => name === 'SpectralNormalization')!;
    const model = await sequenceModel(golden);
    const layer = model.getLayer('layer');
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const input = tf.ones([2, 4]);
      for (let i = 0; i < 30; i++) layer.apply(input, { training: true });
    });
    expect(tf.memory().numTensors).toBe(before);
    const [kernel, , vector] = layer.getWeights() as [tf.Tensor2D, tf.Tensor, tf.Tensor2D];
    tf.tidy(() => {
      // The vector is the singular one: the kernel and its transpose bring it back as it is.
      const back = tf.matMul(tf.matMul(vector, kernel, false, true), kernel);
      expect(tf.max(tf.abs(tf.sub(back, vector))).dataSync()[0]).toBeLessThan(1e-4);
    });
    model.dispose();
  });
});
