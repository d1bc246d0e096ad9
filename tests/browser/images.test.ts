import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pixels } from '../../src/base/types.ts';
import { decodeImageNode } from '../../src/images/decode.node.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import './globals.ts';

const goldens = fileURLToPath(new URL('../images/goldens', import.meta.url));

/** Pixels as they come through the wire. */
interface Seen {
  readonly data: number[];
  readonly width: number;
  readonly height: number;
}

async function inNode(file: string): Promise<Seen> {
  const bytes = new Uint8Array(await readFile(`${goldens}/${file}`));
  const pixels = await decodeImageNode(bytes, { pixelLimit: 1e8, name: file });
  return plain(pixels);
}

function plain({ data, width, height }: Pixels): Seen {
  return { data: [...data], width, height };
}

/** Largest and mean difference in grey levels. */
function difference(a: Seen, b: Seen): { largest: number; mean: number } {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  const levels = a.data.map((value, index) => Math.abs(value - (b.data[index] ?? NaN)));
  return {
    largest: Math.max(...levels),
    mean: levels.reduce((sum, level) => sum + level, 0) / levels.length,
  };
}

describe.skipIf(skipBrowserTests)('pictures in a browser', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    page = await BrowserPage.open({ entry, folders: { goldens } });
  });

  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  /** Reads a picture in the page, in one of the ways in which a page comes by it. */
  function inPage(file: string, way: string): Promise<Seen> {
    return page.evaluate(
      async ({ url, way }) => {
        const blob = async () => (await fetch(url)).blob();
        const image = async () => {
          const element = new Image();
          element.src = url;
          await element.decode();
          return element;
        };
        const canvas = async () => {
          const element = await image();
          const drawn = document.createElement('canvas');
          [drawn.width, drawn.height] = [element.naturalWidth, element.naturalHeight];
          const context = drawn.getContext('2d') as CanvasRenderingContext2D;
          context.drawImage(element, 0, 0);
          return { drawn, context };
        };
        const sources: Record<string, () => Promise<Parameters<typeof dovecote.loadPixels>[0]>> = {
          url: () => Promise.resolve(url),
          Blob: blob,
          File: async () => new File([await blob()], 'photo', { type: 'text/plain' }),
          ArrayBuffer: async () => (await blob()).arrayBuffer(),
          Uint8Array: async () => new Uint8Array(await (await blob()).arrayBuffer()),
          ImageBitmap: async () => createImageBitmap(await blob()),
          HTMLImageElement: image,
          HTMLCanvasElement: async () => (await canvas()).drawn,
          OffscreenCanvas: async () => {
            const { drawn } = await canvas();
            const offscreen = new OffscreenCanvas(drawn.width, drawn.height);
            (offscreen.getContext('2d') as OffscreenCanvasRenderingContext2D).drawImage(drawn, 0, 0);
            return offscreen;
          },
          ImageData: async () => {
            const { drawn, context } = await canvas();
            return context.getImageData(0, 0, drawn.width, drawn.height);
          },
        };
        const source = await (sources[way] as () => Promise<Parameters<typeof dovecote.loadPixels>[0]>)();
        const pixels = await dovecote.loadPixels(source);
        return { data: [...pixels.data], width: pixels.width, height: pixels.height };
      },
      { url: `/goldens/${file}`, way },
    );
  }

  const ways = [
    'url',
    'Blob',
    'File',
    'ArrayBuffer',
    'Uint8Array',
    'ImageBitmap',
    'HTMLImageElement',
    'HTMLCanvasElement',
    'OffscreenCanvas',
    'ImageData',
  ];

  it('are compared by something that tells pictures apart', async () => {
    const turned = await inPage('exif-6.jpg', 'Blob');
    expect(new Set(turned.data).size).toBeGreaterThan(100);
    expect(difference(await inPage('alpha.png', 'Blob'), await inNode('rgb.png')).largest).toBeGreaterThan(
      50,
    );
  });

  it.each(ways)('a PNG with alpha from %s is laid on white, as in Node', async (way) => {
    const { largest } = difference(await inPage('alpha.png', way), await inNode('alpha.png'));
    // A canvas keeps colours multiplied by alpha: what comes back from it may be off by one.
    expect(largest).toBeLessThanOrEqual(/Canvas|ImageData/.test(way) ? 1 : 0);
  });

  it.each(ways)('a JPEG turned by EXIF from %s is upright, as in Node', async (way) => {
    const node = await inNode('exif-6.jpg');
    expect([node.width, node.height]).toEqual([18, 24]);
    // The JPEG decoder is the browser's own.
    expect(difference(await inPage('exif-6.jpg', way), node).largest).toBeLessThanOrEqual(2);
  });

  it.each(['exif-1.jpg', 'exif-2.jpg', 'exif-3.jpg', 'exif-4.jpg', 'exif-5.jpg', 'exif-7.jpg', 'exif-8.jpg'])(
    '%s is upright, as in Node',
    async (file) => {
      expect(difference(await inPage(file, 'Blob'), await inNode(file)).largest).toBeLessThanOrEqual(2);
    },
  );

  it.each([
    'rgb.png',
    'rgb-16.png',
    'rgb-profile.png',
    'grey.png',
    'grey-16.png',
    'grey-alpha.png',
    'bilevel.png',
    'palette-transparent.png',
    'rgb-24.bmp',
    'rgb.gif',
    'animated.gif',
    'animated.webp',
    'rgb-lossless.webp',
    'alpha.webp',
  ])('%s is, pixel for pixel, what it is in Node', async (file) => {
    expect(difference(await inPage(file, 'Blob'), await inNode(file)).largest).toBe(0);
  });

  /** The code of the error that reading this source ends with. */
  const refusal = (url: string, way: 'Blob' | 'img') =>
    page.evaluate(
      async ({ url, way }) => {
        try {
          const element = new Image();
          element.src = url;
          if (way === 'img') await element.decode();
          await dovecote.loadPixels(way === 'img' ? element : await (await fetch(url)).blob());
          return 'read';
        } catch (error) {
          return error instanceof dovecote.DovecoteError ? error.code : String(error);
        }
      },
      { url, way },
    );

  it('a file that is no picture is refused by its code', async () => {
    expect(await refusal('/goldens/decoding.json', 'Blob')).toBe('IMAGE_UNREADABLE');
  });

  it('an <img> from another site without CORS is refused by its code', async () => {
    expect(await refusal(`${page.otherOrigin}/goldens/rgb.png`, 'img')).toBe('IMAGE_SOURCE');
    expect(await refusal('/goldens/rgb.png', 'img')).toBe('read');
  });
});
