import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import { compileModel, disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import type { BuildOptions, Initialisation } from '../../zoo/build-options.ts';
import { findModel, listCards } from '../../zoo/registry.ts';
import { itHasTheWeightsOfTheReference, withNetwork } from '../support/describe-family.ts';
import { parityModule, shapeDigest } from '../support/keras-parity.ts';
import { referenceOf, weightFileOf, zooReference } from '../support/zoo-reference.ts';

const { fillWithSeededWeights, seededPictures } = await parityModule('seeded-weights.mjs');
const GAIN = 0.9;

const families = ['efficientnet', 'efficientnet-v2'];
const cards = listCards().filter(({ family }) => families.includes(family));
const byName = cards.map((card) => [card.name, card] as const);
const small = { includeTop: false, inputShape: [32, 40, 3] } as const;

beforeAll(() => platform().prepareTfjs());

function build(name: string, options: BuildOptions = {}, initialisation?: Initialisation): tf.LayersModel {
  const { card, build: make } = findModel(name);
  const model = make(card, options, initialisation ?? { kernel: 'zeros' });
  onTestFinished(() => disposeModel(model));
  return model;
}

const configOf = (model: tf.LayersModel, layer: string) => model.getLayer(layer).getConfig();
const dropRates = (model: tf.LayersModel) =>
  model.layers
    .filter((layer) => layer.getClassName() === 'Dropout' && layer.name.endsWith('_drop'))
    .map((layer) => layer.getConfig().rate as number);

it('has B0 to B7, and of V2 B0 to B3, S, M and L', () => {
  expect(cards.map(({ title }) => title.replace('EfficientNet', ''))).toEqual(
    'B0 B1 B2 B3 B4 B5 B6 B7 V2B0 V2B1 V2B2 V2B3 V2S V2M V2L'.split(' '),
  );
});

describe.each(byName)('the card of %s', (name, card) => {
  it('names layers that there are, of the stated width', async () => {
    await withNetwork(name, { inputShape: [32, 32, 3] }, (model) => {
      const first = model.layers.find((layer) => layer.getClassName() === 'Conv2D')!;
      expect(first.name).toBe(card.firstConvolution);
      expect(model.layers.at(-1)!.name).toBe(card.classifier);
      expect(model.getLayer(card.features.layer).outputShape).toEqual([null, 1, 1, card.features.width]);
      expect(model.countParams()).toBe(card.parameters.top);
    });
    await withNetwork(name, small, (model) => {
      expect(model.layers.at(-1)!.name).toBe(card.features.layer);
      expect(model.countParams()).toBe(card.parameters.noTop);
    });
  });

  it.skipIf(zooReference === undefined)('says what the reference says', () => {
    const reference = referenceOf(card);
    expect(card.inputSize).toEqual({ default: reference.defaultInputSize, minimum: reference.minInputSize });
    // Pictures of 0 to 255 go in; what becomes of them is in the network.
    expect(card.preprocessing).toBe('none');
    expect(reference.preprocessing).toBe(
      { torch: 'builtinTorch', symmetric128: 'builtinV2', none: 'builtinEfficientNet' }[
        (card.builtinPreprocessing ?? 'none') as 'torch' | 'symmetric128' | 'none'
      ],
    );
    expect(reference.weightsLicence).toBeNull();
    expect(card.licence).toBe('not stated by the publisher (weights)');
    const { top1, top5 } = reference.accuracy.docsTable!;
    expect(card.accuracy).toEqual({ top1, top5 });
    expect(card.weights).toEqual([
      weightFileOf('top', reference.weights.top),
      weightFileOf('noTop', reference.weights.noTop),
    ]);
  });

  itHasTheWeightsOfTheReference(name);
});

describe('the padding before strided convolutions', () => {
  it('follows the parity of the input: odd sides the same on both ends, even ones a pixel less at the start', () => {
    const odd = build('efficientnetb0', { includeTop: false, inputShape: [33, 46, 3] });
    expect(configOf(odd, 'stem_conv_pad').padding).toEqual([
      [1, 1],
      [0, 1],
    ]);
    // 17 x 23 after the stem.
    expect(configOf(odd, 'block2a_dwconv_pad').padding).toEqual([
      [1, 1],
      [1, 1],
    ]);
    // 9 x 12, with a 5x5 kernel.
    expect(configOf(odd, 'block3a_dwconv_pad').padding).toEqual([
      [2, 2],
      [1, 2],
    ]);
  });

  it('gives the same sizes as TensorFlow\'s "same" for every parity', () => {
    for (const side of [32, 33, 34, 35, 47, 63, 64, 65]) {
      const model = build('efficientnetb0', { includeTop: false, inputShape: [side, 32, 3] });
      expect(model.outputs[0]!.shape[1]).toBe(Math.ceil(side / 32));
    }
  });

  it('is wrong nowhere at the default sizes that are not multiples of 32', () => {
    const b1 = build('efficientnetb1', { includeTop: false });
    expect(configOf(b1, 'block6a_dwconv_pad').padding).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });
});

describe('what the networks do to pictures themselves', () => {
  it('is always a part of EfficientNet, which therefore does not take includePreprocessing', () => {
    expect(() => build('efficientnetb0', { includePreprocessing: false })).toThrowError(
      expect.objectContaining({ code: 'MODEL_OPTION', given: 'includePreprocessing: false' }),
    );
  });

  it.each([
    ['efficientnetv2b0', ['rescaling', 'normalization']],
    ['efficientnetv2s', ['rescaling']],
  ])('can be left out of %s, which has the same weights then', (name, layers) => {
    const names = (model: tf.LayersModel) => model.layers.map((layer) => layer.name);
    const prepared = build(name, small);
    const bare = build(name, { ...small, includePreprocessing: false });
    expect(names(prepared).slice(0, layers.length + 2)).toEqual(['input_layer', ...layers, 'stem_conv']);
    expect(names(bare)).toEqual(names(prepared).filter((layer) => !layers.includes(layer)));
    expect(shapeDigest(bare)).toBe(shapeDigest(prepared));
  });

  it.each([
    [
      'efficientnetv2b0',
      (value: number, channel: number) => (value / 255 - MEAN[channel]!) / DEVIATION[channel]!,
    ],
    ['efficientnetv2s', (value: number) => value / 128 - 1],
  ])('is in %s what its card says, so that pictures prepared outside end the same', async (name, prepare) => {
    const shape = [33, 40, 3] as const;
    const pictures = seededPictures(shape, true);
    const outside = pictures.map((value, index) => prepare(value, index % 3));
    const outputs: Float32Array[] = [];
    for (const includePreprocessing of [true, false]) {
      const model = build(name, {
        includeTop: false,
        pooling: 'avg',
        inputShape: shape,
        includePreprocessing,
      });
      fillWithSeededWeights(tf, model, GAIN);
      const compiled = await compileModel(model, { engine: 'tfjs' });
      const [output] = await compiled.run(includePreprocessing ? pictures : outside, [2, ...shape]);
      outputs.push(output!.data);
      await compiled.dispose();
    }
    const [inside, outsideOutput] = outputs as [Float32Array, Float32Array];
    const range = Math.max(...inside) - Math.min(...inside);
    expect(range).toBeGreaterThan(0.1);
    const largest = Math.max(...inside.map((value, i) => Math.abs(value - outsideOutput[i]!)));
    expect(largest / range).toBeLessThan(1e-4);
  });
});

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

describe('stochastic depth', () => {
  it('grows from block to block of EfficientNetB0 towards 0.2, by whole pictures', () => {
    const model = build('efficientnetb0', small);
    // The blocks with a shortcut, of 16.
    const expected = [2, 4, 6, 7, 9, 10, 12, 13, 14].map((block) => (0.2 * block) / 16);
    expect(dropRates(model)).toEqual(expected);
    expect(configOf(model, 'block2b_drop').noiseShape).toEqual([null, 1, 1, 1]);
  });

  it('has the denominator of the table in V2, whatever the depth, as in Keras', () => {
    // 32 blocks stand in EfficientNetV2B3, 21 in the table.
    expect(Math.max(...dropRates(build('efficientnetv2b3', small)))).toBeCloseTo((0.2 * 31) / 21, 12);
  });

  it('leaves blocks out of some pictures of a batch in training, and makes up for it in the others', () => {
    const before = tf.memory().numTensors;
    const layer = tf.layers.dropout({
      rate: 0.5,
      noiseShape: [null, 1, 1, 1] as unknown as number[],
      seed: 3,
    });
    tf.tidy(() => {
      const dropped = layer.apply(tf.ones([64, 2, 2, 3]), { training: true }) as tf.Tensor;
      const pictures = dropped.reshape([64, 12]).arraySync() as number[][];
      const kept = pictures.filter((picture) => picture.every((value) => value === 2));
      const left = pictures.filter((picture) => picture.every((value) => value === 0));
      expect(kept.length).toBeGreaterThan(10);
      expect(left.length).toBeGreaterThan(10);
      expect(kept.length + left.length).toBe(64);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(['efficientnetb0', 'efficientnetv2b0'])('%s from random weights', (name) => {
  const fresh = { ...small, inputShape: [32, 32, 3] } as const;

  it("draws kernels as Keras does: convolutions within two deviations of He's by fan out", () => {
    const model = build(name, fresh, { kernel: 'glorotUniform', seed: 5 });
    const kernel = model.getLayer('top_conv').getWeights()[0]!;
    const [, , , filters] = kernel.shape as [number, number, number, number];
    const values = kernel.dataSync<'float32'>();
    const deviation = Math.sqrt(2 / filters);
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    expect(Math.sqrt(squares / values.length) / deviation).toBeCloseTo(1, 2);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // Cut off at two deviations of the uncut distribution.
    expect(largest / deviation).toBeLessThan(2 / 0.8796 + 1e-3);
    expect(largest / deviation).toBeGreaterThan(2.2);
  });

  it('is the same for the same seed, and another for another', () => {
    const first = (seed: number) =>
      build(name, fresh, { kernel: 'glorotUniform', seed }).getLayer('stem_conv').getWeights()[0]!.dataSync();
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
  });
});

describe('a step of training', () => {
  it.each([
    ['efficientnetb0', undefined],
    // The earlier layers are frozen, which saves most of the time.
    ['efficientnetv2b0', 'block6a_expand_conv'],
  ])(
    'changes the trainable weights of %s and leaves no tensors behind',
    async (name, trainFrom) => {
      const backend = tf.getBackend();
      // The exact backend, which has every gradient.
      await tf.setBackend('cpu');
      onTestFinished(async () => void (await tf.setBackend(backend)));
      const model = build(
        name,
        { inputShape: [32, 32, 3], classes: 2 },
        { kernel: 'glorotUniform', seed: 1 },
      );
      const from = trainFrom === undefined ? 0 : model.layers.findIndex((layer) => layer.name === trainFrom);
      model.layers.slice(0, from).forEach((layer) => (layer.trainable = false));
      const optimizer = tf.train.sgd(0.1);
      model.compile({ optimizer, loss: 'categoricalCrossentropy' });
      const pictures = tf.tensor4d(seededPictures([32, 32, 3], true), [2, 32, 32, 3]);
      const labels = tf.tensor2d([1, 0, 0, 1], [2, 2]);
      const kernels = model.layers.filter((layer) => layer.weights.some(({ shape }) => shape.length > 1));
      const valuesOf = (layer: tf.layers.Layer) => layer.getWeights()[0]!.dataSync().slice();
      const old = kernels.map(valuesOf);
      const before = tf.memory().numTensors;
      // Dropout and stochastic depth draw from it: of two pictures of 32 pixels, some draws leave a kernel without a gradient.
      const draws = vi.spyOn(Math, 'random').mockImplementation(createRandom(1));
      const loss = await model.trainOnBatch(pictures, labels).finally(() => draws.mockRestore());
      expect(Number.isFinite(loss)).toBe(true);
      expect(tf.memory().numTensors).toBe(before);
      const changed = kernels.filter((layer, index) => {
        const values = valuesOf(layer);
        expect(values.every(Number.isFinite), layer.name).toBe(true);
        return values.some((value, at) => value !== old[index]![at]);
      });
      const trained = kernels.filter((layer) => model.layers.indexOf(layer) >= from);
      expect(changed.every((layer) => trained.includes(layer))).toBe(true);
      // Stochastic depth may leave a block out of both pictures: then, and only then, all its kernels are as they were.
      const blockOf = (layer: tf.layers.Layer) => /^block\d[a-z]_/.exec(layer.name)?.[0];
      const kept = trained.filter((layer) => !changed.includes(layer));
      for (const block of new Set(kept.map(blockOf))) {
        expect(model.layers.map((layer) => layer.name)).toContain(`${block}drop`);
        const all = trained.filter((layer) => blockOf(layer) === block);
        expect(kept.filter((layer) => blockOf(layer) === block)).toEqual(all);
      }
      // At a rate of at most 0.2 for each picture this many at once would be another reason.
      expect(kept.length).toBeLessThan(0.5 * trained.length);
      tf.dispose([pictures, labels]);
      optimizer.dispose();
    },
    120_000,
  );
});

describe('options that are refused', () => {
  it.each<[BuildOptions, string]>([
    [{ inputShape: [31, 64, 3] }, '[height, width, 3] with whole sides of at least 32 pixels'],
    [{ classes: 0 }, 'a whole number of at least 1'],
    [{ alpha: 0.5 }, 'no such option for this network'],
    [{ dropout: 0.1 }, 'no such option for this network'],
  ])('%j', (options, expected) => {
    const before = tf.memory().numTensors;
    expect(() => build('efficientnetb0', options)).toThrowError(
      expect.objectContaining({ name: 'ModelError', code: 'MODEL_OPTION', expected }),
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('classes and pooling', () => {
  it.each(['efficientnetb0', 'efficientnetv2b0'])('of %s are as asked for', (name) => {
    expect(build(name, { inputShape: [32, 32, 3], classes: 7 }).outputs[0]!.shape).toEqual([null, 7]);
    for (const pooling of ['avg', 'max'] as const) {
      const model = build(name, { ...small, pooling });
      expect(model.layers.at(-1)!.name).toBe(`${pooling}_pool`);
      expect(model.outputs[0]!.shape).toEqual([null, 1280]);
    }
    const logits = build(name, { inputShape: [32, 32, 3], classifierActivation: null });
    expect(configOf(logits, 'predictions').activation).toBe('linear');
  });
});
