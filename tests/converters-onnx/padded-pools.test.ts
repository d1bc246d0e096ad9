import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileModel, disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';

beforeAll(() => platform().prepareTfjs());

/** A pool over zeros that a layer of their own has put around values below zero, as in ResNetV2 and NASNet. */
function paddedPool(pool: (args: { poolSize: number; strides: number }) => tf.layers.Layer): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.zeroPadding2d({ inputShape: [5, 6, 2], padding: 1 }),
      pool({ poolSize: 3, strides: 2 }),
    ],
  });
}

describe('zeros around a map of values below zero', () => {
  it.each([
    ['win in a maximum', tf.layers.maxPooling2d, 0],
    ['count in an average', tf.layers.averagePooling2d, -4 / 9],
  ])('%s', async (_, pool, corner) => {
    const model = paddedPool(pool);
    const values = new Float32Array(5 * 6 * 2).fill(-1);
    for (const engine of ['tfjs', 'onnx'] as const) {
      const compiled = await compileModel(model, { engine });
      const [output] = await compiled.run(values, [1, 5, 6, 2]);
      expect(output!.data[0], engine).toBeCloseTo(corner, 6);
      await compiled.dispose();
    }
    await disposeModel(model);
  });
});
