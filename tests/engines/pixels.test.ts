import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compileModel } from '../../src/engines/compile-model.ts';
import { writtenAsOnnx } from '../../src/engines/onnx-engine.ts';
import { preprocessPixels } from '../../src/images/preprocess.ts';
import { Normalization } from '../../zoo/layers/normalization.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import { chainModel, largestDifference, prepareEngines } from './support.ts';

const L = tf.layers;
const shape = [2, 8, 7, 3];
/** Every level from 0 to 255, and three channels that differ. */
const pixels = Uint8Array.from({ length: 2 * 8 * 7 * 3 }, (_, index) => (index * 91 + (index >> 3)) % 256);

const convolution = (padding: 'same' | 'valid') =>
  chainModel(
    [8, 7, 3],
    L.conv2d({ filters: 4, kernelSize: 3, padding, strides: 2, name: 'conv' }),
    L.globalAveragePooling2d({ name: 'pool' }),
  );
/** The pixels prepared by JavaScript, in front of the same network. */
async function fromPrepared(model: tf.LayersModel, mode: (typeof preprocessingModes)[number]) {
  const prepared = new Float32Array(pixels.length);
  preprocessPixels({ data: pixels, width: 7, height: 16 }, mode, prepared, 0);
  const network = await compileModel(model, { engine: 'tfjs' });
  const [output] = await network.run(prepared, shape);
  return output!.data;
}

beforeAll(() => prepareEngines());

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

describe.each(['onnx', 'tfjs'] as const)('a model compiled with pixels, %s', (engine) => {
  it.each(preprocessingModes)('prepares them as preprocessInput does: %s', async (mode) => {
    const model = convolution('same');
    const expected = await fromPrepared(model, mode);
    const network = await compileModel(model, { engine, pixels: mode });
    expect(network.inputType).toBe('uint8');
    const [output] = await network.run(pixels, shape);
    const size = Math.max(...expected.map(Math.abs));
    expect(size).toBeGreaterThan(0.01);
    expect(largestDifference(output!.data, expected) / size).toBeLessThan(1e-5);
    await network.dispose();
    model.dispose();
  });

  it('gives the right batch out of many, and of one', async () => {
    const model = convolution('valid');
    const network = await compileModel(model, { engine, pixels: 'caffe' });
    const [both] = await network.run(pixels, shape);
    const [second] = await network.run(pixels.subarray(pixels.length / 2), [1, 8, 7, 3]);
    expect(largestDifference(second!.data, both!.data.subarray(4))).toBeLessThan(1e-4);
    await network.dispose();
    model.dispose();
  });

  it('refuses prepared numbers, and a model without it refuses pixels', async () => {
    const model = convolution('valid');
    const withPixels = await compileModel(model, { engine, pixels: 'tf' });
    await expect(withPixels.run(new Float32Array(pixels.length), shape)).rejects.toMatchObject({
      code: 'MODEL_INPUT',
      given: 'float32',
    });
    const without = await compileModel(model, { engine });
    expect(without.inputType).toBe('float32');
    await expect(without.run(pixels, shape)).rejects.toMatchObject({ code: 'MODEL_INPUT', given: 'uint8' });
    await withPixels.dispose();
    await without.dispose();
    model.dispose();
  });

  it('refuses an unknown mode, and a model that takes no colour pictures', async () => {
    const model = convolution('valid');
    await expect(compileModel(model, { engine, pixels: 'sepia' as 'tf' })).rejects.toMatchObject({
      code: 'USAGE_OPTION',
    });
    model.dispose();
    const grey = chainModel([8, 7, 1], L.flatten({ name: 'flatten' }));
    await expect(compileModel(grey, { engine, pixels: 'tf' })).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    grey.dispose();
  });
});

describe('in the graph', () => {
  const nodes = async (model: tf.LayersModel, pixelMode: 'torch' | 'lite' | 'none') => {
    const { bytes } = await writtenAsOnnx(model, { pixels: pixelMode });
    const text = Buffer.from(bytes).toString('latin1');
    return ['Mul', 'Add', 'Cast'].map((type) => text.split(`:${type}`).length - 1);
  };

  it('preprocessing and the scaling layers that follow are one product and one sum', async () => {
    const model = chainModel(
      [8, 7, 3],
      L.rescaling({ scale: 1 / 255, name: 'rescaling' }),
      new Normalization({ mean: [0.4, 0.5, 0.6], variance: [0.04, 0.05, 0.06], name: 'normalization' }),
      L.conv2d({ filters: 2, kernelSize: 3, useBias: false, name: 'conv' }),
      L.globalAveragePooling2d({ name: 'pool' }),
    );
    const count = await nodes(model, 'torch');
    // Each name stands in the node and at its reader, three times in all.
    expect(count).toEqual([3, 3, 3]);
    const expected = await fromPrepared(model, 'torch');
    const network = await compileModel(model, { engine: 'onnx', pixels: 'torch' });
    const [output] = await network.run(pixels, shape);
    expect(largestDifference(output!.data, expected)).toBeLessThan(1e-5);
    await network.dispose();
    model.dispose();
  });

  it.each(['same', 'valid'] as const)(
    'a convolution (%s) prepares its pixels itself, with the BatchNormalization behind it',
    async (padding) => {
      const model = chainModel(
        [8, 7, 3],
        L.conv2d({ filters: 4, kernelSize: 3, padding, biasInitializer: 'randomNormal', name: 'conv' }),
        L.batchNormalization({
          gammaInitializer: 'randomNormal',
          betaInitializer: 'randomNormal',
          movingMeanInitializer: 'randomNormal',
          name: 'bn',
        }),
        L.globalAveragePooling2d({ name: 'pool' }),
      );
      const count = await nodes(model, 'torch');
      expect(count).toEqual([0, padding === 'same' ? 3 : 0, 3]);
      const expected = await fromPrepared(model, 'torch');
      const network = await compileModel(model, { engine: 'onnx', pixels: 'torch' });
      const [output] = await network.run(pixels, shape);
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.01);
      expect(largestDifference(output!.data, expected)).toBeLessThan(1e-5);
      await network.dispose();
      model.dispose();
    },
  );

  it('two layers may read the input', async () => {
    const input = tf.input({ shape: [8, 7, 3], name: 'picture' });
    const a = L.rescaling({ scale: 2, name: 'twice' }).apply(input) as tf.SymbolicTensor;
    const b = L.reLU({ name: 'relu' }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: input,
      outputs: L.add({ name: 'sum' }).apply([a, b]) as tf.SymbolicTensor,
    });
    const expected = await fromPrepared(model, 'torch');
    const network = await compileModel(model, { engine: 'onnx', pixels: 'torch' });
    const [output] = await network.run(pixels, shape);
    expect(largestDifference(output!.data, expected)).toBeLessThan(1e-5);
    await network.dispose();
    model.dispose();
  });

  it('the input itself may be asked for: prepared', async () => {
    const model = convolution('valid');
    const name = model.layers[0]!.name;
    const network = await compileModel(model, { engine: 'onnx', pixels: 'caffe', outputs: [name] });
    const [output] = await network.run(pixels, shape);
    expect(output!.shape).toEqual(shape);
    const prepared = new Float32Array(pixels.length);
    preprocessPixels({ data: pixels, width: 7, height: 16 }, 'caffe', prepared, 0);
    expect(largestDifference(output!.data, prepared)).toBeLessThan(1e-5);
    await network.dispose();
    model.dispose();
  });
});
