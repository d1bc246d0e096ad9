import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { classify, compileModel, disposeModel, features, loadModel } from '../../src/node.ts';
import { colourModel, colourPicture } from '../support/tiny-model.ts';

const CALLS = 1000;

describe.each(['onnx', 'tfjs'] as const)('a thousand calls on %s', (engine) => {
  it('of classify leave no tensor behind', async () => {
    const model = colourModel();
    const picture = await colourPicture(0, 255, 0);
    const pixels = { data: new Uint8Array(12 * 12 * 3).fill(7), width: 12, height: 12 };
    await classify(picture, { model, engine });
    const { numTensors } = tf.memory();
    for (let call = 0; call < CALLS; call++) {
      const { predictions } = await classify(call % 10 === 0 ? picture : pixels, { model, engine });
      expect(predictions).toHaveLength(3);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(numTensors - 2);
  });

  it('of a compiled network, and a hundred compilations, leave no tensor and no layer behind', async () => {
    const model = colourModel();
    const { numTensors } = tf.memory();
    const input = new Float32Array(2 * 12 * 12 * 3).fill(0.5);
    const network = await compileModel(model, { engine });
    for (let call = 0; call < CALLS; call++) await network.run(input, [2, 12, 12, 3]);
    await network.dispose();
    for (let call = 0; call < CALLS / 10; call++) {
      const cut = await features(model, 'pool', { engine });
      await cut.run(input, [2, 12, 12, 3]);
      await cut.dispose();
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(model.layers.map((layer) => layer.outboundNodes.length)).toEqual([1, 1, 0]);
    await disposeModel(model);
  });

  it('of loading, classifying and disposing leave nothing behind, again and again', async () => {
    const picture = await colourPicture(0, 255, 0);
    const once = async () => {
      const model = await loadModel('squeezenet', { weights: null });
      const { predictions } = await classify(picture, { model, engine });
      expect(predictions).toHaveLength(5);
      await disposeModel(model);
    };
    await once();
    const { numTensors, numBytes } = tf.memory();
    for (let call = 0; call < (engine === 'onnx' ? 40 : 4); call++) await once();
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  });
});
