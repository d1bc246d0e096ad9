import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  classify,
  convert,
  disposeModel,
  fineTune,
  getMetadata,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { writeOfficialFile } from './official-files.ts';
import { readGolden } from './keras-parity.ts';
import { seededImage } from './seeded.ts';

const pictureOf = (seed: number, light: number) => ({
  width: 90,
  height: 70,
  data: Uint8Array.from(seededImage(70, 90, seed), (value) => value * light),
});
const picture = pictureOf(3, 1);

/** Converts a weights file of Keras's layout and holds the result to the network that loads it by its name. */
export function describeConverted(name: string): void {
  describe(`the weights of ${name}, converted`, () => {
    let folder: string;
    let file: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dovecote-convert-zoo-'));
      file = join(folder, `${name}.h5`);
      await writeOfficialFile(file, await readGolden(name), true);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it.each([
      ['recognised', {}],
      ['named', { architecture: name }],
    ])('are the network that loads them by its name, %s', async (how, options) => {
      const before = tf.memory().numTensors;
      const output = join(folder, `${name}-${how}`);
      const { architecture } = await convert(file, output, options);
      expect(architecture).toBe(name);
      const [converted, named] = [await loadModel(output), await loadModel(name, { weights: file })];
      expect(getMetadata(converted)).toEqual(getMetadata(named));
      expect(converted.layers.map((layer) => layer.name)).toEqual(named.layers.map((layer) => layer.name));
      const [ours, theirs] = [
        await classify(picture, { model: converted }),
        await classify(picture, { model: named }),
      ];
      expect(ours).toEqual(theirs);
      // All alike would say nothing.
      expect(theirs.predictions[0]!.probability).toBeGreaterThan(1.1 / 1000);
      await disposeModel(converted);
      await disposeModel(named);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

/** Trains a head on a network with weights from a file, saves it, and loads it again. */
export function describeFineTuned(name: string): void {
  describe(`a new head on ${name}`, () => {
    it('tells light from dark, and does so after saving', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'dovecote-fine-tune-zoo-'));
      try {
        const weights = join(folder, `${name}.h5`);
        await writeOfficialFile(weights, await readGolden(name), false);
        const before = tf.memory().numTensors;
        const images = [1, 2, 3, 4].flatMap((seed) => [
          { image: pictureOf(seed, 1), label: 'light' },
          { image: pictureOf(seed, 0.2), label: 'dark' },
        ]);
        const { model } = await fineTune(name, images, {
          weights,
          epochs: 20,
          seed: 1,
          validationSplit: 0.25,
        });
        await saveModel(model, join(folder, 'model'));
        const saved = await loadModel(join(folder, 'model'));
        for (const [seed, light, label] of [
          [9, 1, 'light'],
          [9, 0.2, 'dark'],
        ] as const) {
          const ours = await classify(pictureOf(seed, light), { model });
          expect(ours.predictions[0]!.label).toBe(label);
          expect(await classify(pictureOf(seed, light), { model: saved })).toEqual(ours);
        }
        await disposeModel(saved);
        await disposeModel(model);
        expect(tf.memory().numTensors).toBe(before);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}
