import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type * as Pipeline from '../../src/pipeline/run-images.ts';
import { colourModel, colourPicture } from '../support/tiny-model.ts';

/** Streams of pictures that are neither at their end nor closed. */
let open = 0;
let started = 0;
vi.mock('../../src/pipeline/run-images.ts', async (importOriginal) => {
  const original = await importOriginal<typeof Pipeline>();
  async function* runImages(...args: Parameters<typeof original.runImages>) {
    open++;
    started++;
    try {
      yield* original.runImages(...args);
    } finally {
      open--;
    }
  }
  return { ...original, runImages };
});

const { evaluateModel } = await import('../../src/node.ts');
let model: tf.LayersModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = colourModel();
});
afterAll(() => model.dispose());

it.each(['onnx', 'tfjs'] as const)('leaves no view under way when it is stopped, on %s', async (engine) => {
  const data = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => ({
      image: await colourPicture(200, index, 3),
      label: index % 2 === 0 ? 'red' : 'blue',
    })),
  );
  const tensors = tf.memory().numTensors;
  for (const batchSize of [1, 4]) {
    started = 0;
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done === 6) controller.abort();
    };
    const options = { engine, tta: true, batchSize, signal: controller.signal, onProgress };
    await expect(evaluateModel(model, data, options)).rejects.toMatchObject({ code: 'ABORTED' });
    expect([started, open]).toEqual([6, 0]);
  }
  const onProgress = ({ phase }: { phase: string }) => {
    if (phase === 'evaluate') throw new Error('the listener failed');
  };
  await expect(evaluateModel(model, data, { engine, onProgress })).rejects.toThrow('the listener failed');
  expect(open).toBe(0);
  expect(tf.memory().numTensors).toBe(tensors);
});
