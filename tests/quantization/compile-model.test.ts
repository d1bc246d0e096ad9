import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Pixels } from '../../src/base/types.ts';
import type { CompileModelOptions, PrecisionReport } from '../../src/node.ts';
import { classify, compileModel, disposeModel, getMetadata, loadModel } from '../../src/node.ts';
import { chainModel } from '../engines/support.ts';
import { hasShared, shared } from '../support/shared.ts';

const L = tf.layers;
const size = 24;

/** Coloured waves that differ from picture to picture. */
function picture(seed: number): Pixels {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, index) => {
    const [x, y, channel] = [Math.floor(index / 3) % size, Math.floor(index / (3 * size)), index % 3];
    return 127 + 120 * Math.sin((seed + 1) * 0.37 * x + channel) * Math.cos(0.21 * y * ((seed % 5) + 1));
  });
  return { data, width: size, height: size };
}
const pictures = Array.from({ length: 24 }, (_, index) => picture(index));

/** All that is held in 8 bits: convolutions with activations of both kinds, a residual, pools, a concatenation. */
function network(): tf.LayersModel {
  const init = (seed: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed }) });
  const input = tf.input({ shape: [size, size, 3] });
  const apply = (layer: { apply: (x: tf.SymbolicTensor | tf.SymbolicTensor[]) => unknown }, x: unknown) =>
    layer.apply(x as tf.SymbolicTensor) as tf.SymbolicTensor;
  let x = apply(L.conv2d({ filters: 16, kernelSize: 3, padding: 'same', ...init(1) }), input);
  x = apply(L.batchNormalization({}), x);
  const stem = apply(L.reLU({ maxValue: 6 }), x);
  x = apply(
    L.depthwiseConv2d({
      kernelSize: 3,
      padding: 'same',
      depthwiseInitializer: tf.initializers.heNormal({ seed: 2 }),
    }),
    stem,
  );
  x = apply(L.conv2d({ filters: 16, kernelSize: 1, ...init(3) }), x);
  x = apply(L.add(), [x, stem]);
  const left = apply(L.maxPooling2d({ poolSize: 2 }), x);
  const right = apply(
    L.conv2d({
      filters: 8,
      kernelSize: 3,
      strides: 2,
      padding: 'same',
      activation: 'swish',
      ...init(4),
    }),
    x,
  );
  x = apply(L.concatenate(), [left, right]);
  x = apply(L.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', ...init(5) }), x);
  x = apply(L.averagePooling2d({ poolSize: 2 }), x);
  x = apply(L.globalAveragePooling2d({}), x);
  x = apply(L.dense({ units: 10, ...init(6) }), x);
  return tf.model({ inputs: input, outputs: x });
}

const flat = (list: readonly Pixels[]) =>
  Uint8Array.from({ length: list.length * size * size * 3 }, (_, index) => {
    const each = size * size * 3;
    return list[Math.floor(index / each)]!.data[index % each]!;
  });

async function outputsOf(model: tf.LayersModel, options: CompileModelOptions) {
  const compiled = await compileModel(model, { pixels: 'tf', ...options });
  const [output] = await compiled.run(flat(pictures), [pictures.length, size, size, 3]);
  await compiled.dispose();
  return { values: output!.data, report: compiled.precision, engine: compiled.engine };
}

const rms = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);
const relativeError = (found: Float32Array, expected: Float32Array) =>
  rms(found.map((value, index) => value - expected[index]!)) / rms(expected);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('a network in fewer bits', () => {
  it('in int8 computes nearly what float32 does, and says how nearly', async () => {
    const model = network();
    const expected = await outputsOf(model, {});
    expect(expected.report).toBeUndefined();
    const { values, report, engine } = await outputsOf(model, { precision: 'int8', calibration: pictures });
    expect(engine).toBe('onnx');
    const error = relativeError(values, expected.values);
    expect(error).toBeLessThan(0.05);
    // It would be float32 that was run otherwise.
    expect(error).toBeGreaterThan(1e-4);
    expect(report).toMatchObject({ precision: 'int8', calibrated: 12, compared: 12 });
    expect(report!.sameTop1).toBeGreaterThan(0.8);
    expect(report!.meanDifference).toBeGreaterThan(0);
    expect(report!.msPerImage!.reduced).toBeGreaterThan(0);
    expect(report!.bytes.reduced).toBeLessThan(report!.bytes.float32);
    model.dispose();
  });

  it('in int8 depends on the pictures that it was calibrated with', async () => {
    const model = network();
    const { values: expected } = await outputsOf(model, {});
    const dark = pictures.map(({ data, ...rest }) => ({ ...rest, data: data.map((value) => value >> 5) }));
    const good = await outputsOf(model, { precision: 'int8', calibration: pictures });
    const bad = await outputsOf(model, { precision: 'int8', calibration: dark });
    expect(relativeError(bad.values, expected)).toBeGreaterThan(3 * relativeError(good.values, expected));
    model.dispose();
  });

  it('in int8 gives wanted outputs', async () => {
    const model = chainModel(
      [size, size, 3],
      L.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', name: 'conv' }),
      L.globalAveragePooling2d({ name: 'pool' }),
      L.dense({ units: 3, name: 'head' }),
    );
    const compiled = await compileModel(model, {
      outputs: ['pool', 'head'],
      precision: 'int8',
      calibration: pictures,
      pixels: 'unit',
    });
    const whole = await compileModel(model, { outputs: ['pool', 'head'], pixels: 'unit' });
    const input = flat(pictures.slice(0, 2));
    const found = await compiled.run(input, [2, size, size, 3]);
    const expected = await whole.run(input, [2, size, size, 3]);
    expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    found.forEach(({ data }, index) => expect(relativeError(data, expected[index]!.data)).toBeLessThan(0.05));
    await compiled.dispose();
    await whole.dispose();
    model.dispose();
  });

  it('in float16 has rounded weights, and no number that is too large', async () => {
    const model = network();
    const expected = await outputsOf(model, {});
    const { values, report } = await outputsOf(model, { precision: 'float16' });
    const error = relativeError(values, expected.values);
    expect(error).toBeLessThan(2e-3);
    expect(error).toBeGreaterThan(1e-7);
    expect(report).toMatchObject({ precision: 'float16', calibrated: 0, compared: 0 });
    expect(report!.sameTop1).toBeUndefined();
    const compared = await outputsOf(model, { precision: 'float16', calibration: pictures });
    expect(compared.report).toMatchObject({ compared: 12, sameTop1: 1 });
    model.dispose();

    const huge = chainModel([size, size, 3], L.conv2d({ filters: 6, kernelSize: 1, useBias: false }));
    const kernel = tf.fill([1, 1, 3, 6], 1e9);
    huge.layers.at(-1)!.setWeights([kernel]);
    kernel.dispose();
    const compiled = await compileModel(huge, { pixels: 'none', precision: 'float16' });
    const [output] = await compiled.run(new Uint8Array(size * size * 3).fill(1), [1, size, size, 3]);
    expect(output!.data[0]).toBe(3 * 65504);
    await compiled.dispose();
    huge.dispose();
  });

  it('is refused in words where it cannot be', async () => {
    const model = network();
    const refused = (options: object) => expect(compileModel(model, { pixels: 'tf', ...options })).rejects;
    await refused({ precision: 'int8' }).toMatchObject({ code: 'USAGE_ARGUMENT' });
    await refused({ precision: 'int8', calibration: pictures.slice(0, 1) }).toMatchObject({
      code: 'USAGE_ARGUMENT',
      given: '1 of 1 pictures could be read',
    });
    await refused({ precision: 'int8', calibration: '/nowhere/at/all' }).toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    await refused({ precision: 'int8', calibration: pictures, engine: 'tfjs' }).toMatchObject({
      code: 'USAGE_OPTION',
    });
    await refused({ precision: 'int4' }).toMatchObject({ code: 'USAGE_ARGUMENT' });
    await refused({
      precision: 'int8',
      calibration: pictures,
      signal: AbortSignal.abort(),
    }).toMatchObject({ code: 'ABORTED' });
    model.dispose();
  });
});

describe.runIf(hasShared)('the network of the package in int8', () => {
  const folder = () => shared('datasets/hymenoptera_data/val');

  it('gives the labels of float32, and is calibrated once for many calls', async () => {
    const model = await loadModel();
    const reports: PrecisionReport[] = [];
    const photo = shared('images/tabby_cat.jpeg');
    const options = {
      model,
      precision: 'int8' as const,
      calibration: folder(),
      onPrecision: (report: PrecisionReport) => reports.push(report),
    };
    const first = await classify(photo, options);
    const second = await classify(join(photo), options);
    const float32 = await classify(photo, { model });
    expect(first.predictions[0]!.label).toBe(float32.predictions[0]!.label);
    expect(first.predictions[0]!.probability).toBeCloseTo(float32.predictions[0]!.probability, 1);
    expect(first.predictions[0]!.probability).not.toBe(float32.predictions[0]!.probability);
    expect(second).toEqual(first);
    expect(reports).toHaveLength(2);
    expect(reports[1]).toBe(reports[0]);
    expect(reports[0]!.sameTop1).toBeGreaterThan(0.9);
    expect(reports[0]!.bytes.reduced / reports[0]!.bytes.float32).toBeLessThan(0.3);
    expect(getMetadata(model)).toBeDefined();
    await disposeModel(model);
  });
});
