import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { augmentSheet } from '../../src/node.ts';
import { spotsPng } from '../datasets/pictures.ts';
import { failureOf } from '../weights/setup.ts';

describe('a sheet of augmented pictures', () => {
  it('shows each picture and its variants, the same for the same seed', async () => {
    const tensors = tf.memory().numTensors;
    const images = [
      { image: await spotsPng(1), label: 'a', name: 'one' },
      { image: await spotsPng(2), label: 'b', name: 'two' },
      { image: new Uint8Array(9), label: 'b', name: 'broken' },
    ];
    const options = { columns: 3, rows: 3, base: 'efficientnet-lite0' };
    const sheet = await augmentSheet(images, options);
    expect([...sheet.images].sort()).toEqual(['one', 'two']);
    expect(sheet.skipped.map(({ image }) => image)).toEqual(['broken']);
    const { width, height } = await sharp(sheet.png).metadata();
    expect([width, height]).toEqual([4 * 164 - 4 + 8, 2 * 164 - 4]);
    expect((await augmentSheet(images, options)).png).toEqual(sheet.png);
    expect((await augmentSheet(images, { ...options, seed: 2 })).png).not.toEqual(sheet.png);
    const still = { horizontalFlip: false, minimumArea: 1, colour: 0 };
    const plain = await augmentSheet(images, { ...options, augment: still });
    const { data, info } = await sharp(plain.png).raw().toBuffer({ resolveWithObject: true });
    const cell = (left: number) =>
      Array.from({ length: 160 }, (_, x) => data[(80 * info.width + left + x) * info.channels]);
    expect(cell(172)).toEqual(cell(0));
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('refuses what it cannot draw', async () => {
    const images = [
      { image: new Uint8Array(9), label: 'a' },
      { image: new Uint8Array(9), label: 'b' },
    ];
    const codes = await Promise.all([
      failureOf(augmentSheet(images)),
      failureOf(augmentSheet(images, { columns: 0 })),
      failureOf(augmentSheet(images, { base: 'nonsense' })),
      failureOf(augmentSheet(images, { augment: { hue: 3 } })),
      failureOf(augmentSheet(images, { signal: AbortSignal.abort() })),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([
      'DATASET_EMPTY',
      'USAGE_ARGUMENT',
      'MODEL_UNKNOWN',
      'USAGE_ARGUMENT',
      'ABORTED',
    ]);
  });
});
