import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { findModel, listCards } from '../../zoo/registry.ts';
import { parityModule } from '../support/keras-parity.ts';

interface Parameters {
  /** `[momentum, epsilon]`, each pair once. */
  readonly batchNormalization: readonly (readonly [number, number])[];
  readonly layerNormalization: readonly number[];
  readonly dropout: readonly (readonly [
    name: string,
    rate: number,
    noiseShape: readonly (number | null)[] | null,
  ])[];
}

/** Of real Keras 3: tests/oracle/training_parameters.py. */
const goldens = JSON.parse(
  readFileSync(new URL('goldens/training-parameters.json', import.meta.url), 'utf8'),
) as Record<string, Parameters>;
const { leafLayers } = await parityModule('seeded-weights.mjs');

/** Each text once, sorted. */
const unique = (values: readonly unknown[]) =>
  [...new Set(values.map((value) => JSON.stringify(value)))].sort();

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe.each(Object.entries(goldens))('%s trains as in Keras', (name, expected) => {
  it('with the momentum and epsilon of its normalisations, and its dropouts', async () => {
    const { card, build } = findModel(name);
    const model = build(card, { inputShape: [96, 96, 3], classes: 2 }, { kernel: 'zeros' });
    try {
      const layers: tf.layers.Layer[] = [...leafLayers(model.layers)];
      const configsOf = (kind: string) =>
        layers.filter((layer) => layer.getClassName() === kind).map((layer) => layer.getConfig());
      const norms = configsOf('BatchNormalization').map(({ momentum, epsilon }) => [momentum, epsilon]);
      expect(unique(norms)).toEqual(unique(expected.batchNormalization));
      const layerNorms = configsOf('LayerNormalization').map(({ epsilon }) => epsilon);
      expect(unique(layerNorms)).toEqual(unique(expected.layerNormalization));
      const dropouts = configsOf('Dropout').map((config) => [config.name, config.noiseShape ?? null]);
      expect(dropouts).toEqual(expected.dropout.map(([layer, , noiseShape]) => [layer, noiseShape]));
      configsOf('Dropout').forEach(({ rate }, index) =>
        expect(rate, expected.dropout[index]![0]).toBeCloseTo(expected.dropout[index]![1], 9),
      );
    } finally {
      await disposeModel(model);
    }
  });
});

it('is known of every family of Keras Applications', () => {
  const families = new Set(Object.keys(goldens).map((name) => findModel(name).card.family));
  const others = ['efficientnet-lite', 'squeezenet'];
  const wanted = new Set(listCards().map(({ family }) => family));
  others.forEach((family) => wanted.delete(family));
  expect(families).toEqual(wanted);
});
