import * as tf from '@tensorflow/tfjs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File as Hdf5, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, loadModel } from '../../src/node.ts';

const units = 200;
const kernel = Float32Array.from({ length: units * units }, (_, i) => Math.sin(i));
const config = {
  class_name: 'Sequential',
  config: {
    name: 'net',
    layers: [
      {
        class_name: 'Dense',
        config: { name: 'dense', units, batch_input_shape: [null, units], use_bias: false },
      },
    ],
  },
};

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-whole-'));
  await ready;
  const file = new Hdf5(join(folder, 'whole.h5'), 'w');
  file.create_attribute('model_config', JSON.stringify(config));
  file.create_attribute('keras_version', '2.15.0');
  const weights = file.create_group('model_weights');
  weights.create_attribute('layer_names', ['dense'], null, 'S5');
  const layer = weights.create_group('dense');
  layer.create_attribute('weight_names', ['kernel:0'], null, 'S8');
  // Large enough to stay in the file, and compressed: what is damaged shows when it is read.
  const chunks = [units, units];
  const options = { shape: [units, units], chunks, compression: 'gzip' as const, dtype: '<f' as const };
  layer.create_dataset({ name: 'kernel:0', data: kernel, ...options });
  file.close();
  await tf.ready();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a whole model whose tensors stay in the file until they are read', () => {
  it('has the numbers of the file as its weights, and holds them once it is loaded', async () => {
    const before = tf.memory().numTensors;
    const path = join(folder, 'copy.h5');
    writeFileSync(path, readFileSync(join(folder, 'whole.h5')));
    const model = await loadModel(path);
    rmSync(path);
    expect(await model.getWeights()[0]!.data()).toEqual(kernel);
    expect(tf.memory().numTensors).toBe(before + 1);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('that is damaged where a tensor lies is told with the code of the reader, and leaves no tensor', async () => {
    const bytes = readFileSync(join(folder, 'whole.h5'));
    const middle = Math.floor(bytes.length / 2);
    bytes.fill(0xaa, middle, middle + 2000);
    const path = join(folder, 'damaged.h5');
    writeFileSync(path, bytes);
    const before = tf.memory().numTensors;
    await expect(loadModel(path)).rejects.toMatchObject({ code: 'FORMAT_DAMAGED' });
    expect(tf.memory().numTensors).toBe(before);
  });
});
