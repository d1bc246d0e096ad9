import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GradCam } from '../../src/node.ts';
import { classify, disposeModel, gradCam, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { parityModule } from '../support/keras-parity.ts';
import { hasShared, shared } from '../support/shared.ts';
import { seededPhoto, smallNetwork } from './models.ts';

interface GoldenMap {
  readonly layer: string;
  readonly classIndex: number;
  readonly predicted: number;
  readonly probability: number;
  readonly shape: readonly [number, number];
  readonly heatmap: string;
}

const golden = JSON.parse(
  await readFile(new URL('goldens/grad-cam.json', import.meta.url), 'utf8'),
) as Record<'small' | 'mobilenetv2', GoldenMap[]>;
const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');
const photo = seededPhoto(24, 30);

function filled(options?: Parameters<typeof smallNetwork>[0]): tf.LayersModel {
  const model = smallNetwork(options);
  fillWithSeededWeights(tf, model, 1);
  return model;
}

function largestDifference(map: Pick<GradCam, 'heatmap'>, expected: Float32Array): number {
  expect(map.heatmap).toHaveLength(expected.length);
  return map.heatmap.reduce((most, value, index) => Math.max(most, Math.abs(value - expected[index]!)), 0);
}

function numbersOf({ heatmap }: GoldenMap): Float32Array {
  const bytes = Buffer.from(heatmap, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
}

let tensors: number;
beforeAll(() => platform().prepareTfjs());
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

describe.each(['onnx', 'tfjs'] as const)('gradCam with the engine %s equals Keras', (engine) => {
  it.each(golden.small)('on a small network, layer $layer, class $classIndex', async (expected) => {
    const model = filled();
    const { layer, classIndex } = expected;
    const map = await gradCam(model, photo, { layer, classIndex, engine });
    expect([map.height, map.width, map.engine]).toEqual([...expected.shape, engine]);
    expect(largestDifference(map, numbersOf(expected))).toBeLessThan(1e-4);
    expect(map.probability).toBeCloseTo(expected.probability, 5);
    await disposeModel(model);
  });

  it.each(golden.mobilenetv2)('on MobileNetV2, layer $layer, class $classIndex', async (expected) => {
    const model = await loadModel('mobilenetv2', { weights: null, alpha: 0.35, inputShape: [96, 96, 3] });
    fillWithSeededWeights(tf, model, 0.75);
    const { layer, classIndex, predicted } = expected;
    const asked = classIndex === predicted ? {} : { classIndex };
    // The photo is as large as the network's input: nothing is to be cut away.
    const resize = { mode: 'fill', cropFraction: 1 } as const;
    const map = await gradCam(model, seededPhoto(96, 96), { layer, ...asked, resize, engine });
    expect(map.classIndex).toBe(classIndex);
    expect(largestDifference(map, numbersOf(expected))).toBeLessThan(1e-4);
    expect(map.probability).toBeCloseTo(expected.probability, 5);
    await disposeModel(model);
  });
});

describe('gradCam', () => {
  it('explains the most probable class at the last feature map, unless it is told otherwise', async () => {
    const model = filled();
    const { predictions } = await classify(photo, { model });
    const map = await gradCam(model, photo);
    const { index, label, probability } = predictions[0]!;
    expect(map).toMatchObject({ layer: 'pool', classIndex: index, label, width: 6, height: 5 });
    expect(map.probability).toBeCloseTo(probability, 5);
    expect(Math.max(...map.heatmap)).toBe(1);
    expect(Math.min(...map.heatmap)).toBeGreaterThanOrEqual(0);
    const other = await gradCam(model, photo, { label: 'Cat' });
    expect(other).toMatchObject({ classIndex: 2, label: 'cat' });
    expect(largestDifference(other, map.heatmap)).toBeGreaterThan(0.01);
    await disposeModel(model);
  });

  it.each(['Activation', 'Softmax', 'linear'] as const)(
    'takes the score before the softmax, wherever that is done: %s',
    async (ending) => {
      const model = filled({ ending });
      const expected = golden.small[0]!;
      const map = await gradCam(model, photo, { engine: 'onnx' });
      expect(largestDifference(map, numbersOf(expected))).toBeLessThan(1e-4);
      expect(map.probability).toBeCloseTo(expected.probability, 5);
      await disposeModel(model);
    },
  );

  it('looks into nested models, and leaves no trace in the model', async () => {
    const model = filled({ nested: true });
    const before = traces(model);
    for (const expected of golden.small) {
      const { layer, classIndex } = expected;
      const map = await gradCam(model, photo, { layer, classIndex });
      expect(largestDifference(map, numbersOf(expected))).toBeLessThan(1e-4);
    }
    expect(traces(model)).toEqual(before);
    const { predictions } = await classify(photo, { model });
    expect(predictions[0]!.index).toBe(golden.small[0]!.predicted);
    await disposeModel(model);
  });

  it('may be called several times at once', async () => {
    const model = filled();
    const before = traces(model);
    const { layer } = golden.small[2]!;
    const maps = await Promise.all(golden.small.map(() => gradCam(model, photo, { layer })));
    for (const map of maps) expect(largestDifference(map, numbersOf(golden.small[2]!))).toBeLessThan(1e-4);
    expect(traces(model)).toEqual(before);
    await disposeModel(model);
  });

  it('says what is wrong with a class or a layer', async () => {
    const model = filled();
    const wrong = async (options: object) =>
      gradCam(model, photo, options).catch((error: unknown) => error as { code: string; message: string });
    expect(await wrong({ label: 'catt' })).toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining('Did you mean "cat"?') as string,
    });
    expect(await wrong({ classIndex: 5 })).toMatchObject({ code: 'USAGE_ARGUMENT' });
    expect(await wrong({ classIndex: 1, label: 'cat' })).toMatchObject({ code: 'USAGE_ARGUMENT' });
    expect(await wrong({ layer: 'conv3' })).toMatchObject({
      code: 'MODEL_OPTION',
      message: expect.stringContaining('Did you mean "conv') as string,
    });
    expect(await wrong({ layer: 'flatten' })).toMatchObject({ code: 'MODEL_OPTION' });
    await disposeModel(model);
  });
});

describe.skipIf(!hasShared)('on a photo of a cat', () => {
  it.each([
    ['the network in the package', 'efficientnet-lite0'],
    ['SqueezeNet', shared('weights/squeezenet_v1.1_keras2.0.9.h5')],
  ])('%s looks at the cat', async (_, name) => {
    const model = await loadModel(name);
    const map = await gradCam(model, shared('images/tabby_cat.jpeg'));
    expect(map.label).toBe('tabby');
    // The cat sits left of the middle of the picture; a wall and a window are right of it.
    const heatOf = (from: number, to: number) =>
      map.heatmap.reduce((sum, value, at) => {
        const column = ((at % map.width) + 0.5) / map.width;
        return sum + (column >= from && column < to ? value : 0);
      }, 0) /
      (to - from);
    expect(heatOf(0.2, 0.65)).toBeGreaterThan(1.5 * heatOf(0.8, 1));
    await disposeModel(model);
  });
});

/** How often each layer was called, nested models included. */
function traces(model: tf.LayersModel): unknown[] {
  return model.layers.flatMap((layer) => [
    [layer.name, layer.inboundNodes.length, layer.outboundNodes.length],
    (layer as unknown as { _refCount: number })._refCount,
    ...('layers' in layer ? traces(layer as tf.LayersModel) : []),
  ]);
}
