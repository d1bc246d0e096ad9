import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify, convert, disposeModel, getMetadata, loadModel } from '../../src/node.ts';
import { writeOfficialFile } from '../support/official-files.ts';
import { readGolden } from '../support/keras-parity.ts';
import { seededImage } from '../support/seeded.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-convert-zoo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const picture = { width: 90, height: 70, data: Uint8Array.from(seededImage(70, 90, 3)) };

describe.each(['mobilenetv3small', 'efficientnetb0'])('the weights of %s, converted', (name) => {
  let file: string;
  beforeAll(async () => {
    file = join(folder, `${name}.h5`);
    await writeOfficialFile(file, await readGolden(name), true);
  });

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
