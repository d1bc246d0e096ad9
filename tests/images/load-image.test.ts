import * as tf from '@tensorflow/tfjs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetworkError } from '../../src/base/errors.ts';
import type { Pixels } from '../../src/base/types.ts';
import { decodeImageNode } from '../../src/images/decode.node.ts';
import { DEFAULT_PIXEL_LIMIT } from '../../src/images/image-errors.ts';
import { type ImageSource, describeSource } from '../../src/images/image-source.ts';
import { type LoadImageOptions, loadImage, loadPixels } from '../../src/images/load-image.ts';
import { resizePixels } from '../../src/images/resize.ts';
import { type Platform, registerPlatform } from '../../src/platform.ts';
import { goldenBytes, goldenPath } from './goldens.ts';

const png = goldenBytes('rgb.png');
const pngPath = fileURLToPath(goldenPath('rgb.png'));
const base64 = Buffer.from(png).toString('base64');
let expected: Pixels;
let folder: string;

beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'dovecote-images-'));
  // The file system as it is; what a web server does is the weight room's matter.
  registerPlatform({
    name: 'node',
    readBytes: (location: string | URL) => {
      if (String(location).startsWith('https:'))
        throw new NetworkError('NETWORK_STATUS', 'The server said 404.', {
          given: String(location),
          expected: 'status 200',
          nextStep: 'check the address',
        });
      if (location === 'locked.png') throw Object.assign(new Error('EACCES: denied'), { code: 'EACCES' });
      return Promise.resolve(new Uint8Array(readFileSync(location)));
    },
    decodeImage: decodeImageNode,
  } as unknown as Platform);
  expected = await decodeImageNode(png, { pixelLimit: DEFAULT_PIXEL_LIMIT, name: 'x' });
});

afterAll(() => rmSync(folder, { recursive: true }));

function rgbaOf(
  { data, width, height }: Pixels,
  alpha: number,
): { data: Uint8ClampedArray; width: number; height: number } {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) rgba.set([...data.subarray(i * 3, i * 3 + 3), alpha], i * 4);
  return { data: rgba, width, height };
}

describe('a picture loads alike from', () => {
  const sources: [string, () => ImageSource][] = [
    ['a path', () => pngPath],
    ['a file: URL', () => goldenPath('rgb.png')],
    ['a Uint8Array', () => png],
    ['a Buffer', () => Buffer.from(png)],
    ['a part of a larger buffer', () => Uint8Array.from([9, 9, ...png, 9]).subarray(2, 2 + png.length)],
    ['an ArrayBuffer', () => png.slice().buffer],
    ['a Blob', () => new Blob([png as Uint8Array<ArrayBuffer>])],
    ['a File', () => new File([png as Uint8Array<ArrayBuffer>], 'bird.png')],
    ['a base64 data: URL', () => `data:image/png;base64,${base64}`],
    ['a base64 data: URL with escapes', () => `data:image/png;base64,${encodeURIComponent(base64)}`],
    [
      'a percent-encoded data: URL',
      () => `data:image/png,${[...png].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')}`,
    ],
    ['a data: URL object', () => new URL(`data:image/png;base64,${base64}`)],
    ['Pixels', () => expected],
    ['ImageData', () => rgbaOf(expected, 255)],
    ['a float tensor', () => tf.tensor3d(Array.from(expected.data), [expected.height, expected.width, 3])],
    [
      'an integer tensor',
      () => tf.tensor3d(Array.from(expected.data), [expected.height, expected.width, 3], 'int32'),
    ],
  ];
  it.each(sources)('%s', async (_, source) => {
    const pixels = await loadPixels(source());
    expect([pixels.width, pixels.height]).toEqual([expected.width, expected.height]);
    expect(pixels.data).toEqual(expected.data);
  });

  it('and is resized alike', async () => {
    const options: LoadImageOptions = { size: [9, 14], mode: 'cover', filter: 'lanczos3', cropFraction: 0.8 };
    const small = resizePixels(expected, {
      height: 9,
      width: 14,
      mode: 'cover',
      filter: 'lanczos3',
      cropFraction: 0.8,
    });
    for (const [name, source] of sources)
      expect((await loadPixels(source(), options)).data, name).toEqual(small.data);
    const square = await loadPixels(png, { size: 8 });
    expect([square.width, square.height]).toEqual([8, 8]);
  });
});

describe('loadImage', () => {
  it('gives float32 [height, width, 3] in 0..255, and leaks no tensor', async () => {
    const before = tf.memory().numTensors;
    const image = await loadImage(pngPath);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect([image.shape, image.dtype]).toEqual([[expected.height, expected.width, 3], 'float32']);
    expect(Array.from(await image.data())).toEqual(Array.from(expected.data));
    image.dispose();
    await expect(loadImage('no such file.png')).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('lays the alpha of ImageData and of tensors on white', async () => {
    const clear = await loadPixels({ data: Uint8ClampedArray.of(10, 20, 30, 0), width: 1, height: 1 });
    expect([...clear.data]).toEqual([255, 255, 255]);
    const half = await loadPixels(tf.tensor3d([0, 100, 255, 128], [1, 1, 4]));
    expect([...half.data]).toEqual([127, 177, 255]);
  });

  it('spreads a grey tensor, rounds its values and leaves it to the caller', async () => {
    const grey = tf.tensor3d([0, 1.5, 254.4, 255], [2, 2, 1]);
    expect([...(await loadPixels(grey)).data]).toEqual([0, 0, 0, 2, 2, 2, 254, 254, 254, 255, 255, 255]);
    expect(grey.isDisposed).toBe(false);
  });
});

describe('what is no picture is refused', () => {
  it('a missing file: IMAGE_NOT_FOUND, with its path', async () => {
    const attempt = loadPixels('birds/dove.jpg');
    await expect(attempt).rejects.toMatchObject({ name: 'ImageError', code: 'IMAGE_NOT_FOUND' });
    await expect(attempt).rejects.toThrow('birds/dove.jpg');
  });

  it('a path through a file: IMAGE_NOT_FOUND', async () => {
    await expect(loadPixels(join(pngPath, 'dove.jpg'))).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('a folder says that it is one', async () => {
    const attempt = loadPixels(folder);
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(attempt).rejects.toThrow('a folder');
  });

  it('a file without permission says so', async () => {
    // Made up by the platform: whoever runs this as root may read everything.
    const attempt = loadPixels('locked.png');
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(attempt).rejects.toThrow('permissions');
  });

  it('an empty file: IMAGE_EMPTY; a text: what it is; both with the path', async () => {
    writeFileSync(join(folder, 'empty.jpg'), '');
    writeFileSync(join(folder, 'note.jpg'), 'buy seed');
    await expect(loadPixels(join(folder, 'empty.jpg'))).rejects.toMatchObject({ code: 'IMAGE_EMPTY' });
    await expect(loadPixels(join(folder, 'empty.jpg'))).rejects.toThrow('empty.jpg');
    await expect(loadPixels(join(folder, 'note.jpg'))).rejects.toThrow(
      /note\.jpg cannot be read[^]*text that begins with "buy seed"/,
    );
  });

  it("a network's error stays what it is", async () => {
    await expect(loadPixels('https://example.org/dove.jpg')).rejects.toMatchObject({
      code: 'NETWORK_STATUS',
    });
  });

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 5, 'number'],
    ['an empty string', '  ', 'an empty string'],
    ['an array', [png], 'an array of 1'],
    ['an object', { foo: 1 }, 'an object with foo'],
    ['a Float32Array', new Float32Array(12), 'Float32Array'],
    [
      'pixels of a wrong length',
      { data: new Uint8Array(10), width: 2, height: 2 },
      '10 bytes for 2 x 2 pixels',
    ],
    ['pixels without size', { data: new Uint8Array(0), width: 0, height: 0 }, 'width 0'],
    ['float pixels', { data: new Float32Array(12), width: 2, height: 2 }, 'Float32Array'],
  ])('%s: IMAGE_SOURCE', async (_, source, text) => {
    const attempt = loadPixels(source as ImageSource);
    await expect(attempt).rejects.toMatchObject({ name: 'ImageError', code: 'IMAGE_SOURCE' });
    await expect(attempt).rejects.toThrow(text);
  });

  it.each<[string, () => tf.Tensor, string]>([
    ['a batch', () => tf.zeros([2, 4, 4, 3]), 'tf.unstack'],
    ['channels first', () => tf.zeros([3, 4, 5]), 'transpose'],
    ['a matrix', () => tf.zeros([4, 4]), 'shape [4, 4]'],
    ['booleans', () => tf.zeros([2, 2, 3], 'bool'), 'dtype bool'],
    ['a value above 255', () => tf.fill([2, 2, 3], 255.6), '255.6'],
    ['a preprocessed picture', () => tf.fill([2, 2, 3], -0.5), 'undo the preprocessing'],
    ['a value that is no number', () => tf.fill([2, 2, 3], NaN), 'NaN'],
  ])('a tensor of %s: IMAGE_SOURCE', async (_, make, text) => {
    const tensor = make();
    const attempt = loadPixels(tensor);
    await expect(attempt).rejects.toMatchObject({ code: 'IMAGE_SOURCE' });
    await expect(attempt).rejects.toThrow(text);
    tensor.dispose();
  });

  it('a tensor that is disposed: IMAGE_SOURCE', async () => {
    const tensor = tf.zeros([2, 2, 3]);
    tensor.dispose();
    await expect(loadPixels(tensor)).rejects.toThrow('disposed');
  });

  it('a malformed data: URL: IMAGE_UNREADABLE', async () => {
    for (const url of [
      'data:image/png;base64',
      'data:image/png;base64,%%%',
      'data:image/png;base64,iVBORw0KGgo=',
      'data:,hello',
    ]) {
      await expect(loadPixels(url), url).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    }
    await expect(loadPixels('data:,')).rejects.toMatchObject({ code: 'IMAGE_EMPTY' });
  });

  it('too many pixels, from any source: IMAGE_TOO_LARGE', async () => {
    const sources: ImageSource[] = [pngPath, png, expected, rgbaOf(expected, 255), tf.zeros([18, 24, 3])];
    for (const source of sources) {
      await expect(loadPixels(source, { pixelLimit: 431 })).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
      await expect(loadPixels(source, { pixelLimit: 432 })).resolves.toBeDefined();
    }
  });

  it.each<[LoadImageOptions, string]>([
    [{ size: 0 }, 'width: 0'],
    [{ size: [5, 1.5] }, 'width'],
    [{ size: 5, filter: 'linear' as 'bilinear' }, 'bilinear'],
    [{ mode: 'zoom' as 'fill' }, 'contain'],
    [{ pixelLimit: 0 }, 'pixelLimit'],
    [{ pixelLimit: NaN }, 'pixelLimit'],
  ])('wrong options are USAGE_OPTION before anything is read: %o', async (options, text) => {
    const attempt = loadPixels('no such file', options);
    await expect(attempt).rejects.toMatchObject({ code: 'USAGE_OPTION', exitCode: 2 });
    await expect(attempt).rejects.toThrow(text);
  });

  it('an aborted signal: ABORTED', async () => {
    await expect(loadPixels(expected, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(loadPixels(pngPath, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

describe('describeSource names a picture for messages', () => {
  it.each<[ImageSource, string]>([
    ['photos/dove.jpg', 'photos/dove.jpg'],
    ['C:\\photos\\dove.jpg', 'C:\\photos\\dove.jpg'],
    ['https://user:secret@example.org/dove.jpg?size=1', 'https://example.org/dove.jpg?size=1'],
    [new URL('file:///photos/dove.jpg'), 'file:///photos/dove.jpg'],
    [new File([], 'dove.png'), 'dove.png'],
    [new Blob([]), 'image 3 (Blob)'],
    [new Uint8Array(7), 'image 3 (7 bytes)'],
    [new ArrayBuffer(8), 'image 3 (8 bytes)'],
    [{ data: new Uint8Array(3), width: 1, height: 1 }, 'image 3'],
    [`data:image/png;base64,${'A'.repeat(100)}`, 'data:image/png;base64,AAAAAAAAAA... (122 characters)'],
  ])('%o', (source, name) => {
    expect(describeSource(source, 2)).toBe(name);
  });

  it('gives the shape of a tensor', () => {
    expect(describeSource(tf.zeros([2, 3, 3]), 0)).toBe('image 1 (tensor [2, 3, 3])');
  });
});
