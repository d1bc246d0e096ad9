import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, ModelError } from '../../src/base/errors.ts';
import { compileModel } from '../../src/engines/compile-model.ts';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import { chainModel, largestDifference, prepareEngines, seeded } from './support.ts';

const L = tf.layers;
const small = () =>
  chainModel(
    [6, 6, 3],
    L.conv2d({ filters: 4, kernelSize: 3, name: 'conv' }),
    L.globalAveragePooling2d({ name: 'pool' }),
    L.dense({ units: 2, activation: 'softmax', name: 'probabilities' }),
  );
const picture = (batch = 1) => seeded(batch * 6 * 6 * 3, 7);

class Twice extends L.Layer {
  static className = 'Twice';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.mul(Array.isArray(inputs) ? inputs[0]! : inputs, 2);
  }
}
tf.serialization.registerClass(Twice);

beforeAll(() => prepareEngines());

describe('compileModel', () => {
  let tensors: number;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('has a copy of the weights of its own, whatever becomes of the model’s', async () => {
    const model = chainModel(
      [6, 6, 3],
      L.conv2d({ filters: 64, kernelSize: 3, name: 'conv' }),
      L.flatten({ name: 'flatten' }),
      L.dense({ units: 5, name: 'logits' }),
    );
    const compiled = await compileModel(model, { engine: 'onnx' });
    const [before] = await compiled.run(picture(), [1, 6, 6, 3]);
    expect(Math.max(...before!.data.map(Math.abs))).toBeGreaterThan(1e-3);
    // The cpu backend hands out the arrays themselves: this writes into the model's weights.
    for (const weight of model.getWeights()) weight.dataSync<'float32'>().fill(1000);
    const [after] = await compiled.run(picture(), [1, 6, 6, 3]);
    expect(after!.data).toEqual(before!.data);
    const changed = tf.tidy(() => model.predict(tf.tensor4d(picture(), [1, 6, 6, 3])) as tf.Tensor);
    expect(Math.abs(changed.dataSync()[0]!)).toBeGreaterThan(1000);
    tf.dispose(changed);
    await compiled.dispose();
    model.dispose();
  });

  it('takes the onnx engine when it can, and says what goes in and comes out', async () => {
    const model = small();
    const compiled = await compileModel(model);
    expect(compiled.engine).toBe('onnx');
    expect(compiled.why).toBeUndefined();
    expect(compiled.inputShape).toEqual([null, 6, 6, 3]);
    expect(compiled.outputs).toEqual([{ name: 'probabilities', shape: [null, 2] }]);
    const [output] = await compiled.run(picture(3), [3, 6, 6, 3]);
    expect(output!.shape).toEqual([3, 2]);
    expect(output!.data[0]! + output!.data[1]!).toBeCloseTo(1, 5);
    await compiled.dispose();
    model.dispose();
  });

  it('says the same of the tfjs engine', async () => {
    const model = small();
    const compiled = await compileModel(model, { engine: 'tfjs', outputs: ['conv', 'pool'] });
    expect(compiled.engine).toBe('tfjs');
    expect(compiled.inputShape).toEqual([null, 6, 6, 3]);
    expect(compiled.outputs).toEqual([
      { name: 'conv', shape: [null, 4, 4, 4] },
      { name: 'pool', shape: [null, 4] },
    ]);
    await compiled.dispose();
    model.dispose();
  });

  it('falls back to tfjs for a layer that the writer does not know, and says which', async () => {
    const model = chainModel([5], L.dense({ units: 3 }), new Twice({ name: 'twice' }));
    const compiled = await compileModel(model);
    expect(compiled.engine).toBe('tfjs');
    expect(compiled.why).toContain('"twice" (Twice)');
    const [output] = await compiled.run(seeded(5, 1), [1, 5]);
    expect(output!.shape).toEqual([1, 3]);
    model.dispose();
  });

  it('throws ENGINE_UNSUPPORTED_LAYER when onnx was asked for, with the layer, its class and the way out', async () => {
    const model = chainModel([5], new Twice({ name: 'twice' }));
    const error = await compileModel(model, { engine: 'onnx' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'ENGINE_UNSUPPORTED_LAYER', given: 'Twice "twice"' });
    expect((error as Error).message).toContain('--engine tfjs');
    model.dispose();
  });

  it('leaves the weights of the model alone', async () => {
    const model = small();
    const before = model.weights.map((weight) => weight.read().dataSync().slice());
    const compiled = await compileModel(model, { engine: 'tfjs', outputs: ['pool'] });
    await compiled.run(picture(), [1, 6, 6, 3]);
    await compiled.dispose();
    model.weights.forEach((weight, index) => expect(weight.read().dataSync()).toEqual(before[index]));
    model.dispose();
  });

  it('keeps tensor counts over many runs of both engines', async () => {
    const model = small();
    for (const engine of ['onnx', 'tfjs'] as const) {
      const compiled = await compileModel(model, { engine });
      const during = tf.memory().numTensors;
      for (let run = 0; run < 20; run++) await compiled.run(picture(), [1, 6, 6, 3]);
      expect(tf.memory().numTensors).toBe(during);
      await compiled.dispose();
    }
    model.dispose();
  });

  it('runs that overlap do not disturb each other', async () => {
    const model = small();
    for (const engine of ['onnx', 'tfjs'] as const) {
      const compiled = await compileModel(model, { engine });
      const inputs = Array.from({ length: 8 }, (_, index) => seeded((index + 1) * 108, index));
      const alone = [];
      for (const [index, input] of inputs.entries())
        alone.push(await compiled.run(input, [index + 1, 6, 6, 3]));
      const together = await Promise.all(
        inputs.map((input, index) => compiled.run(input, [index + 1, 6, 6, 3])),
      );
      expect(together).toEqual(alone);
      await compiled.dispose();
    }
    model.dispose();
  });

  it('an output that is the input is a copy of it', async () => {
    const model = chainModel([2, 3], L.flatten({}));
    const compiled = await compileModel(model, { engine: 'tfjs' });
    const data = seeded(6, 1);
    const [output] = await compiled.run(data, [1, 2, 3]);
    data.fill(0);
    expect(output!.data).toEqual(seeded(6, 1));
    model.dispose();
  });

  it('dispose waits for the run that is under way, and the next run says that it is too late', async () => {
    const model = small();
    const compiled = await compileModel(model, { engine: 'onnx' });
    const running = compiled.run(picture(), [1, 6, 6, 3]);
    await compiled.dispose();
    expect((await running)[0]!.shape).toEqual([1, 2]);
    await expect(compiled.run(picture(), [1, 6, 6, 3])).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await compiled.dispose();
    model.dispose();
  });

  it.each(['onnx', 'tfjs'] as const)('%s refuses what does not fit the input', async (engine) => {
    const model = small();
    const compiled = await compileModel(model, { engine });
    for (const [data, shape] of [
      [picture(), [1, 7, 6, 3]],
      [picture(), [6, 6, 3]],
      [picture(), [2, 6, 6, 3]],
      [new Float32Array(0), [0, 6, 6, 3]],
    ] as const) {
      await expect(compiled.run(data, shape)).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    }
    await compiled.dispose();
    model.dispose();
  });

  it.each(['auto', 'onnx', 'tfjs'] as const)(
    '%s names the layers when an output is not there',
    async (engine) => {
      const model = small();
      const error = await compileModel(model, { engine, outputs: ['convv'] }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ModelError);
      expect(error).toMatchObject({ code: 'MODEL_OPTION' });
      expect((error as Error).message).toContain('conv, pool, probabilities');
      model.dispose();
    },
  );

  it('refuses a layer that is called twice as an output', async () => {
    const shared = L.dense({ units: 4, name: 'shared' });
    const input = tf.input({ shape: [4] });
    const model = tf.model({
      inputs: input,
      outputs: shared.apply(shared.apply(input)) as tf.SymbolicTensor,
    });
    for (const engine of ['onnx', 'tfjs'] as const) {
      await expect(compileModel(model, { engine, outputs: ['shared'] })).rejects.toMatchObject({
        code: 'MODEL_OPTION',
      });
    }
    model.dispose();
    // tfjs counts each call of a layer as a user of it.
    shared.dispose();
  });

  it('refuses an engine that does not exist, no outputs, and a model with two inputs', async () => {
    const model = small();
    await expect(compileModel(model, { engine: 'gpu' as 'auto' })).rejects.toMatchObject({
      code: 'USAGE_OPTION',
    });
    await expect(compileModel(model, { outputs: [] })).rejects.toMatchObject({ code: 'MODEL_OPTION' });
    model.dispose();
    const inputs = [tf.input({ shape: [2] }), tf.input({ shape: [2] })];
    const two = tf.model({ inputs, outputs: L.add().apply(inputs) as tf.SymbolicTensor });
    await expect(compileModel(two)).rejects.toMatchObject({ code: 'MODEL_INPUT' });
  });
});

describe('when ONNX Runtime is not there', () => {
  const absent = Object.assign(new Error("Cannot find package 'onnxruntime-node'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
  const load = () => Promise.reject(absent);

  it('ENGINE_UNAVAILABLE says how to install it', async () => {
    const error = await createOnnxSessionNode(new Uint8Array(), { load }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect((error as Error).message).toContain('npm install onnxruntime-node');
  });

  it('a binding that does not load is told apart', async () => {
    const broken = () =>
      Promise.reject(Object.assign(new Error('GLIBC_2.99 not found'), { code: 'ERR_DLOPEN_FAILED' }));
    const error = await createOnnxSessionNode(new Uint8Array(), { load: broken }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect((error as EngineError).summary).toContain('GLIBC_2.99 not found');
  });

  it('auto runs tfjs and says why', async () => {
    await prepareEngines((bytes) => createOnnxSessionNode(bytes, { load }));
    const model = small();
    const compiled = await compileModel(model);
    expect(compiled.engine).toBe('tfjs');
    expect(compiled.why).toContain('onnxruntime-node');
    await expect(compileModel(model, { engine: 'onnx' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
    model.dispose();
    await prepareEngines();
  });
});

describe('when ONNX Runtime fails', () => {
  it('a damaged model gives ENGINE_FAILED', async () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);
    await expect(createOnnxSessionNode(bytes)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('a failing run gives ENGINE_FAILED, on one line and without a stack', async () => {
    await prepareEngines(async (bytes) => {
      const session = await createOnnxSessionNode(bytes);
      return { ...session, run: (data) => session.run(data, [1, data.length]) };
    });
    const model = small();
    const compiled = await compileModel(model, { engine: 'onnx' });
    const error = await compiled.run(picture(), [1, 6, 6, 3]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
    expect((error as EngineError).summary).not.toContain('\n');
    await compiled.dispose();
    model.dispose();
    await prepareEngines();
  });

  it('the tfjs engine works on, and gives the same numbers', async () => {
    const model = small();
    const [onnx, tfjs] = await Promise.all([
      compileModel(model, { engine: 'onnx' }),
      compileModel(model, { engine: 'tfjs' }),
    ]);
    const [ours] = await onnx.run(picture(), [1, 6, 6, 3]);
    const [theirs] = await tfjs.run(picture(), [1, 6, 6, 3]);
    expect(largestDifference(ours!.data, theirs!.data)).toBeLessThanOrEqual(1e-6);
    await onnx.dispose();
    model.dispose();
  });
});
