import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resizeBy, resizePixels } from '../../src/images/resize.ts';
import type { ResizeOptions } from '../../src/images/resize-options.ts';

/** Numbers from 0 up to 1 that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pictureOf(next: () => number, width: number, height: number) {
  // Many extremes, so that bicubic and Lanczos filters overshoot.
  const data = Uint8Array.from({ length: width * height * 3 }, () => (next() < 0.4 ? 255 : next() * 200));
  return { data, width, height };
}

function expectSame(picture: { data: Uint8Array; width: number; height: number }, options: ResizeOptions) {
  const fast = resizePixels(picture, options);
  const slow = resizeBy(picture, options, false);
  const what = `${picture.width} x ${picture.height} to ${JSON.stringify(options)}`;
  expect([fast.width, fast.height], what).toEqual([slow.width, slow.height]);
  expect(Buffer.compare(fast.data, slow.data), what).toBe(0);
}

describe('resampling in WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('computes what JavaScript computes, bit for bit, at random sizes', () => {
    const next = random(7);
    const upTo = (most: number) => 1 + Math.floor(next() * most);
    for (let round = 0; round < 600; round++) {
      const large = round % 10 === 0;
      const picture = pictureOf(next, upTo(large ? 500 : 80), upTo(round % 7 === 0 ? 400 : 80));
      expectSame(picture, {
        width: upTo(90),
        height: upTo(90),
        mode: (['fill', 'cover', 'contain'] as const)[round % 3]!,
        filter: (['bilinear', 'bicubic', 'lanczos3'] as const)[upTo(3) - 1]!,
        cropFraction: round % 3 < 2 && next() < 0.5 ? 0.875 : 1,
      });
    }
  });

  it('of pictures that are larger than a stripe, and with few rows or columns', () => {
    const next = random(11);
    for (const [width, height] of [
      [2000, 700],
      [700, 2000],
      [9000, 40],
      [3, 5000],
      [1, 1],
    ] as const) {
      const picture = pictureOf(next, width, height);
      expectSame(picture, { width: 224, height: 224 });
      expectSame(picture, { width: 5, height: 301, filter: 'lanczos3' });
    }
  });

  it('leaves to JavaScript what would take too much memory', () => {
    const picture = pictureOf(random(3), 4100, 4100);
    // The rows go first here, and all of the source would have to be in memory.
    expectSame(picture, { width: 4000, height: 100 });
  });

  it('is done in JavaScript where WebAssembly is forbidden', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', {
      Module: class {
        constructor() {
          throw new Error('forbidden by the page');
        }
      },
    });
    const { resizePixels: resize } = await import('../../src/images/resize.ts');
    const picture = pictureOf(random(5), 90, 70);
    const options = { width: 32, height: 32, filter: 'bicubic' } as const;
    expect(resize(picture, options).data).toEqual(resizePixels(picture, options).data);
  });

  it('is what its text says', () => {
    const output = execFileSync(process.execPath, ['tools/wasm/build.mjs', '--check'], { encoding: 'utf8' });
    expect(output).toBe('');
  });
});
