import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BuildOptions } from '../../zoo/build-options.ts';
import { findModel } from '../../zoo/registry.ts';
import { disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { parityModule, shapeDigest } from './keras-parity.ts';
import { seededImage } from './seeded.ts';
import { referenceOf, weightFileOf, zooReference } from './zoo-reference.ts';

const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');
/** Keeps activations sane in all networks; see tests/oracle/zoo_weights.py. */
const GAIN = 0.8;

export interface FamilyExpectations {
  /** What Keras calls the last layer of a network without top that is pooled. */
  readonly pooled: { readonly avg: string; readonly max: string };
  /** The name that is built and run for the options; by default the first one. */
  readonly tried?: string;
}

/** A network of the zoo with zeros for weights, which is disposed after `use`. */
export async function withNetwork<Result>(
  name: string,
  options: BuildOptions,
  use: (model: tf.LayersModel) => Result,
): Promise<Result> {
  const { card, build } = findModel(name);
  const model = build(card, options, { kernel: 'zeros' });
  try {
    return use(model);
  } finally {
    await disposeModel(model);
  }
}

/** What a network with seeded weights says of one seeded picture. */
function outputOf(name: string, options: BuildOptions): Promise<{ shape: number[]; data: Float32Array }> {
  return withNetwork(name, options, (model) => {
    fillWithSeededWeights(tf, model, GAIN);
    const [height, width] = model.inputs[0]!.shape.slice(1) as [number, number];
    const picture = seededImage(height, width, 7).map((value) => Math.fround(value / 127.5 - 1));
    const output = tf.tidy(() => {
      const predicted = model.predict(tf.tensor4d(picture, [1, height, width, 3])) as tf.Tensor;
      return { shape: predicted.shape, data: predicted.dataSync<'float32'>() };
    });
    // The tensors of the inner tidy are gone; the values are a copy.
    return { shape: output.shape, data: output.data.slice() };
  });
}

/** Parameters, shapes in their order, and the last feature map, with top and without. */
export function itHasTheWeightsOfTheReference(name: string): void {
  const { card } = findModel(name);
  it.skipIf(zooReference === undefined).each(['top', 'noTop'] as const)(
    'leads to a network with the weights of the reference, %s',
    async (variant) => {
      const { params, featureMapAtDefault } = referenceOf(card);
      const expected = params[variant];
      expect(card.parameters[variant]).toBe(expected.total);
      await withNetwork(name, { includeTop: variant === 'top' }, (model) => {
        expect(model.countParams()).toBe(expected.total);
        const trainable = model.trainableWeights.reduce(
          (sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]),
          0,
        );
        expect(trainable).toBe(expected.trainable);
        expect(shapeDigest(model)).toBe(expected.tensorShapeDigest);
        expect(model.layers.filter((layer) => layer.weights.length > 0)).toHaveLength(
          expected.weightedLayers,
        );
        // ConvNeXt's features are a vector in front of the classifier.
        const { layer, withTop } = card.features;
        if (variant === 'top' && withTop !== undefined) return;
        expect(model.getLayer(layer).outputShape).toEqual([null, ...featureMapAtDefault]);
      });
    },
  );
}

/** What the goldens do not hold: the cards, and the options of the builders. */
export function describeFamily(
  names: readonly string[],
  { pooled, tried = names[0]! }: FamilyExpectations,
): void {
  beforeAll(async () => {
    await platform().prepareTfjs();
  });

  describe.each(names)('the card of %s', (name) => {
    const { card } = findModel(name);

    it('names layers that there are, of the stated width', async () => {
      await withNetwork(name, {}, (model) => {
        const firstWithWeights = model.layers.find((layer) => layer.weights.length > 0)!;
        expect(firstWithWeights.name).toBe(card.firstConvolution);
        expect(firstWithWeights.getClassName()).toBe('Conv2D');
        expect(model.layers.at(-1)!.name).toBe(card.classifier);
        expect(model.outputShape).toEqual([null, 1000]);
        expect(model.getLayer(card.features.layer).outputShape).toMatchObject({ 3: card.features.width });
        expect(model.countParams()).toBe(card.parameters.top);
      });
      await withNetwork(name, { includeTop: false }, (model) => {
        expect(model.layers.at(-1)!.name).toBe(card.features.layer);
        expect(model.layers.every((layer) => layer.name !== card.classifier)).toBe(true);
        expect(model.outputShape).toMatchObject({ length: 4, 3: card.features.width });
        expect(model.countParams()).toBe(card.parameters.noTop);
      });
    });

    it.skipIf(zooReference === undefined)('says what the reference says', () => {
      const reference = referenceOf(card);
      expect(card.inputSize).toEqual({
        default: reference.defaultInputSize,
        minimum: reference.minInputSize,
      });
      expect(card.preprocessing).toBe(reference.preprocessing);
      expect(card.licence).toBe(`${reference.weightsLicence} (weights)`);
      const { top1, top5 } = reference.accuracy.docsTable!;
      expect(card.accuracy).toEqual({ top1, top5 });
      expect(card.features.width).toBe(reference.featureChannels);
      const { top, noTop } = reference.params;
      expect(card.parameters).toEqual({ top: top.total, noTop: noTop.total });
      expect(card.weights).toEqual([
        weightFileOf('top', reference.weights.top),
        weightFileOf('noTop', reference.weights.noTop),
      ]);
    });

    itHasTheWeightsOfTheReference(name);
  });

  describe(`the options of ${tried}`, () => {
    const { card, build } = findModel(tried);
    const size = card.inputSize.minimum;
    const inputShape: [number, number, number] = [size, size + 64, 3];

    it('ends in the average or the maximum of the last feature map when pooled, without top', async () => {
      const { shape, data: map } = await outputOf(tried, { includeTop: false, inputShape });
      const channels = card.features.width;
      expect(shape).toMatchObject({ length: 4, 3: channels });
      const places = map.length / channels;
      // A map of one place could not tell the average from the maximum.
      expect(places).toBeGreaterThan(1);
      const valuesOf = (channel: number) =>
        Array.from({ length: places }, (_, place) => map[place * channels + channel]!);
      const spread = Math.max(...map) - Math.min(...map);
      for (const pooling of ['avg', 'max'] as const) {
        const vector = await outputOf(tried, { includeTop: false, inputShape, pooling });
        expect(vector.shape).toEqual([1, channels]);
        const differences = Array.from(vector.data, (value, channel) => {
          const values = valuesOf(channel);
          const mean = values.reduce((sum, other) => sum + other, 0) / places;
          return Math.abs(value - (pooling === 'max' ? Math.max(...values) : mean));
        });
        expect(Math.max(...differences) / spread).toBeLessThan(1e-5);
        await withNetwork(tried, { includeTop: false, inputShape, pooling }, (model) => {
          expect(model.layers.at(-1)!.name).toBe(pooled[pooling]);
        });
      }
    });

    it('gives as many classes as asked for, as logits where the activation is linear or null', async () => {
      const options = { inputShape, classes: 7 };
      const probabilities = await outputOf(tried, options);
      expect(probabilities.shape).toEqual([1, 7]);
      for (const classifierActivation of ['linear', null] as const) {
        const logits = await outputOf(tried, { ...options, classifierActivation });
        const powers = Array.from(logits.data, Math.exp);
        const sum = powers.reduce((all, power) => all + power, 0);
        expect(Math.abs(sum - 1)).toBeGreaterThan(1e-3);
        powers.forEach((power, index) => expect(probabilities.data[index]!).toBeCloseTo(power / sum, 4));
      }
    });

    it('takes no picture below the minimum size', () => {
      for (const refused of [
        [size - 1, size, 3],
        [size, size - 1, 3],
      ] as [number, number, number][]) {
        expect(() => build(card, { includeTop: false, inputShape: refused }, { kernel: 'zeros' })).toThrow(
          expect.objectContaining({
            code: 'MODEL_OPTION',
            expected: expect.stringContaining(`at least ${size} pixels`) as string,
          }),
        );
      }
    });

    it('gives two networks of one process the same names, and keeps no tensors of either', async () => {
      const before = tf.memory().numTensors;
      const names = () => withNetwork(tried, {}, (model) => model.layers.map((layer) => layer.name));
      const first = await names();
      expect(new Set(first).size).toBe(first.length);
      expect(await names()).toEqual(first);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

/** Unnamed layers are numbered as they are made, and stand in Keras's files as they are sorted. */
export function describeWeightOrder(name: string): void {
  const { card } = findModel(name);
  it.skipIf(zooReference === undefined)(
    `keeps the weights of ${name} in the order of Keras's files`,
    async () => {
      const expected = zooReference!.weightLayerOrder[card.title]!;
      await withNetwork(name, {}, (model) => {
        expect(model.layers.filter((layer) => layer.weights.length > 0).map((layer) => layer.name)).toEqual(
          expected,
        );
      });
    },
  );
}
