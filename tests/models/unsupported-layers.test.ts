import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, loadModel, saveModel } from '../../src/node.ts';

interface Topology {
  modelTopology: { config: { layers: { class_name: string; name: string }[] } };
}

/** As earlier releases of Keras saved InceptionResNetV2: Python code in Lambda layers, between layers with published weights. */
describe('a whole model with layers that hold Python code', () => {
  let folder: string;
  let network: tf.LayersModel;

  async function withLambda(change: (name: string) => string = (name) => name): Promise<void> {
    await saveModel(network, folder, { force: true });
    const path = join(folder, 'model.json');
    const text = (await readFile(path, 'utf8')).replaceAll(/fire\d[\w/]*/g, change);
    const json = JSON.parse(text) as Topology;
    const dropout = json.modelTopology.config.layers.find(({ class_name: kind }) => kind === 'Dropout');
    dropout!.class_name = 'Lambda';
    await writeFile(path, JSON.stringify(json));
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dovecote-lambda-'));
    network = await loadModel('squeezenet', { weights: null, seed: 4 });
  });
  afterAll(async () => {
    await disposeModel(network);
    await rm(folder, { recursive: true });
  });

  it('is refused with the name of the network, which loads its weights', async () => {
    await withLambda();
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED_LAYER',
      given: expect.stringContaining('Lambda') as string,
      nextStep: expect.stringContaining('`--model squeezenet --weights FILE`') as string,
    });
    const loaded = await loadModel('squeezenet', { weights: folder });
    const kernels = (model: tf.LayersModel) => model.getLayer('conv10').getWeights()[0]!.dataSync();
    expect(kernels(loaded)).toEqual(kernels(network));
    await disposeModel(loaded);
  });

  it('is refused without a name where the weights are of no network of the zoo', async () => {
    await withLambda((name) => name.replace('fire', 'blaze'));
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED_LAYER',
      nextStep: expect.not.stringContaining('--model') as string,
    });
  });
});
