import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { repairWasmHeap } from '../../src/engines/wasm-heap.ts';
import { disposeModel, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { onHost } from '../../zoo/on-host.ts';

beforeAll(() => platform().prepareTfjs());

/** More than WASM's memory has to start with: it grows when it takes over a tensor of this size. */
const LARGE = 48 * 1024 * 1024;

describe("tensors of the host in tfjs's WASM backend", () => {
  it('are taken over while its memory grows', () => {
    expect(tf.getBackend()).toBe('wasm');
    const before = tf.memory().numTensors;
    const sums = tf.tidy(() =>
      Array.from({ length: 3 }, (_, index) => {
        const values = new Float32Array(LARGE / 4).fill(index + 1);
        const held = onHost(() => tf.tensor2d(values, [1, values.length]));
        // An axis of length 1 makes it a copy, whose place is taken before the tensor is moved.
        const copy = tf.transpose(held);
        return [copy.shape[0], copy.min().dataSync()[0], copy.max().dataSync()[0]];
      }),
    );
    expect(sums).toEqual([1, 2, 3].map((value) => [LARGE / 4, value, value]));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are repaired for once only', () => {
    const backend = tf.backend() as unknown as { typedArrayFromHeap: unknown };
    const repaired = backend.typedArrayFromHeap;
    repairWasmHeap();
    expect(backend.typedArrayFromHeap).toBe(repaired);
  });
});

describe('a network that was built and filled on the host', () => {
  it('trains a new head on WASM, and its own layers stay as they are', async () => {
    // Without BatchNormalization: frozen and untrained, it would leave nothing of the pictures. Small features are
    // left all the same, hence the many large steps.
    const base = await loadModel('squeezenet', {
      includeTop: false,
      pooling: 'avg',
      inputShape: [48, 48, 3],
      weights: null,
      seed: 7,
    });
    base.layers.forEach((layer) => (layer.trainable = false));
    const head = tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: 'zeros' });
    const model = tf.model({ inputs: base.inputs, outputs: head.apply(base.outputs) as tf.SymbolicTensor });
    const kernel = base.getLayer('conv1').getWeights()[0]!;
    const first = kernel.dataSync().slice();
    const pictures = tf.concat([tf.fill([4, 48, 48, 3], -1), tf.fill([4, 48, 48, 3], 1)]);
    const labels = tf.oneHot(tf.tensor1d([0, 0, 0, 0, 1, 1, 1, 1], 'int32'), 2);
    const optimizer = tf.train.adam(0.1);
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const { history } = await model.fit(pictures, labels, { epochs: 40, shuffle: false, verbose: 0 });
    const losses = history.loss as number[];
    expect(tf.getBackend()).toBe('wasm');
    expect(losses[0]).toBeCloseTo(Math.log(2), 4);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.9);
    expect(kernel.dataSync()).toEqual(first);
    tf.dispose([pictures, labels]);
    optimizer.dispose();
    await disposeModel(model);
  });
});
