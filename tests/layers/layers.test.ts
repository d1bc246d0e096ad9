import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { kerasClass, OWN_CLASSES } from '../../converters/keras/own-layers.ts';
import {
  classOf,
  gradientsOf,
  layerCases,
  modelOf,
  onEachBackend,
  outputOf,
  reloaded,
  worst,
} from './support.ts';

const cases = Object.entries(layerCases).map(([name, golden]) => ({ name, golden }));
const atInference = cases.filter(({ golden }) => golden.weightsAfter === undefined);
const inTraining = cases.filter(({ golden }) => golden.weightsAfter !== undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

onEachBackend(() => {
  it.each(atInference)('$name gives what Keras gives', async ({ golden }) => {
    const before = tf.memory().numTensors;
    const model = await modelOf(golden);
    const output = outputOf(model, golden);
    expect(model.outputs[0]!.shape.slice(1)).toEqual(golden.output.shape.slice(1));
    expect(worst(output, golden.output)).toBeLessThan(5e-6);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('gradients', () => {
  const known = atInference.filter(({ golden }) => golden.inputGradients !== undefined);
  // tfjs's own LayerNormalization has none without scale or offset.
  const layers = known.filter(({ golden }) => classOf(golden) !== 'LayerNormalization');

  it.each(layers)('$name has those of Keras', async ({ golden }) => {
    const model = await modelOf(golden);
    const before = tf.memory().numTensors;
    const training = golden.className !== 'BatchNormalization';
    const { byInput, byWeight } = gradientsOf(model, golden, { training });
    expect(tf.memory().numTensors).toBe(before);
    const found = [...byInput, ...byWeight];
    const wanted = [...golden.inputGradients!, ...golden.weightGradients!];
    expect(found).toHaveLength(wanted.length);
    expect(Math.max(...found.map((values, i) => worst(values, wanted[i]!)))).toBeLessThan(2e-5);
    model.dispose();
  });
});

describe('in training', () => {
  it.each(inTraining)('$name: statistics of the batch, which the moving ones follow', async ({ golden }) => {
    const model = await modelOf(golden);
    const before = tf.memory().numTensors;
    const [output, shape] = tf.tidy(() => {
      const input = tf.tensor(golden.inputs[0]!.data, golden.inputs[0]!.shape);
      const y = model.getLayer('layer').apply(input, { training: true }) as tf.Tensor;
      return [[...y.dataSync()], y.shape];
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(worst({ shape, data: output }, golden.output)).toBeLessThan(5e-6);
    const weights = model
      .getLayer('layer')
      .getWeights()
      .map((weight) => ({ shape: weight.shape, data: [...weight.dataSync()] }));
    const differences = weights.map((weight, i) => worst(weight, golden.weightsAfter![i]!));
    expect(Math.max(...differences)).toBeLessThan(5e-6);
    const { byInput, byWeight } = gradientsOf(model, golden);
    const wanted = [...golden.inputGradients!, ...golden.weightGradients!];
    const gradients = [...byInput, ...byWeight];
    expect(gradients).toHaveLength(wanted.length);
    expect(Math.max(...gradients.map((values, i) => worst(values, wanted[i]!)))).toBeLessThan(5e-5);
    model.dispose();
  });

  it('a frozen layer keeps its statistics', async () => {
    const { golden } = inTraining[0]!;
    const model = await modelOf(golden);
    const layer = model.getLayer('layer');
    layer.trainable = false;
    const inference = outputOf(model, golden);
    const training = tf.tidy(() => {
      const input = tf.tensor(golden.inputs[0]!.data, golden.inputs[0]!.shape);
      return [...(layer.apply(input, { training: true }) as tf.Tensor).dataSync()];
    });
    expect(training).toEqual(inference.data);
    const weights = layer.getWeights().map((weight) => [...weight.dataSync()]);
    expect(weights.flat()).toEqual(golden.weights.flatMap(({ data }) => data.map(Math.fround)));
    model.dispose();
  });
});

describe('what plain tfjs saves', () => {
  it.each(cases)('$name is the same after loading', async ({ golden }) => {
    const model = await modelOf(golden);
    const again = await reloaded(model);
    expect(again.getLayer('layer').getConfig()).toEqual(model.getLayer('layer').getConfig());
    expect(outputOf(again, golden)).toEqual(outputOf(model, golden));
    model.dispose();
    again.dispose();
  });

  it.each(cases)('$name has the config of Keras', async ({ golden }) => {
    const model = await modelOf(golden);
    const json = model.toJSON(null, false) as unknown as {
      config: { layers: { class_name: string; config: Record<string, unknown> }[] };
    };
    const { class_name: className, config } = json.config.layers.at(-1)!;
    expect(kerasClass(className)).toBe(golden.className);
    for (const [key, value] of Object.entries(golden.config)) {
      expect([key, [config[key]].flat(2)]).toEqual([key, spread(value, config[key])]);
    }
    model.dispose();
  });

  /** Keras and tfjs write one number for each axis where one was given for all. */
  function spread(given: unknown, written: unknown): unknown[] {
    const values = [given].flat(2);
    const length = [written].flat(2).length;
    return values.length === 1 ? Array.from({ length }, () => values[0]) : values;
  }
});

it('every case is of a layer of this package, or of one with an activation of it, but for LayerNormalization', () => {
  const plain = cases.filter(({ golden }) => !OWN_CLASSES.includes(classOf(golden)));
  const lacking = plain.filter(({ golden }) => golden.config.activation === undefined);
  // Whose cases show where tfjs's own is enough.
  expect([...new Set(lacking.map(({ golden }) => golden.className))]).toEqual(['LayerNormalization']);
});
