import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import '../../src/node.ts';
import { augmentPixels } from '../../src/transfer/augment.ts';
import { augmentedDecoder } from '../../src/transfer/augmented-decoder.ts';
import { noisyPicture } from '../support/tiny-model.ts';

/** Red counts columns, green counts rows. */
function ramp(width: number, height: number) {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([x, y, 128], (y * width + x) * 3);
  return { data, width, height };
}

describe('augmentation', () => {
  it('without crop, mirror and colour, it changes nothing', () => {
    const pixels = ramp(20, 10);
    expect(
      augmentPixels(pixels, createRandom(1), { horizontalFlip: false, minimumArea: 1, colour: 0 }),
    ).toEqual(pixels);
  });
  it('mirrors about half of the pictures, left to right', () => {
    const pixels = ramp(8, 4);
    let mirrored = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { data } = augmentPixels(pixels, createRandom(seed), { minimumArea: 1, colour: 0 });
      const row = Array.from({ length: 8 }, (_, x) => data[x * 3]);
      if (row[0] === 7) mirrored++;
      expect(row).toEqual(row[0] === 7 ? [7, 6, 5, 4, 3, 2, 1, 0] : [0, 1, 2, 3, 4, 5, 6, 7]);
    }
    expect(mirrored).toBeGreaterThan(70);
    expect(mirrored).toBeLessThan(130);
  });
  it('crops a part of at least the asked area, in one piece, anywhere', () => {
    const lefts = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const { data, width, height } = augmentPixels(ramp(100, 80), createRandom(seed), {
        horizontalFlip: false,
        minimumArea: 0.5,
        colour: 0,
      });
      expect(width * height).toBeGreaterThan(0.48 * 8000);
      expect(data[3]! - data[0]!).toBe(1);
      expect(data[width * 3 + 1]! - data[1]!).toBe(1);
      lefts.add(data[0]!);
    }
    expect(lefts.size).toBeGreaterThan(10);
  });
  it('keeps a picture of one pixel whole, and colours within 0 to 255', () => {
    const { data, width, height } = augmentPixels(
      { data: Uint8Array.of(255, 0, 200), width: 1, height: 1 },
      createRandom(2),
      { colour: 0.9 },
    );
    expect([width, height, data.length]).toEqual([1, 1, 3]);
  });
});

describe('decoding with augmentation', () => {
  const recipe = {
    inputSize: [24, 30],
    preprocessing: 'none',
    resize: { mode: 'fill', filter: 'bilinear', cropFraction: 1 },
  } as const;
  let picture: Buffer;
  beforeAll(async () => {
    picture = await noisyPicture([120, 90, 60], 1);
  });

  it('comes at the size of the network, and varies with the seed and with the place of the picture', async () => {
    const draw = (seed: number, index: number) => augmentedDecoder(recipe, seed, {})(picture, index);
    const first = await draw(1, 0);
    expect([first.width, first.height]).toEqual([30, 24]);
    expect(await draw(1, 0)).toEqual(first);
    expect((await draw(1, 1)).data).not.toEqual(first.data);
    expect((await draw(2, 0)).data).not.toEqual(first.data);
  });
});
