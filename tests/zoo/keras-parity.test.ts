import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { platform } from '../../src/platform.ts';
import { checkCase, goldenNames, readGolden } from '../support/keras-parity.ts';

/** The bar of the time that a network may take here; the others are in keras-parity-full.test.ts (`npm run test:zoo`). */
const names = await goldenNames();

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe.each(names)('%s equals Keras', async (name) => {
  const golden = await readGolden(name);
  it.each(golden.cases)('$case, $inputShape', async (expected) => {
    const differences = await checkCase(golden, expected, { engines: ['onnx', 'tfjs'] });
    expect(tf.getBackend()).toBe('wasm');
    // eslint-disable-next-line no-console
    console.log(name, expected.case, JSON.stringify(differences));
  });
});
