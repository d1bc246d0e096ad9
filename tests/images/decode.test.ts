import sharp from 'sharp';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeImageNode } from '../../src/images/decode.node.ts';
import { DEFAULT_PIXEL_LIMIT } from '../../src/images/image-errors.ts';
import { resizePixels } from '../../src/images/resize.ts';
import { type DecodingCase, goldenBytes, goldenJson, largestDifference, unpack } from './goldens.ts';

const options = { pixelLimit: DEFAULT_PIXEL_LIMIT, name: 'photo.jpg' };
const cases = goldenJson<DecodingCase[]>('decoding.json');

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('decoding in Node', () => {
  it.each(cases)('$file is what it should be ($rule)', async ({ file, width, height, rgb, tolerance }) => {
    const pixels = await decodeImageNode(goldenBytes(file), options);
    expect([pixels.width, pixels.height]).toEqual([width, height]);
    expect(pixels.data).toBeInstanceOf(Uint8Array);
    expect(largestDifference(pixels.data, unpack(rgb))).toBeLessThanOrEqual(tolerance);
  });

  it('goes through the profile of a CMYK picture that has one', async () => {
    const file = await sharp(goldenBytes('rgb.png'))
      .resize(96, 72)
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(file).metadata()).hasProfile).toBe(true);
    const managed = await decodeImageNode(file, options);
    const byItself = await sharp(file).toColourspace('srgb').raw().toBuffer();
    expect(largestDifference(managed.data, byItself)).toBe(0);
    const formula = await decodeImageNode(
      await sharp(file, { ignoreIcc: true })
        .pipelineColourspace('cmyk')
        .toColourspace('cmyk')
        .jpeg({ quality: 100 })
        .toBuffer(),
      options,
    );
    expect(largestDifference(managed.data, formula.data)).toBeGreaterThan(20);
  });

  it('resizes with our own resampler, on the picture at full size', async () => {
    const resize = { width: 7, height: 5, filter: 'bicubic' } as const;
    const full = await decodeImageNode(goldenBytes('exif-6.jpg'), options);
    const small = await decodeImageNode(goldenBytes('exif-6.jpg'), { ...options, resize });
    expect(small).toEqual(resizePixels(full, resize));
  });

  it('takes a Blob and an ArrayBuffer as well as bytes', async () => {
    const bytes = goldenBytes('rgb.png');
    const expected = await decodeImageNode(bytes, options);
    expect(await decodeImageNode(new Blob([bytes as Uint8Array<ArrayBuffer>]), options)).toEqual(expected);
    expect(await decodeImageNode(bytes.slice().buffer, options)).toEqual(expected);
  });
});

describe('what cannot be decoded is refused, with its name, what it is and what to do', () => {
  it.each([
    ['text', ascii('hello, this is no picture'), 'text that begins with "hello, this is no picture"'],
    ['an HTML page', ascii('<!DOCTYPE html><html><body>404</body></html>'), 'an HTML page'],
    [
      'an SVG',
      ascii(
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
      ),
      'an SVG drawing',
    ],
    ['a PDF', ascii('%PDF-1.7\n%\x80'), 'a PDF document'],
    ['an LFS pointer', ascii('version https://git-lfs.github.com/spec/v1\noid sha256:1'), 'Git LFS pointer'],
    ['a ZIP', Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0]), 'a ZIP archive'],
    ['a compressed SVG', Uint8Array.from([0x1f, 0x8b, 8, 0, 0]), 'a gzip archive'],
    ['a HEIC photo', ascii('\0\0\0\x18ftypheic\0\0\0\0'), 'HEIC'],
    ['a video', ascii('\0\0\0\x18ftypisom\0\0\0\0'), 'brand "isom"'],
    ['an HDF5 file', Uint8Array.from([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]), 'HDF5'],
    ['zeros', new Uint8Array(5000), 'nothing but zeros'],
    [
      'garbage',
      Uint8Array.from([1, 200, 3, 250, 5, 6, 7, 8, 9]),
      'no known picture format (first bytes: 01 c8 03 fa',
    ],
    ['one byte', Uint8Array.from([0xff]), 'no known picture format'],
  ])('%s', async (_, bytes, description) => {
    const attempt = decodeImageNode(bytes, options);
    await expect(attempt).rejects.toThrow(
      expect.objectContaining({ name: 'ImageError', code: 'IMAGE_UNREADABLE' }),
    );
    await expect(attempt).rejects.toThrow(description);
    await expect(attempt).rejects.toThrow('photo.jpg');
    await expect(attempt).rejects.toThrow('next:');
  });

  it('zero bytes are IMAGE_EMPTY', async () => {
    await expect(decodeImageNode(new Uint8Array(0), options)).rejects.toMatchObject({ code: 'IMAGE_EMPTY' });
    await expect(decodeImageNode(new Blob([]), options)).rejects.toMatchObject({ code: 'IMAGE_EMPTY' });
  });

  it('a DOM object is IMAGE_SOURCE', async () => {
    await expect(decodeImageNode({ src: 'x' }, options)).rejects.toMatchObject({ code: 'IMAGE_SOURCE' });
  });

  const whole = [
    'rgb-420.jpg',
    'rgb-progressive.jpg',
    'rgb.png',
    'rgb.gif',
    'rgb.webp',
    'rgb-lzw.tif',
    'rgb.avif',
    'rgb-24.bmp',
  ];
  it.each(whole)('%s cut off after any part of it', async (file) => {
    const bytes = goldenBytes(file);
    for (const part of [0.1, 0.3, 0.5, 0.75, 0.9]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * part));
      const attempt = decodeImageNode(cut, options);
      await expect(attempt, `${part}`).rejects.toThrow(expect.objectContaining({ code: 'IMAGE_UNREADABLE' }));
    }
  });

  it('every prefix and many a damaged byte give a picture or an ImageError, nothing else', async () => {
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    for (const file of whole) {
      const bytes = goldenBytes(file);
      for (let i = 0; i < 25; i++) {
        const damaged = bytes.slice(0, i % 2 === 0 ? bytes.length : random(bytes.length) + 1);
        for (let j = 0; j <= i % 3; j++) damaged[random(damaged.length)]! ^= 1 + random(255);
        const result = await decodeImageNode(damaged, { ...options, pixelLimit: 1e6 }).catch(
          (error: unknown) => error,
        );
        if (result instanceof Error) expect(result.name, `${file} ${i}: ${result.stack}`).toBe('ImageError');
        else expect(result).toHaveProperty('data');
      }
    }
  });

  it('JPEG with stray bytes between its segments is read, as Pillow reads it', async () => {
    const bytes = goldenBytes('rgb-420.jpg');
    const tail = Uint8Array.from([...bytes, ...ascii('stray bytes')]);
    expect(await decodeImageNode(tail, options)).toEqual(await decodeImageNode(bytes, options));
  });

  it.each(['grey-float.tif', 'grey-int32.tif'])(
    '%s: samples without a stated range are not guessed at',
    async (file) => {
      const attempt = decodeImageNode(goldenBytes(file), options);
      await expect(attempt).rejects.toThrow(/TIFF file with samples of type (float|int)/);
      await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    },
  );

  it.each([
    ['run-length encoding', 30, 1, 'compression method 1'],
    ['a number of bits that there is not', 28, 7, '7 bits a pixel'],
    ['no width', 18, 0, 'a size of 0 x 18'],
  ])('a BMP with %s', async (_, at, value, text) => {
    const bytes = goldenBytes('palette-8.bmp');
    bytes[at] = value;
    const attempt = decodeImageNode(bytes, options);
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(attempt).rejects.toThrow(text);
  });

  it('an aborted signal is ABORTED', async () => {
    const attempt = decodeImageNode(goldenBytes('rgb.png'), { ...options, signal: AbortSignal.abort() });
    await expect(attempt).rejects.toMatchObject({ code: 'ABORTED', exitCode: 130 });
  });
});

describe('the pixel limit', () => {
  const files = cases.map(({ file, width, height }) => ({ file, pixels: width * height }));

  it.each(files)('$file: its pixels are accepted, one fewer is IMAGE_TOO_LARGE', async ({ file, pixels }) => {
    const bytes = goldenBytes(file);
    await expect(decodeImageNode(bytes, { ...options, pixelLimit: pixels })).resolves.toBeDefined();
    const attempt = decodeImageNode(bytes, { ...options, pixelLimit: pixels - 1 });
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('refuses a bomb by its header, without unpacking it', async () => {
    const chunk = (kind: string, body: Uint8Array): Buffer => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(body.length, 0);
      head.write(kind, 4, 'latin1');
      // The checksum is wrong on purpose: a decoder that got this far would complain of it instead.
      return Buffer.concat([head, body, Buffer.alloc(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(60_000, 0);
    header.writeUInt32BE(60_000, 4);
    header.set([8, 2], 8);
    const bomb = Buffer.concat([
      goldenBytes('rgb.png').subarray(0, 8),
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    ]);
    const attempt = decodeImageNode(bomb, options);
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(attempt).rejects.toThrow('60000 x 60000 pixels');
    await expect(attempt).rejects.toThrow('178,956,970');
  });
});
