import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { baselines, disposeModel, loadModel } from '../../src/node.ts';
import { Workshop } from '../cli/fixtures.ts';

const workshop = new Workshop('baselines');
afterAll(() => workshop.remove());

describe('baselines', () => {
  it('runs on the features of a network, of a folder of photos', async () => {
    const folder = await workshop.colours('colours', 10);
    workshop.file('colours/red/broken.png', 'no picture');
    const model = await loadModel('squeezenet', { weights: null, inputShape: [48, 48, 3], seed: 3 });
    const tensors = tf.memory().numTensors;
    const found = await baselines(model, folder, { cache: false, seed: 2 });
    expect(found).toMatchObject({
      classes: ['blue', 'red'],
      features: 512,
      validationImages: 4,
    });
    expect(found.trainingImages + found.validationImages + found.skipped.length).toBe(21);
    expect(found.skipped.map(({ image }) => image)).toEqual([
      expect.stringContaining('broken.png') as string,
    ]);
    for (const { accuracy } of found.results.slice(0, 3)) expect(accuracy).toBe(1);
    expect(tf.memory().numTensors).toBe(tensors);
    await disposeModel(model);
  });

  it('frees a base that it has loaded itself', async () => {
    const folder = await workshop.colours('few', 4);
    const network = await workshop.network('network');
    const tensors = tf.memory().numTensors;
    const options = {
      cache: false,
      validation: folder,
      featureLayer: 'fire9/concat',
      preprocessing: 'caffe',
    };
    const found = await baselines(network, folder, options as object);
    expect(found).toMatchObject({ trainingImages: 8, validationImages: 8 });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('refuses a class of which no picture can be read', async () => {
    const folder = await workshop.colours('unread', 3);
    for (let number = 0; number < 3; number++) workshop.file(`unread/green/${number}.png`, 'no picture');
    const network = await workshop.network('network-2');
    await expect(
      baselines(network, folder, { cache: false, featureLayer: 'fire9/concat' }),
    ).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
  });
});
