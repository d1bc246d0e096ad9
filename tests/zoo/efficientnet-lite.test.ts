import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { seededImage, seededWeight } from '../support/seeded.ts';
import { defaultModel } from '../../zoo/default-model.ts';
import { findModel, listCards } from '../../zoo/registry.ts';

interface Golden {
  versions: { version: number; parameters: { top: number; noTop: number }; layers: string[] | number }[];
  cases: {
    version: number;
    size: [height: number, width: number];
    what: 'logits' | 'probabilities' | 'map' | 'avg' | 'max';
    shape: number[];
    everyChannel: number;
    values: string;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('./goldens/efficientnet-lite.json', import.meta.url), 'utf8'),
) as Golden;

/** How each output of the oracle is asked for here. */
const options = {
  logits: { classifierActivation: 'linear' },
  probabilities: {},
  map: { includeTop: false },
  avg: { includeTop: false, pooling: 'avg' },
  max: { includeTop: false, pooling: 'max' },
} as const;

const cards = listCards().filter((card) => card.family === 'efficientnet-lite');
const small = { inputShape: [33, 47, 3] } as const;

function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** Fills a model as tests/oracle/efficientnet_lite.py fills timm's. */
function fill(model: tf.LayersModel): void {
  let seed = 0;
  for (const layer of model.layers) {
    if (layer.weights.length === 0) continue;
    const tensors = layer.weights.map(({ originalName, shape }) => {
      const name = originalName.replace(/^.*\//, '').replace(/_\d+$/, '');
      return tf.tensor(seededWeight(name, shape as number[], seed++), shape as number[]);
    });
    layer.setWeights(tensors);
    tf.dispose(tensors);
  }
}

/** Pictures of seeds 7 and 8, as the network wants them. */
function pictures(height: number, width: number): Float32Array {
  const both = [7, 8].flatMap((seed) => Array.from(seededImage(height, width, seed)));
  return Float32Array.from(both, (value) => Math.fround(value - 127) / 128);
}

beforeAll(() => platform().prepareTfjs());

describe('EfficientNet-Lite equals timm', () => {
  it.each(golden.cases)('Lite$version on $size pixels: $what', async (each) => {
    const before = tf.memory().numTensors;
    const { version, size, what, shape, everyChannel } = each;
    const expected = floats(each.values);
    const range = Math.max(...expected) - Math.min(...expected);
    const { card, build } = findModel(`efficientnet-lite${version}`);
    const model = build(card, { ...options[what], inputShape: [...size, 3] }, { kernel: 'zeros' });
    fill(model);
    for (const engine of ['tfjs', 'onnx'] as const) {
      const compiled = await compileModel(model, { engine });
      const [output] = await compiled.run(pictures(...size), [2, ...size, 3]);
      await compiled.dispose();
      expect(output!.shape).toEqual(shape);
      const compared = output!.data.filter((_, at) => (at % shape.at(-1)!) % everyChannel === 0);
      expect(compared).toHaveLength(expected.length);
      const largest = expected.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - compared[at]!)),
        0,
      );
      expect(largest / range, engine).toBeLessThan(1e-5);
    }
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(golden.versions)(
    'Lite$version has as many parameters and layers',
    ({ version, parameters, layers }) => {
      const { card, build } = findModel(`efficientnet-lite${version}`);
      expect(card.parameters).toEqual(parameters);
      for (const includeTop of [true, false]) {
        const model = build(card, { includeTop }, { kernel: 'zeros' });
        expect(model.countParams()).toBe(includeTop ? parameters.top : parameters.noTop);
        const names = model.layers.filter((layer) => layer.weights.length > 0).map((layer) => layer.name);
        const wanted = includeTop ? 0 : 1;
        if (typeof layers === 'number') expect(names).toHaveLength(layers - wanted);
        else expect(names).toEqual(layers.slice(0, layers.length - wanted));
        expect(model.layers.some((layer) => layer.name === card.classifier)).toBe(includeTop);
        const side = Math.ceil(card.inputSize.default / 32);
        expect(model.getLayer(card.features.layer).outputShape).toEqual([
          null,
          side,
          side,
          card.features.width,
        ]);
        expect(model.getLayer(card.firstConvolution).weights).toHaveLength(1);
        model.dispose();
      }
    },
  );
});

describe('EfficientNet-Lite', () => {
  const { card, build } = findModel('efficientnet-lite0');

  it('adds the input of a block to its output exactly where both are alike', () => {
    const model = build(card, small, { kernel: 'zeros' });
    const sums = model.layers.filter((layer) => layer.getClassName() === 'Add').map((layer) => layer.name);
    expect(sums).toEqual(
      ['2b', '3b', '4b', '4c', '5b', '5c', '6b', '6c', '6d'].map((block) => `block${block}_add`),
    );
    model.dispose();
  });

  it('normalises with the epsilon and the momentum of the TPU repository', () => {
    const model = build(card, small, { kernel: 'zeros' });
    const norms = model.layers.filter((layer) => layer.getClassName() === 'BatchNormalization');
    expect(norms).toHaveLength(49);
    for (const norm of norms) expect(norm.getConfig()).toMatchObject({ epsilon: 1e-3, momentum: 0.99 });
    model.dispose();
  });

  it('has other widths and another dropout in each version', () => {
    const facts = cards.map((each) => {
      const model = findModel(each.name).build(each, small, { kernel: 'zeros' });
      const width = (name: string) => model.getLayer(name).outputShape.at(-1);
      const { rate } = model.getLayer('top_dropout').getConfig();
      const found = [width('stem_conv'), width('block4a_project_conv'), width('top_conv'), rate];
      model.dispose();
      return found;
    });
    expect(facts).toEqual([
      [32, 80, 1280, 0.2],
      [32, 80, 1280, 0.2],
      [32, 88, 1280, 0.3],
      [32, 96, 1280, 0.3],
      [32, 112, 1280, 0.3],
    ]);
  });

  it('ends in as many classes as are asked for, in probabilities or in logits', () => {
    for (const [classifierActivation, sumsToOne] of [
      ['softmax', true],
      ['linear', false],
      [null, false],
    ] as const) {
      const before = tf.memory().numTensors;
      const model = build(card, { ...small, classes: 5, classifierActivation }, { kernel: 'zeros' });
      fill(model);
      const output = tf.tidy(() => {
        const image = tf.tensor4d(pictures(33, 47), [2, 33, 47, 3]);
        return (model.predict(image) as tf.Tensor).arraySync() as number[][];
      });
      for (const row of output) {
        expect(row).toHaveLength(5);
        const sum = row.reduce((all, value) => all + value, 0);
        if (sumsToOne) expect(sum).toBeCloseTo(1, 5);
        else expect(Math.abs(sum - 1)).toBeGreaterThan(1e-3);
      }
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('draws the same random weights from the same seed, others from another, and others for each layer', () => {
    const kernels = (seed: number) => {
      const model = build(card, { ...small, includeTop: false }, { kernel: 'glorotUniform', seed });
      const found = ['block6b_expand_conv', 'block6c_expand_conv', 'block6c_dwconv'].map((name) =>
        Array.from(model.getLayer(name).getWeights()[0]!.dataSync().subarray(0, 50)),
      );
      model.dispose();
      return found;
    };
    const [first, again, other] = [kernels(5), kernels(5), kernels(6)];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    expect(first[0]).not.toEqual(first[1]);
    expect(first.flat().every((value) => value !== 0)).toBe(true);
  });

  it('leaves fresh BatchNorms as they are: a network of zeros has no other number but ones', () => {
    const model = build(card, small, { kernel: 'zeros' });
    const names = new Set(
      model.weights
        .filter((weight) => weight.read().max().dataSync()[0] === 1)
        .map((weight) => weight.originalName.replace(/^.*\//, '')),
    );
    expect(names).toEqual(new Set(['gamma', 'moving_variance']));
    model.dispose();
  });

  it.each([
    ['a side below the minimum', { inputShape: [31, 224, 3] }, 'inputShape'],
    ['one channel', { inputShape: [224, 224, 1] }, 'inputShape'],
    ['no size at all', { inputShape: [null, null, 3] }, 'inputShape'],
    ['an unknown pooling', { pooling: 'mean' }, 'pooling'],
    ['half a class', { classes: 0.5 }, 'classes'],
    ['an unknown activation', { classifierActivation: 'sigmoid' }, 'classifierActivation'],
  ])('%s is refused by name', (_, wrong, name) => {
    const before = tf.memory().numTensors;
    expect(() => build(card, wrong as never, { kernel: 'zeros' })).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTION', message: expect.stringContaining(name) as string }),
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is found by the spellings of Keras, TensorFlow Hub and the paper', () => {
    for (const version of [0, 1, 2, 3, 4]) {
      for (const name of [
        'efficientnet-lite',
        'efficientnetlite',
        'EfficientNet_Lite',
        'EfficientNet-Lite',
      ]) {
        expect(findModel(`${name}${version}`).card.title).toBe(`EfficientNet-Lite${version}`);
      }
    }
    expect(findModel('efficientnet-lite0', '3').card.name).toBe('efficientnet-lite3');
    expect(() => findModel('efficientnet-lite0', '5')).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTION' }),
    );
    expect(() => findModel('efficientnet-lite5')).toThrow(/Did you mean "efficientnet-lite\d"/);
  });

  it('is the default in its smallest version, the only one with weights in the package', () => {
    expect(defaultModel).toBe('efficientnet-lite0');
    expect(listCards().filter((each) => each.embedded !== undefined)).toEqual([card]);
    expect(cards.map((each) => each.inputSize.default)).toEqual([224, 240, 260, 280, 300]);
    for (const each of cards) {
      const { default: size } = each.inputSize;
      expect(each.resize).toEqual({ mode: 'cover', filter: 'bicubic', cropFraction: size / (size + 32) });
      expect(each.preprocessing).toBe('lite');
    }
  });
});
