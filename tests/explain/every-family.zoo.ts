import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LoadModelOptions } from '../../src/node.ts';
import { disposeModel, gradCam, listModels, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { parityModule } from '../support/keras-parity.ts';
import { seededPhoto } from './models.ts';

interface Case {
  readonly name: string;
  readonly size: number;
  /** Of the kernels, as in tests/oracle/zoo.py: signals neither die nor explode. */
  readonly gain: number;
  readonly options?: LoadModelOptions;
}

/** One of each family, with more than one place in the last feature map. */
const cases: readonly Case[] = [
  { name: 'squeezenet', size: 96, gain: 1 },
  { name: 'mobilenet', size: 96, gain: 1, options: { alpha: 0.25 } },
  { name: 'mobilenetv2', size: 96, gain: 0.75, options: { alpha: 0.35 } },
  { name: 'mobilenetv3small', size: 96, gain: 0.9 },
  { name: 'efficientnet-lite0', size: 96, gain: 0.95 },
  { name: 'efficientnetb0', size: 96, gain: 1.05 },
  { name: 'efficientnetv2b0', size: 96, gain: 0.8 },
  { name: 'vgg16', size: 64, gain: 1 },
  { name: 'resnet50', size: 96, gain: 0.7 },
  { name: 'resnet50v2', size: 96, gain: 0.7 },
  { name: 'inceptionv3', size: 139, gain: 0.95 },
  { name: 'inceptionresnetv2', size: 139, gain: 0.95 },
  { name: 'xception', size: 96, gain: 0.75 },
  { name: 'densenet121', size: 96, gain: 0.8 },
  { name: 'nasnetmobile', size: 96, gain: 0.85 },
  { name: 'convnexttiny', size: 96, gain: 0.8 },
];

const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');

describe('gradCam explains every family, alike on both engines', () => {
  let tensors: number;
  beforeAll(() => platform().prepareTfjs());
  beforeEach(() => (tensors = tf.memory().numTensors));
  afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

  it('which are all there are', () => {
    const families = (names: readonly string[]) =>
      new Set(listModels().flatMap(({ name, family }) => (names.includes(name) ? [family] : [])));
    expect(families(cases.map(({ name }) => name))).toEqual(families(listModels().map(({ name }) => name)));
  });

  it.each(cases)('$name', async ({ name, size, gain, options }) => {
    const model = await loadModel(name, {
      ...options,
      weights: null,
      inputShape: [size, size, 3],
      ...(name === 'vgg16' ? { classes: 10 } : {}),
    });
    fillWithSeededWeights(tf, model, gain);
    const resize = { mode: 'fill', cropFraction: 1 } as const;
    const largestHeat = new Set<number>();
    for (const classIndex of [1, 2, 3]) {
      const photo = seededPhoto(size, size);
      const onnx = await gradCam(model, photo, { classIndex, resize, engine: 'onnx' });
      const tfjs = await gradCam(model, photo, { classIndex, resize, engine: 'tfjs' });
      expect([onnx.engine, tfjs.engine]).toEqual(['onnx', 'tfjs']);
      expect(onnx.width * onnx.height).toBeGreaterThan(1);
      expect(onnx.probability).toBeCloseTo(tfjs.probability, 4);
      const largest = Math.max(...onnx.heatmap.map((value, at) => Math.abs(value - tfjs.heatmap[at]!)));
      expect(largest).toBeLessThan(1e-3);
      largestHeat.add(Math.max(...onnx.heatmap));
    }
    // Of the classes one at least is spoken for by some place.
    expect(largestHeat).toContain(1);
    expect([...largestHeat].every((heat) => heat === 0 || heat === 1)).toBe(true);
    await disposeModel(model);
  });
});
