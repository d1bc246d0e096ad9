import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { findModel, listCards } from '../../zoo/registry.ts';
import { imagenetLabels } from '../../zoo/labels/imagenet.ts';
import { seededImage, seededTensor } from '../support/seeded.ts';

interface Golden {
  version: string;
  includeTop: boolean;
  pooling: 'avg' | 'max' | null;
  size: number;
  classes: number;
  parameters: number;
  shape: number[];
  output: number[];
}

const goldens = JSON.parse(
  readFileSync(new URL('./goldens/squeezenet.json', import.meta.url), 'utf8'),
) as Golden[];

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('SqueezeNet equals Keras', () => {
  it.each(goldens)(
    'v$version, top $includeTop, pooling $pooling, $size pixels, $classes classes',
    (golden) => {
      const before = tf.memory().numTensors;
      const { version, includeTop, pooling, size, classes } = golden;
      const { card, build } = findModel('squeezenet', version);
      const model = build(
        card,
        { includeTop, pooling, classes, inputShape: [size, size, 3] },
        { kernel: 'zeros' },
      );
      expect(model.countParams()).toBe(golden.parameters);
      let seed = 0;
      for (const layer of model.layers) {
        const tensors = layer.weights.map((weight) =>
          tf.tensor(seededTensor(weight.shape as number[], seed++), weight.shape as number[]),
        );
        if (tensors.length > 0) layer.setWeights(tensors);
        tf.dispose(tensors);
      }
      const image = seededImage(size, size, 7).map((value) => Math.fround(value - 127.5) / 2048);
      const [output, shape] = tf.tidy(() => {
        const predicted = model.predict(tf.tensor4d(image, [1, size, size, 3])) as tf.Tensor;
        return [predicted.dataSync(), predicted.shape];
      }) as unknown as [Float32Array, number[]];
      expect(shape).toEqual(golden.shape);
      const largest = Math.max(...golden.output.map(Math.abs));
      const difference = Math.max(...golden.output.map((value, index) => Math.abs(value - output[index]!)));
      expect(difference / largest).toBeLessThan(1e-5);
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it.each(listCards().filter((card) => card.family === 'squeezenet'))(
    '$title has the parameters that its card states',
    (card) => {
      const { build } = findModel(card.name);
      for (const includeTop of [true, false]) {
        const model = build(card, { includeTop }, { kernel: 'zeros' });
        expect(model.countParams()).toBe(includeTop ? card.parameters.top : card.parameters.noTop);
        expect(model.layers.some((layer) => layer.name === card.classifier)).toBe(includeTop);
        expect(model.getLayer(card.features.layer).outputShape).toEqual([null, 13, 13, card.features.width]);
        expect(model.getLayer(card.firstConvolution).weights.length).toBe(2);
        model.dispose();
      }
    },
  );

  it('drops half of the features before the classifier in training', () => {
    const { card, build } = findModel('squeezenet');
    const model = build(card, { inputShape: [48, 48, 3] }, { kernel: 'zeros' });
    expect(model.getLayer('drop9').getConfig()).toMatchObject({ rate: 0.5 });
    model.dispose();
  });

  it('keeps logits when the classifier activation is linear or null', () => {
    const { card, build } = findModel('squeezenet');
    for (const classifierActivation of ['linear', null] as const) {
      const model = build(
        card,
        { classifierActivation, classes: 3, inputShape: [48, 48, 3] },
        { kernel: 'glorotUniform', seed: 3 },
      );
      const sum = tf.tidy(
        () => (model.predict(tf.fill([1, 48, 48, 3], 40)) as tf.Tensor).sum().dataSync()[0]!,
      );
      expect(Math.abs(sum - 1)).toBeGreaterThan(1e-3);
      model.dispose();
    }
  });

  it('draws the same random weights from the same seed, and others from another', () => {
    const { card, build } = findModel('squeezenet');
    const kernelOf = (seed: number) => {
      const model = build(
        card,
        { includeTop: false, inputShape: [48, 48, 3] },
        { kernel: 'glorotUniform', seed },
      );
      const kernel = Array.from(model.getLayer('conv1').getWeights()[0]!.dataSync());
      model.dispose();
      return kernel;
    };
    expect(kernelOf(5)).toEqual(kernelOf(5));
    expect(kernelOf(5)).not.toEqual(kernelOf(6));
  });
});

describe('options that make no sense', () => {
  const { card, build } = findModel('squeezenet');
  it.each([
    ['a side below the minimum', { inputShape: [40, 227, 3] }, 'inputShape'],
    ['four channels', { inputShape: [227, 227, 4] }, 'inputShape'],
    ['a fractional side', { inputShape: [227.5, 227, 3] }, 'inputShape'],
    ['an unknown pooling', { pooling: 'mean' }, 'pooling'],
    ['no classes', { classes: 0 }, 'classes'],
    ['an unknown activation', { classifierActivation: 'relu' }, 'classifierActivation'],
  ])('%s is refused by name', (_, options, name) => {
    expect(() => build(card, options as never, { kernel: 'zeros' })).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTION', message: expect.stringContaining(name) as string }),
    );
  });
});

describe('the registry', () => {
  it('finds names and aliases in any case', () => {
    expect(findModel('SqueezeNet').card.title).toBe('SqueezeNet v1.1');
    expect(findModel('squeezenet', '1.0').card.title).toBe('SqueezeNet v1.0');
    expect(findModel('squeezenet_v1.1').card.name).toBe('squeezenet');
  });
  it('suggests the nearest name for a typing error, and none for something else', () => {
    expect(() => findModel('squeeznet')).toThrow(/Did you mean "squeezenet"/);
    expect(() => findModel('yolo')).toThrow(expect.objectContaining({ code: 'MODEL_UNKNOWN', exitCode: 2 }));
    expect(() => findModel('yolo')).not.toThrow(/Did you mean/);
  });
  it('names the versions that there are', () => {
    expect(() => findModel('squeezenet', '2.0')).toThrow(expect.objectContaining({ code: 'MODEL_OPTION' }));
  });
  it('has 1000 labels, 998 of them distinct, in the order of their wnids', () => {
    expect(imagenetLabels).toHaveLength(1000);
    expect(new Set(imagenetLabels.map(({ label }) => label)).size).toBe(998);
    expect(imagenetLabels[281]).toEqual({ wnid: 'n02123045', label: 'tabby' });
    expect(imagenetLabels.map(({ wnid }) => wnid)).toEqual(imagenetLabels.map(({ wnid }) => wnid).toSorted());
  });
});
