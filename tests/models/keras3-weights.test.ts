import * as tf from '@tensorflow/tfjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert, disposeModel, inspect, loadModel, saveModel } from '../../src/node.ts';
import { codeOf } from '../converters/support.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const size = { alpha: 0.25, inputShape: [32, 32, 3] as [number, number, number], includeTop: false };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-weights3-'));
  await tf.ready();
  const model = await loadModel('mobilenet', { ...size, weights: null, seed: 1 });
  await saveModel(model, at('web'));
  await disposeModel(model);
  await convert(at('web'), at('net.weights.h5'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const weightsOf = (model: tf.LayersModel) =>
  model.getWeights().map((weight) => Array.from(weight.dataSync()));

describe('.weights.h5 of Keras 3 for a network of the zoo', () => {
  it('names its groups by class, and they are found by the network', async () => {
    expect((await inspect(at('net.weights.h5'))).kind).toBe('keras-v3-weights');
    const before = tf.memory().numTensors;
    const [made, read] = [
      await loadModel('mobilenet', { ...size, weights: null, seed: 1 }),
      await loadModel('mobilenet', { ...size, weights: at('net.weights.h5') }),
    ];
    expect(weightsOf(read)).toEqual(weightsOf(made));
    await disposeModel(made);
    await disposeModel(read);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is converted with its name', async () => {
    const { architecture, parameters } = await convert(at('net.weights.h5'), at('again.onnx'), {
      architecture: 'mobilenet',
      alpha: 0.25,
    });
    expect(architecture).toBe('mobilenet');
    expect(parameters).toBe((await inspect(at('web'))).parameters);
  });

  it('of another network is refused', async () => {
    const other = () => loadModel('mobilenetv2', { ...size, alpha: 0.35, weights: at('net.weights.h5') });
    expect(await codeOf(other)).toMatch(/^WEIGHTS_/);
    const wider = () => loadModel('mobilenet', { ...size, alpha: 0.5, weights: at('net.weights.h5') });
    expect(await codeOf(wider)).toMatch(/^WEIGHTS_/);
  });
});
