import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LoadModelOptions } from '../../src/node.ts';
import { disposeModel, listModels, loadModel, registerTrainingKernels } from '../../src/node.ts';

interface Case {
  readonly name: string;
  readonly size: number;
  readonly options?: LoadModelOptions;
  /** Small enough for tfjs's cpu backend, whose gradients are the measure. */
  readonly onCpuToo?: boolean;
}

/** One of each family, the smallest, at about the smallest size that it takes. */
const cases: readonly Case[] = [
  { name: 'squeezenet', size: 64, onCpuToo: true },
  { name: 'mobilenet', size: 64, options: { alpha: 0.25 }, onCpuToo: true },
  { name: 'mobilenetv2', size: 64, options: { alpha: 0.35 }, onCpuToo: true },
  { name: 'mobilenetv3small', size: 64, onCpuToo: true },
  { name: 'efficientnet-lite0', size: 48 },
  { name: 'efficientnetb0', size: 48 },
  { name: 'efficientnetv2b0', size: 48 },
  { name: 'vgg16', size: 48 },
  { name: 'resnet50', size: 48 },
  { name: 'resnet50v2', size: 48 },
  { name: 'inceptionv3', size: 75 },
  { name: 'inceptionresnetv2', size: 75 },
  { name: 'xception', size: 71 },
  { name: 'densenet121', size: 48 },
  { name: 'nasnetmobile', size: 48 },
  { name: 'convnexttiny', size: 48 },
];

const BATCH = 4;

/** Of a sum over the features, each with a weight of its own, for every trainable weight by its name. */
function gradientsOf(model: tf.LayersModel, size: number): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  tf.tidy(() => {
    const shape: [number, number, number, number] = [BATCH, size, size, 3];
    const x = tf.randomUniform(shape, -1, 1, 'float32', 3);
    const loss = (): tf.Scalar => {
      const y = model.apply(x, { training: true }) as tf.Tensor;
      return tf.sum(tf.mul(y, tf.randomUniform(y.shape, -1, 1, 'float32', 4)));
    };
    const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { grads } = tf.variableGrads(loss, weights);
    // `tidy` would look for tensors in an array of numbers.
    for (const [name, gradient] of Object.entries(grads)) {
      found.set(name, gradient.dataSync<'float32'>().slice());
    }
  });
  return found;
}

const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('every family trains whole on the WASM backend', () => {
  let tensors: number;
  beforeAll(async () => {
    await tf.setBackend('wasm');
    registerTrainingKernels();
  });
  beforeEach(() => (tensors = tf.memory().numTensors));
  afterEach(async () => {
    await tf.setBackend('wasm');
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('which are all there are', () => {
    const families = (names: readonly string[]) =>
      new Set(listModels().flatMap(({ name, family }) => (names.includes(name) ? [family] : [])));
    expect(families(cases.map(({ name }) => name))).toEqual(families(listModels().map(({ name }) => name)));
  });

  it.each(cases)('$name', async ({ name, size, options, onCpuToo = false }) => {
    const model = await loadModel(name, {
      ...options,
      includeTop: false,
      pooling: 'avg',
      inputShape: [size, size, 3],
      weights: null,
      seed: 1,
    });
    const found = gradientsOf(model, size);
    expect(found.size).toBe(model.trainableWeights.length);
    const most = Math.max(...[...found.values()].map(largest));
    expect(most).toBeGreaterThan(0);
    for (const [weight, values] of found) expect(values.every(Number.isFinite), weight).toBe(true);
    // A bias before a BatchNormalization has none.
    const reached = [...found.values()].filter((values) => largest(values) > 0);
    expect(reached.length / found.size).toBeGreaterThan(0.9);
    if (onCpuToo) {
      await tf.setBackend('cpu');
      const expected = gradientsOf(model, size);
      await tf.setBackend('wasm');
      const differences = [...found].map(([weight, values]) => {
        const other = expected.get(weight)!;
        return (
          length(values.map((value, index) => value - other[index]!)) / Math.max(length(other), 1e-3 * most)
        );
      });
      // Rounding puts a few of the last activations on the other side of ReLU's bend, which all layers before them see.
      differences.sort((a, b) => a - b);
      expect(differences.at(-1)).toBeLessThan(0.2);
      expect(differences[Math.floor(differences.length / 4)]).toBeLessThan(1e-3);
    }
    await disposeModel(model);
  });
});
