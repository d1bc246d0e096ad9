import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { classify, compileModel, configureOnnxRuntime } from '../../src/node.ts';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import { writtenAsOnnx } from '../../src/engines/onnx-engine.ts';

const dense = () => tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
const input = Float32Array.of(1, 2, 3);

describe('where the onnx engine computes', () => {
  it('is the CPU, unless another device is asked for', async () => {
    const model = dense();
    const [plain, named] = [await compileModel(model), await compileModel(model, { device: 'cpu' })];
    expect([plain.device, named.device]).toEqual(['cpu', 'cpu']);
    expect(await named.run(input, [1, 3])).toEqual(await plain.run(input, [1, 3]));
    await plain.dispose();
    await named.dispose();
    const tfjs = await compileModel(model, { engine: 'tfjs' });
    expect(tfjs.device).toBeUndefined();
    model.dispose();
  });

  it('is refused in words where there is no such device, or no such name', async () => {
    const model = dense();
    // A stand-in for a runtime whose GPU does not start, so that machines with one see the same.
    const { bytes } = await writtenAsOnnx(model);
    const ort = await import('onnxruntime-node');
    const create = (bytes: Uint8Array, options: { executionProviders: string[] }) =>
      options.executionProviders[0] === 'cpu'
        ? ort.InferenceSession.create(bytes, options)
        : Promise.reject(new Error('no adapter'));
    const runtime = { ...ort, InferenceSession: { create } } as unknown as typeof ort;
    const load = () => Promise.resolve(runtime);
    for (const device of ['webgpu', 'cuda'] as const) {
      await expect(createOnnxSessionNode(bytes, { device, load })).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        summary: `ONNX Runtime cannot use ${device} here: no adapter`,
      });
    }
    const session = await createOnnxSessionNode(bytes, { device: 'auto', load });
    expect(session.device).toBe('cpu');
    await session.release();
    // `classify` hands it on.
    const pixels = { data: new Uint8Array(12), width: 2, height: 2 };
    await expect(classify(pixels, { device: 'npu' as never })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await expect(compileModel(model, { device: 'npu' as never })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    model.dispose();
  });

  it('takes settings, and refuses wrong ones', async () => {
    const model = dense();
    const { bytes } = await writtenAsOnnx(model);
    model.dispose();
    const ort = await import('onnxruntime-node');
    const threads: unknown[] = [];
    const create = (given: Uint8Array, options: { intraOpNumThreads: number }) => {
      threads.push(options.intraOpNumThreads);
      return ort.InferenceSession.create(given, options);
    };
    const load = () => Promise.resolve({ ...ort, InferenceSession: { create } } as unknown as typeof ort);
    for (const setting of [1, undefined]) {
      configureOnnxRuntime({ threads: setting });
      const session = await createOnnxSessionNode(bytes, { load });
      expect((await session.run(input, [1, 3]))[0]!.shape).toEqual([1, 2]);
      await session.release();
    }
    expect(threads).toEqual([1, availableParallelism()]);
    expect(() => configureOnnxRuntime({ threads: 0 })).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
    expect(() => configureOnnxRuntime({ wasmPaths: '/ort' })).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
  });
});
