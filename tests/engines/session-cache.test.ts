import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import { cachedCompile, disposeEngines } from '../../src/engines/session-cache.ts';
import { chainModel, prepareEngines, seeded } from './support.ts';

const counts = { opened: 0, released: 0 };

beforeEach(async () => {
  counts.opened = 0;
  counts.released = 0;
  await prepareEngines(async (bytes) => {
    const session = await createOnnxSessionNode(bytes);
    counts.opened += 1;
    return {
      ...session,
      release: async () => {
        counts.released += 1;
        await session.release();
      },
    };
  });
});

const dense = () => chainModel([4], tf.layers.dense({ units: 3, name: 'dense' }));
const input = seeded(4, 5);
const predicted = (model: tf.LayersModel) =>
  tf.tidy(() => (model.predict(tf.tensor(input, [1, 4])) as tf.Tensor).dataSync());
const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).forEach((value, index) => expect(value).toBeCloseTo(b[index]!, 5));

describe('cachedCompile', () => {
  it('compiles once for each list of outputs', async () => {
    const model = dense();
    const first = await cachedCompile(model);
    expect(await cachedCompile(model)).toBe(first);
    expect(counts.opened).toBe(1);
    expect(await cachedCompile(model, { outputs: ['dense'] })).not.toBe(first);
    expect(counts.opened).toBe(2);
    await disposeEngines(model);
    expect(counts.released).toBe(2);
    model.dispose();
  });

  it('callers who come at the same time share one session', async () => {
    const model = dense();
    const [a, b, c] = await Promise.all([cachedCompile(model), cachedCompile(model), cachedCompile(model)]);
    expect(b).toBe(a);
    expect(c).toBe(a);
    expect(counts.opened).toBe(1);
    await disposeEngines(model);
    model.dispose();
  });

  it('sees new weights, also for those who compiled before, and frees the old session', async () => {
    const model = dense();
    const early = await cachedCompile(model);
    close((await early.run(input, [1, 4]))[0]!.data, predicted(model));
    tf.tidy(() => model.setWeights(model.getWeights().map((weight) => weight.mul(2).add(1))));
    const late = await cachedCompile(model);
    expect(late).toBe(early);
    expect(counts).toEqual({ opened: 2, released: 1 });
    close((await early.run(input, [1, 4]))[0]!.data, predicted(model));
    await disposeEngines(model);
    model.dispose();
  });

  it('sees what fit has changed', async () => {
    const model = dense();
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    const compiled = await cachedCompile(model);
    const [before] = await compiled.run(input, [1, 4]);
    const x = tf.tensor(input, [1, 4]);
    const y = tf.ones([1, 3]);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    await cachedCompile(model);
    const [after] = await compiled.run(input, [1, 4]);
    close(after!.data, predicted(model));
    expect(Array.from(after!.data)).not.toEqual(Array.from(before!.data));
    await disposeEngines(model);
    tf.dispose([x, y]);
    optimizer.dispose();
    model.dispose();
  });

  it('a prediction or another read does not count as a change', async () => {
    const model = dense();
    await cachedCompile(model);
    predicted(model);
    await model.weights[0]!.read().data();
    await cachedCompile(model);
    expect(counts.opened).toBe(1);
    await disposeEngines(model);
    model.dispose();
  });

  it('disposeEngines leaves the model usable, and it can be compiled again', async () => {
    const model = dense();
    const old = await cachedCompile(model);
    await disposeEngines(model);
    await expect(old.run(input, [1, 4])).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    const fresh = await cachedCompile(model);
    close((await fresh.run(input, [1, 4]))[0]!.data, predicted(model));
    await disposeEngines(model);
    await disposeEngines(model);
    model.dispose();
  });

  it('a failed compilation is not kept', async () => {
    const model = dense();
    await prepareEngines(() => Promise.reject(new Error('no luck')));
    await expect(cachedCompile(model, { engine: 'onnx' })).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await prepareEngines();
    expect((await cachedCompile(model, { engine: 'onnx' })).engine).toBe('onnx');
    await disposeEngines(model);
    model.dispose();
  });

  it('the session of a model that was forgotten is released by the garbage collector', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await (async () => {
      const model = dense();
      const compiled = await cachedCompile(model);
      await compiled.run(input, [1, 4]);
      model.dispose();
    })();
    expect(counts).toEqual({ opened: 1, released: 0 });
    for (let attempt = 0; attempt < 50 && counts.released === 0; attempt++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(counts.released).toBe(1);
  });

  it('a compiled model that is held keeps its session, also when nobody holds the model', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const compiled = await (async () => cachedCompile(dense()))();
    for (let attempt = 0; attempt < 5; attempt++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(counts.released).toBe(0);
    expect((await compiled.run(input, [1, 4]))[0]!.shape).toEqual([1, 3]);
    await compiled.dispose();
  });
});
