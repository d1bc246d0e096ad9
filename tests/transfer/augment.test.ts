import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import '../../src/node.ts';
import type { AugmentOptions } from '../../src/transfer/augment.ts';
import { augmentPixels, checkAugmentOptions } from '../../src/transfer/augment.ts';
import { colourMatrix, recolour, toneTable } from '../../src/transfer/augment-colours.ts';
import { cutTurned } from '../../src/transfer/augment-geometry.ts';
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

describe('further options', () => {
  const still = { horizontalFlip: false, minimumArea: 1, colour: 0 };
  const variants = (options: AugmentOptions, pixels = ramp(16, 12)) =>
    Array.from({ length: 60 }, (_, seed) =>
      augmentPixels(pixels, createRandom(seed), { ...still, ...options }),
    );

  it("leave a seed's crop, mirroring and tone as they were without them", () => {
    const pixels = ramp(40, 30);
    const { data, width, height } = augmentPixels(pixels, createRandom(11));
    // Taken from the six draws of the first version.
    expect([width, height, ...data.subarray(0, 9)]).toEqual([36, 27, 0, 0, 146, 1, 0, 146, 2, 0, 146]);
    const none = {
      verticalFlip: false,
      rotation: 0,
      saturation: 0,
      hue: 0,
      cutout: 0,
      ratio: [1, 1],
    } as const;
    expect(augmentPixels(pixels, createRandom(11), none)).toEqual({ data, width, height });
  });

  it('turn half of the pictures upside down', () => {
    const turned = variants({ verticalFlip: true }).filter(({ data }) => data[1] === 11).length;
    expect(turned).toBeGreaterThan(15);
    expect(turned).toBeLessThan(45);
  });

  it('change the shape of the crop within its bounds, not its area', () => {
    const ratios = variants({ minimumArea: 0.25, ratio: [0.5, 2] }, ramp(200, 200)).map(
      ({ width, height }) => width / height,
    );
    expect(Math.min(...ratios)).toBeGreaterThan(0.48);
    expect(Math.max(...ratios)).toBeLessThan(2.05);
    expect(Math.max(...ratios) / Math.min(...ratios)).toBeGreaterThan(2);
  });

  it('turn about the centre, by a quarter exactly', () => {
    const pixels = ramp(9, 9);
    const turned = cutTurned(
      pixels,
      { left: 0, top: 0, width: 9, height: 9, mirrored: false, upsideDown: false },
      Math.PI / 2,
    );
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 9; x++) {
        expect([...turned.data.subarray((y * 9 + x) * 3, (y * 9 + x) * 3 + 2)]).toEqual([8 - y, x]);
      }
    }
    for (const { data } of variants(
      { rotation: 20 },
      { data: new Uint8Array(300).fill(77), width: 10, height: 10 },
    )) {
      expect(data.every((value) => value === 77)).toBe(true);
    }
  });

  it('shift hue and saturation, but leave greys', () => {
    const grey = { data: new Uint8Array(12).fill(90), width: 2, height: 2 };
    for (const { data } of variants({ saturation: 1, hue: 0.5 }, grey)) {
      expect(data.every((value) => Math.abs(value - 90) <= 1)).toBe(true);
    }
    const red = { data: Uint8Array.of(200, 20, 20), width: 1, height: 1 };
    const third = new Uint8Array(red.data);
    recolour(third, toneTable(1, 1), colourMatrix(1, (2 * Math.PI) / 3));
    expect([...third]).toEqual([20, 200, 20]);
    const faded = new Uint8Array(red.data);
    recolour(faded, toneTable(1, 1), colourMatrix(0, 0));
    expect([...faded]).toEqual([74, 74, 74]);
  });

  it('blot out a rectangle of the mean colour, at most of the share', () => {
    const pixels = ramp(100, 100);
    const shares = variants({ cutout: 0.3 }, pixels).map(({ data }) => {
      const changed = data.filter((value, at) => at % 3 === 0 && value !== pixels.data[at]).length;
      return changed / 10_000;
    });
    expect(Math.max(...shares)).toBeLessThan(0.32);
    expect(Math.max(...shares)).toBeGreaterThan(0.2);
  });

  it.each([
    [{ minimumArea: 0 }, 'USAGE_ARGUMENT'],
    [{ colour: 1.1 }, 'USAGE_ARGUMENT'],
    [{ rotation: -1 }, 'USAGE_ARGUMENT'],
    [{ rotation: NaN }, 'USAGE_ARGUMENT'],
    [{ hue: 0.6 }, 'USAGE_ARGUMENT'],
    [{ ratio: [2, 1] as const }, 'USAGE_ARGUMENT'],
    [{ cutout: '1' as never }, 'USAGE_ARGUMENT'],
    [{ verticalFlip: 1 as never }, 'USAGE_ARGUMENT'],
    [{ rotate: 10 } as never, 'USAGE_OPTION'],
  ])('refuses %o', (options, code) => {
    expect(() => checkAugmentOptions(options)).toThrow(expect.objectContaining({ code }));
  });

  it('may be left undefined', () => {
    expect(() => checkAugmentOptions({ rotation: undefined, minimumArea: undefined })).not.toThrow();
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
