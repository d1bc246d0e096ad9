import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileModel, disposeModel, loadModel, summaryRows, summaryTotals } from '../../src/node.ts';
import { createFeatureExtractor } from '../../src/transfer/extract-features.ts';
import { platform } from '../../src/platform.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import { findModel } from '../../zoo/registry.ts';
import { itHasTheWeightsOfTheReference, withNetwork } from '../support/describe-family.ts';
import { parityModule } from '../support/keras-parity.ts';
import { seededImage } from '../support/seeded.ts';
import { referenceOf, weightFileOf, zooReference } from '../support/zoo-reference.ts';

const { fillWithSeededWeights, leafLayers } = await parityModule('seeded-weights.mjs');

const names = ['convnexttiny', 'convnextsmall', 'convnextbase', 'convnextlarge', 'convnextxlarge'];
const small = { inputShape: [33, 47, 3] } as const;
const GAIN = 0.8;
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

const picture = seededImage(33, 47, 7);
const normalised = picture.map((value, index) => (value / 255 - MEAN[index % 3]!) / DEVIATION[index % 3]!);

interface Output {
  readonly shape: number[];
  readonly data: Float32Array;
}

function run(model: tf.LayersModel, input: Float32Array): Output {
  const output = tf.tidy(() => {
    const predicted = model.predict(tf.tensor4d(input, [1, 33, 47, 3])) as tf.Tensor;
    return { shape: predicted.shape, data: predicted.dataSync<'float32'>().slice() };
  });
  return output;
}

const tiny = <Result>(options: BuildOptions, use: (model: tf.LayersModel) => Result) =>
  withNetwork('convnexttiny', { ...small, ...options }, (model) => {
    fillWithSeededWeights(tf, model, GAIN);
    return use(model);
  });

function differenceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index]!)));
}

beforeAll(() => platform().prepareTfjs());

describe.each(names)('the card of %s', (name) => {
  const { card } = findModel(name);

  it('names layers that there are, of the stated width', async () => {
    for (const includeTop of [true, false]) {
      await withNetwork(name, { includeTop }, (model) => {
        const leaves = [...leafLayers(model.layers)];
        const first = leaves.find((layer) => layer.weights.length > 0)!;
        expect(first.name).toBe(card.firstConvolution);
        expect(first.getClassName()).toBe('Conv2D');
        expect(model.layers.some((layer) => layer.name === card.classifier)).toBe(includeTop);
        const { layer, withTop, width } = card.features;
        const shape = includeTop ? [null, width] : [null, 7, 7, width];
        expect(model.getLayer(includeTop ? withTop! : layer).outputShape).toEqual(shape);
        if (!includeTop) expect(model.layers.at(-1)!.name).toBe(layer);
        expect(model.countParams()).toBe(card.parameters[includeTop ? 'top' : 'noTop']);
        if (includeTop) expect(model.layers.at(-1)!.name).toBe(card.classifier);
      });
    }
  });

  it.skipIf(zooReference === undefined)('says what the reference says', () => {
    const reference = referenceOf(card);
    expect(card.inputSize).toEqual({
      default: reference.defaultInputSize,
      minimum: reference.minInputSize,
    });
    expect(reference.preprocessing).toBe('builtinTorch255');
    expect(card).toMatchObject({ preprocessing: 'none', builtinPreprocessing: 'torch' });
    // Nobody states top-5, nor a licence of the weights.
    expect(card.accuracy).toEqual({ top1: reference.accuracy.docsTable!.top1 });
    expect(reference.weightsLicence).toBeNull();
    expect(card.licence).toContain('not stated');
    const { top, noTop } = reference.params;
    expect(card.parameters).toEqual({ top: top.total, noTop: noTop.total });
    expect(card.weights).toEqual([
      weightFileOf('top', reference.weights.top),
      weightFileOf('noTop', reference.weights.noTop),
    ]);
  });

  itHasTheWeightsOfTheReference(name);
});

describe('the options of ConvNeXt', () => {
  it.each(['avg', 'max'] as const)('pooling %s comes before the last normalisation', async (pooling) => {
    const last = 'convnext_tiny_stage_3_block_2_add';
    const { map, vector, name } = await tiny({ includeTop: false, pooling }, (model) => {
      const cut = tf.model({ inputs: model.inputs, outputs: model.getLayer(last).output });
      return { map: run(cut, picture), vector: run(model, picture), name: model.layers.at(-1)!.name };
    });
    const pooled = await tiny({ includeTop: false, pooling }, (model) => {
      const normalization = model.getLayer(name);
      return tf.tidy(() => {
        const all = tf.tensor(map.data, map.shape);
        const value = pooling === 'avg' ? tf.mean(all, [1, 2]) : tf.max(all, [1, 2]);
        return (normalization.apply(value) as tf.Tensor).dataSync().slice();
      });
    });
    expect(name).toBe('layer_normalization');
    expect(vector.shape).toEqual([1, 768]);
    expect(new Set(vector.data).size).toBeGreaterThan(700);
    expect(differenceOf(vector.data, pooled)).toBeLessThan(1e-4);
  });

  it('takes 0 to 255 with its preprocessing, and what mode torch makes of it without', async () => {
    const inside = await tiny({}, (model) => run(model, picture).data);
    const outside = await tiny({ includePreprocessing: false }, (model) => {
      expect(model.layers.some((layer) => layer.getClassName() === 'Normalization')).toBe(false);
      return run(model, normalised).data;
    });
    expect(differenceOf(inside, outside)).toBeLessThan(1e-5);
    const wrong = await tiny({ includePreprocessing: false }, (model) => run(model, picture).data);
    expect(differenceOf(inside, wrong)).toBeGreaterThan(1e-3);
  });

  it('gives as many classes as asked for, as logits where the activation is linear', async () => {
    const probabilities = await tiny({ classes: 7 }, (model) => run(model, picture));
    expect(probabilities.shape).toEqual([1, 7]);
    const logits = await tiny({ classes: 7, classifierActivation: 'linear' }, (model) => run(model, picture));
    const powers = Array.from(logits.data, Math.exp);
    const sum = powers.reduce((all, power) => all + power, 0);
    expect(
      differenceOf(
        probabilities.data,
        powers.map((power) => power / sum),
      ),
    ).toBeLessThan(1e-5);
  });

  it('refuses pictures below 32 pixels and options of other networks', () => {
    const { card, build } = findModel('convnexttiny');
    for (const refused of [{ inputShape: [31, 32, 3] }, { alpha: 0.5 }, { includePreprocessing: 'no' }]) {
      expect(() => build(card, refused as unknown as BuildOptions, { kernel: 'zeros' })).toThrow(
        expect.objectContaining({ code: 'MODEL_OPTION' }),
      );
    }
  });

  it('starts its random weights as Keras does: scales of 1e-6, zeros for biases, Glorot for kernels', () => {
    const { card, build } = findModel('convnexttiny');
    const model = build(card, small, { kernel: 'glorotUniform', seed: 5 });
    const valuesOf = (name: string, index: number) => {
      const layer = [...leafLayers(model.layers)].find((each) => each.name === name)!;
      return layer.weights[index]!.read();
    };
    const block = 'convnext_tiny_stage_3_block_2';
    expect(new Set(valuesOf(`${block}_layer_scale`, 0).dataSync())).toEqual(new Set([Math.fround(1e-6)]));
    expect(new Set(valuesOf(`${block}_pointwise_conv_1`, 1).dataSync())).toEqual(new Set([0]));
    for (const [name, fans] of [
      [`${block}_pointwise_conv_1`, 768 + 3072],
      [`${block}_depthwise_conv`, 49 + 49 * 768],
      ['convnext_tiny_stem_conv', 16 * (3 + 96)],
    ] as const) {
      const limit = Math.sqrt(6 / fans);
      const values = valuesOf(name, 0).dataSync<'float32'>();
      let largest = 0;
      for (const value of values) largest = Math.max(largest, Math.abs(value));
      expect(largest).toBeLessThanOrEqual(limit * 1.0001);
      expect(largest).toBeGreaterThan(limit * 0.97);
    }
    model.dispose();
  });
});

describe('the models inside ConvNeXt', () => {
  const inner = [
    'convnext_tiny_stem',
    'convnext_tiny_downsampling_block_0',
    'convnext_tiny_downsampling_block_1',
    'convnext_tiny_downsampling_block_2',
  ];

  it('are sequential ones that hold one group of weights each, as in the files of Keras', async () => {
    await withNetwork('convnexttiny', {}, (model) => {
      const nested = model.layers.filter((layer) => layer.getClassName() === 'Sequential');
      expect(nested.map((layer) => layer.name)).toEqual(inner);
      expect(nested.map((layer) => layer.weights.map((weight) => weight.shape))).toEqual([
        [[4, 4, 3, 96], [96], [96], [96]],
        [[96], [96], [2, 2, 96, 192], [192]],
        [[192], [192], [2, 2, 192, 384], [384]],
        [[384], [384], [2, 2, 384, 768], [768]],
      ]);
    });
  });

  it('freeze and thaw with the network, and alone', async () => {
    await withNetwork('convnexttiny', small, (model) => {
      const all = model.trainableWeights.length;
      expect(all).toBe(182);
      model.trainable = false;
      expect(model.trainableWeights).toHaveLength(0);
      model.trainable = true;
      model.getLayer('convnext_tiny_stem').trainable = false;
      expect(model.trainableWeights).toHaveLength(all - 4);
      // The order of the weights is that of the file, frozen or not.
      expect(model.getLayer('convnext_tiny_stem').weights.map(({ shape }) => shape[0])).toEqual([
        4, 96, 96, 96,
      ]);
    });
  });

  it('keep their weights through fit when they are frozen, while the others move', async () => {
    // tfjs's wasm backend lacks gradients that this takes. The first stage is enough for the slower one.
    const backend = tf.getBackend();
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const { card, build } = findModel('convnexttiny');
    const model = build(card, small, { kernel: 'glorotUniform', seed: 1 });
    const [frozen, moving] = [inner[0]!, inner[1]!];
    model.getLayer(frozen).trainable = false;
    // Its first output is that of the sequential model by itself.
    const output = model.getLayer(moving).getOutputAt(1);
    const stage = tf.model({ inputs: model.inputs, outputs: output });
    const optimizer = tf.train.sgd(0.5);
    stage.compile({ optimizer, loss: 'meanSquaredError' });
    const weightsOf = (name: string) =>
      model.getLayer(name).weights.map((weight) => Array.from(weight.read().dataSync<'float32'>()));
    const start = { frozen: weightsOf(frozen), moving: weightsOf(moving) };
    const [x, y] = [tf.tensor4d(picture, [1, 33, 47, 3]), tf.ones([1, 4, 5, 192])];
    await stage.fit(x, y, { epochs: 1, verbose: 0 });
    expect(weightsOf(frozen)).toEqual(start.frozen);
    weightsOf(moving).forEach((values, index) => expect(values).not.toEqual(start.moving[index]));
    optimizer.dispose();
    tf.dispose([x, y]);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    await tf.setBackend(backend);
  });

  it('are saved with the network, and come back by plain tf.loadLayersModel on both engines', async () => {
    const before = tf.memory().numTensors;
    const { expected, artifacts } = await tiny({ classes: 5 }, async (model) => {
      const output = run(model, picture);
      let saved: tf.io.ModelArtifacts | undefined;
      await model.save(
        tf.io.withSaveHandler((made) => {
          saved = made;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' },
          });
        }),
      );
      return { expected: output, artifacts: saved! };
    });
    const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
    expect(differenceOf(run(model, picture).data, expected.data)).toBe(0);
    for (const engine of ['onnx', 'tfjs'] as const) {
      const compiled = await compileModel(model, { engine, outputs: [...inner, model.layers.at(-1)!.name] });
      const results = await compiled.run(picture, [1, 33, 47, 3]);
      await compiled.dispose();
      expect(results.map(({ shape }) => shape)).toEqual([
        [1, 8, 11, 96],
        [1, 4, 5, 192],
        [1, 2, 2, 384],
        [1, 1, 1, 768],
        [1, 5],
      ]);
      expect(differenceOf(results.at(-1)!.data, expected.data)).toBeLessThan(1e-5);
    }
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are opened by summary, with the multiply-adds that the paper states', async () => {
    for (const [name, billions] of [
      ['convnexttiny', 4.5],
      ['convnextsmall', 8.7],
      ['convnextbase', 15.4],
      ['convnextlarge', 34.4],
      ['convnextxlarge', 60.9],
    ] as const) {
      await withNetwork(name, {}, (model) => {
        const rows = summaryRows(model);
        const stem = rows.find((row) => row.name.endsWith('_stem'))!;
        expect(stem.nested).toMatchObject({
          rows: 2,
          parameters: (16 * 3 + 3) * stem.outputShapes[0]!.at(-1)!,
        });
        const totals = summaryTotals(model, rows);
        expect(totals.parameters).toBe(model.countParams());
        expect((totals.multiplyAdds ?? 0) / 1e9).toBeCloseTo(billions, 0.5);
      });
    }
  });
});

it('lends its last normalisation to a new head, with and without top', async () => {
  for (const [includeTop, pooling, layer] of [
    [true, null, 'convnext_tiny_head_layernorm'],
    [false, null, 'layer_normalization'],
    [false, 'avg', 'layer_normalization'],
  ] as const) {
    const model = await loadModel('convnexttiny', { ...small, weights: null, seed: 1, includeTop, pooling });
    const extractor = await createFeatureExtractor(model);
    expect(extractor).toMatchObject({ featureLayer: layer, width: 768 });
    await extractor.dispose();
    await disposeModel(model);
  }
});

it('is built twice with the same names, for odd sizes too, and leaves no tensors', async () => {
  const before = tf.memory().numTensors;
  const built = (inputShape: [number, number, number]) =>
    withNetwork('convnexttiny', { includeTop: false, inputShape }, (model) => ({
      names: model.layers.map((layer) => layer.name),
      shape: model.outputShape,
    }));
  const first = await built([32, 32, 3]);
  expect(first.shape).toEqual([null, 1, 1, 768]);
  expect(new Set(first.names).size).toBe(first.names.length);
  const second = await built([95, 225, 3]);
  expect(second).toEqual({ names: first.names, shape: [null, 2, 7, 768] });
  expect(tf.memory().numTensors).toBe(before);
});
