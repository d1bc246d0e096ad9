import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  classify,
  compileModel,
  disposeModel,
  extractFeatures,
  features,
  getMetadata,
  loadArchitecture,
  loadModel,
} from '../../src/node.ts';
import { seededImage } from '../support/seeded.ts';

let model: tf.LayersModel;
const picture = { width: 40, height: 30, data: Uint8Array.from(seededImage(30, 40, 1)) };

beforeAll(async () => {
  model = await loadArchitecture('convnexttiny', { inputShape: [64, 64, 3] });
});
afterAll(() => disposeModel(model));

describe.each(['onnx', 'tfjs'] as const)('a layer that is asked for by name, %s', (engine) => {
  it('may be a nested model: its output is that of its last layer', async () => {
    const before = tf.memory().numTensors;
    const network = await features(model, 'convnext_tiny_stem', { engine });
    expect(network.outputs).toEqual([{ name: 'convnext_tiny_stem', shape: [null, 16, 16, 96] }]);
    await network.dispose();
    const found = await extractFeatures(model, [picture], { featureLayer: 'convnext_tiny_stem', engine });
    expect(found.width).toBe(96);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is not one inside a nested model, and the error names the nested model', async () => {
    const before = tf.memory().numTensors;
    for (const name of ['convnext_tiny_stem_conv', 'convnext_tiny_stem/convnext_tiny_stem_conv']) {
      const nextStep = expect.stringContaining('take the nested model "convnext_tiny_stem"') as string;
      await expect(features(model, name, { engine })).rejects.toMatchObject({
        code: 'MODEL_OPTION',
        given: `outputs: "${name}"`,
        nextStep,
      });
      await expect(extractFeatures(model, [picture], { featureLayer: name, engine })).rejects.toMatchObject({
        code: 'MODEL_INPUT',
        given: `featureLayer: "${name}"`,
        nextStep,
      });
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is told by the nearest name when it is misspelt, one among many', async () => {
    await expect(
      compileModel(model, { engine, outputs: ['input_layer', 'convnext_tiny_head_gab'] }),
    ).rejects.toMatchObject({
      code: 'MODEL_OPTION',
      summary: expect.stringContaining('Did you mean "convnext_tiny_head_gap"?') as string,
    });
    await expect(compileModel(model, { engine, outputs: ['nowhere'] })).rejects.toMatchObject({
      summary: 'The model "convnexttiny" has no layer "nowhere".',
    });
  });
});

describe('a structure without weights', () => {
  it('knows the labels and the preprocessing that the network with weights has', async () => {
    const options = { alpha: 0.25, inputShape: [64, 48, 3] } as const;
    const [bare, random] = [
      await loadArchitecture('mobilenet', options),
      await loadModel('mobilenet', { ...options, weights: null, seed: 1 }),
    ];
    expect(getMetadata(bare)).toEqual(getMetadata(random));
    expect(getMetadata(bare)).toMatchObject({ inputSize: [64, 48], variant: { alpha: 0.25 } });
    const { predictions } = await classify(picture, { model: bare, topK: 2 });
    // Zeros make all classes equal; their names are there all the same.
    expect(predictions.map(({ label }) => label)).toEqual(['tench', 'goldfish']);
    await disposeModel(bare);
    await disposeModel(random);
  });
});
