import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../src/base/types.ts';
import type { ResizeOptions } from '../../src/images/resize-options.ts';
import { resizePixels } from '../../src/images/resize.ts';
import { goldenJson, largestDifference, unpack } from './goldens.ts';

interface Goldens {
  sources: Record<string, { width: number; height: number; rgb: string }>;
  cases: { source: string; options: ResizeOptions; rgb: string }[];
}

const goldens = goldenJson<Goldens>('resizing.json');

function source(name: string): Pixels {
  const { width, height, rgb } = goldens.sources[name]!;
  return { width, height, data: unpack(rgb) };
}

function solid(width: number, height: number, colour: readonly number[]): Pixels {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]!) };
}

describe('resizing equals Pillow bit for bit', () => {
  for (const mode of ['fill', 'cover', 'contain']) {
    for (const filter of ['nearest', 'bilinear', 'bicubic', 'lanczos3']) {
      const cases = goldens.cases.filter(
        (c) => (c.options.mode ?? 'fill') === mode && c.options.filter === filter,
      );
      it(`${mode}, ${filter}: ${cases.length} sizes`, () => {
        expect(cases.length).toBeGreaterThan(0);
        for (const { source: name, options, rgb } of cases) {
          const result = resizePixels(source(name), options);
          expect([result.width, result.height]).toEqual([options.width, options.height]);
          const label = `${name} to ${options.width} x ${options.height}`;
          expect(largestDifference(result.data, unpack(rgb)), label).toBe(0);
        }
      });
    }
  }
});

describe('resizing', () => {
  it('stretches with a bilinear filter unless told otherwise', () => {
    const picture = source('landscape');
    const plain = resizePixels(picture, { width: 9, height: 9 });
    expect(plain).toEqual(resizePixels(picture, { width: 9, height: 9, mode: 'fill', filter: 'bilinear' }));
    expect(plain).not.toEqual(resizePixels(picture, { width: 9, height: 9, filter: 'nearest' }));
  });

  it('leaves the source alone, and gives it back where nothing is to be done', () => {
    const picture = source('portrait');
    const before = picture.data.slice();
    resizePixels(picture, { width: 8, height: 8, filter: 'lanczos3' });
    expect(picture.data).toEqual(before);
    expect(resizePixels(picture, { width: picture.width, height: picture.height })).toBe(picture);
  });

  it('keeps a colour exactly, whatever the filter', () => {
    for (const filter of ['nearest', 'bilinear', 'bicubic', 'lanczos3'] as const) {
      const result = resizePixels(solid(53, 31, [255, 7, 0]), { width: 20, height: 77, filter });
      expect(result.data).toEqual(solid(20, 77, [255, 7, 0]).data);
    }
  });

  it('covers by cutting both ends of the longer side alike', () => {
    const picture = solid(30, 10, [0, 0, 0]);
    for (let y = 0; y < 10; y++) picture.data.fill(255, (y * 30 + 10) * 3, (y * 30 + 20) * 3);
    const result = resizePixels(picture, { width: 10, height: 10, mode: 'cover' });
    expect(new Set(result.data)).toEqual(new Set([255]));
  });

  it('contains with black bars unless another background is given', () => {
    const bars = resizePixels(solid(20, 10, [200, 200, 200]), { width: 8, height: 8, mode: 'contain' });
    expect([...bars.data.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect([...bars.data.subarray(3 * 8 * 4, 3 * 8 * 4 + 3)]).toEqual([200, 200, 200]);
  });

  it('takes the extremes: one pixel up, a long strip down', () => {
    expect(resizePixels(solid(1, 1, [1, 2, 3]), { width: 5, height: 4, filter: 'bicubic' }).data).toEqual(
      solid(5, 4, [1, 2, 3]).data,
    );
    const strip = resizePixels(solid(5000, 1, [9, 9, 9]), { width: 3, height: 3, mode: 'cover' });
    expect(strip.data).toEqual(solid(3, 3, [9, 9, 9]).data);
    const contained = resizePixels(solid(5000, 1, [9, 9, 9]), { width: 3, height: 3, mode: 'contain' });
    expect([...contained.data.subarray(9, 18)]).toEqual(Array(9).fill(9));
  });

  it.each([
    [{ width: 0, height: 5 }, 'width: 0'],
    [{ width: 5, height: 2.5 }, 'height: 2.5'],
    [{ width: 5, height: Number.NaN }, 'height'],
    [{ width: 5, height: 5, mode: 'crop' }, 'fill, cover, contain'],
    [{ width: 5, height: 5, filter: 'linear' }, 'nearest, bilinear, bicubic, lanczos3'],
    [{ width: 5, height: 5, cropFraction: 0 }, 'cropFraction'],
    [{ width: 5, height: 5, cropFraction: 1.1 }, 'cropFraction'],
    [{ width: 5, height: 5, background: [0, 0, 256] }, 'background'],
  ])('refuses %o with USAGE_OPTION', (options, text) => {
    const call = (): Pixels => resizePixels(source('tall'), options as ResizeOptions);
    expect(call).toThrow(expect.objectContaining({ code: 'USAGE_OPTION' }));
    expect(call).toThrow(text);
  });
});

describe('fill with a crop fraction', () => {
  it('is the stretched picture with its border cut off, also for fractions that binary numbers miss', () => {
    const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, index) => (index * 7919) % 251);
    const pixels = { data, width: 40, height: 30 };
    // 9 / (9 / 14) is a little less than 14 in floating point.
    const whole = resizePixels(pixels, { width: 14, height: 14 });
    const cut = resizePixels(pixels, { width: 9, height: 9, cropFraction: 9 / 14 });
    for (let y = 0; y < 9; y++) {
      const from = ((y + 2) * 14 + 2) * 3;
      expect(cut.data.subarray(y * 27, (y + 1) * 27)).toEqual(whole.data.subarray(from, from + 27));
    }
  });
});
