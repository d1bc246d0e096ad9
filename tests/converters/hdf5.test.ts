import { ready } from 'h5wasm';
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../converters/index.ts';
import { readKerasHdf5, readModelFile, type ModelFile } from '../../converters/index.ts';
import { codeOf, golden } from './support.ts';

const text = (value: string) => new TextEncoder().encode(value);
const shapes = (file: ModelFile) =>
  file.layers.map(({ layer, weights }) => [layer, weights.map((w) => [w.name, w.shape])]);

/** What is left in the HDF5 library's own file system: nothing, and no open file. */
async function leftovers(): Promise<string[]> {
  const { FS } = await ready;
  const fs = FS as unknown as { streams: ({ fd: number } | null)[]; readdir(path: string): string[] };
  const open = fs.streams
    .filter((stream) => stream != null && stream.fd > 2)
    .map((stream) => `open file ${stream!.fd}`);
  const files = [...fs.readdir('/'), ...fs.readdir('/tmp')];
  return [...open, ...files.filter((name) => !['.', '..', 'tmp', 'home', 'dev', 'proc'].includes(name))];
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x80000000;
}

describe('a Keras HDF5 file is read', () => {
  it('layers without weights are there, names with a slash are found', async () => {
    const file = await readKerasHdf5(golden('keras2_weights.h5'));
    expect(file).toMatchObject({
      kind: 'keras-h5-weights',
      kerasVersion: '2.18.0',
      backend: 'tensorflow',
      notes: [],
    });
    expect(shapes(file)).toEqual([
      [
        'conv',
        [
          ['conv/kernel:0', [3, 3, 1, 2]],
          ['conv/bias:0', [2]],
        ],
      ],
      ['flat', []],
      [
        'a/b',
        [
          ['a/b/kernel:0', [18, 3]],
          ['a/b/bias:0', [3]],
        ],
      ],
    ]);
  });

  it('float16, float64, big-endian, compressed and chunked data come out as float32 of the same values', async () => {
    const plain = await readKerasHdf5(golden('keras2_weights.h5'));
    const odd = await readKerasHdf5(golden('keras2_variants.h5'));
    expect(shapes(odd)).toEqual(shapes(plain));
    expect([...odd.notes].sort()).toEqual([
      'float16 weights were converted to float32',
      'float64 weights were converted to float32',
    ]);
    odd.layers.forEach(({ weights }, i) =>
      weights.forEach((weight, j) => {
        const other = numbersOf(plain.layers[i]!.weights[j]!);
        expect(weight.dtype).toBe('float32');
        numbersOf(weight).forEach((value, k) => expect(Math.abs(value - other[k]!)).toBeLessThan(1e-3));
      }),
    );
  });

  it('attributes in pieces are put together', async () => {
    const plain = await readKerasHdf5(golden('keras2_weights.h5'));
    expect(shapes(await readKerasHdf5(golden('keras2_chunked.h5')))).toEqual(shapes(plain));
    const many = await readKerasHdf5(golden('keras2_many.h5'));
    expect(many.layers).toHaveLength(700);
    expect(many.layers.at(-1)!.weights[0]).toMatchObject({ name: 'w:0', shape: [3] });
    expect(Array.from(numbersOf(many.layers.at(-1)!.weights[0]!))).toEqual([0, 1, 2]);
  });

  it('what comes out is no view of the library or of the given bytes', async () => {
    const bytes = golden('keras2_weights.h5');
    const file = await readKerasHdf5(bytes);
    const before = Array.from(numbersOf(file.layers[0]!.weights[0]!));
    bytes.fill(0);
    await readKerasHdf5(golden('keras2_convolutions.h5'));
    expect(Array.from(numbersOf(file.layers[0]!.weights[0]!))).toEqual(before);
    expect(numbersOf(file.layers[0]!.weights[0]!).buffer).not.toBe((await ready).HEAPU8.buffer);
  });

  it('two reads at the same time do not disturb each other', async () => {
    const [a, b] = await Promise.all([
      readKerasHdf5(golden('keras2_weights.h5')),
      readKerasHdf5(golden('keras2_shared.h5')),
    ]);
    expect(a.layers).toHaveLength(3);
    expect(b.config).toBeDefined();
    expect(await leftovers()).toEqual([]);
  });
});

describe('what is no Keras file is told by what it looks like', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /an empty file/],
    ['a web page', text('<!DOCTYPE html><html><body>403</body></html>'), /HTML/],
    ['JSON', text('{"class_name": "Sequential"}'), /JSON/],
    ['text', text('hello'), /a text file/],
    [
      'a Git LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:1'),
      /Git LFS pointer/,
    ],
    ['gzip', new Uint8Array([0x1f, 0x8b, 8, 0]), /gzip/],
    ['noise', new Uint8Array([1, 2, 3, 0, 255]), /unknown binary/],
  ];
  it.each(cases)('%s', async (_, bytes, likeness) => {
    await expect(readModelFile(bytes, { fileName: 'x.h5' })).rejects.toMatchObject({
      code: 'FORMAT_UNKNOWN',
      given: expect.stringMatching(likeness) as string,
    });
  });

  it('an HDF5 file of another kind', async () => {
    const error: unknown = await readKerasHdf5(golden('keras2_other.h5')).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'FORMAT_UNKNOWN' });
    expect(String(error)).toContain('measurements');
  });
});

describe('a dangerous file is refused', () => {
  it.each([
    ['a link into another file', 'keras2_link_external.h5', 'FORMAT_UNSAFE'],
    ['a soft link to itself', 'keras2_link_loop.h5', 'FORMAT_UNSAFE'],
    ['a soft link to nowhere', 'keras2_link_outside.h5', 'FORMAT_UNSAFE'],
    ['80 GB of zeros in 7 KB', 'keras2_bomb.h5', 'FORMAT_LIMIT'],
  ])('%s', async (_, name, code) => {
    expect(await codeOf(() => readKerasHdf5(golden(name)))).toBe(code);
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ['layers', { layers: 2 }],
    ['tensors', { tensors: 3 }],
    ['attributeBytes', { attributeBytes: 4 }],
    ['tensorBytes', { tensorBytes: 100 }],
  ])('the limit %s holds', async (name, limits) => {
    const error: unknown = await readKerasHdf5(golden('keras2_weights.h5'), { limits }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: 'FORMAT_LIMIT' });
    expect(String(error)).toContain(`limits.${name}`);
  });
});

describe('a damaged file ends in a coded error, and the next file is read as ever', () => {
  const readers = ['keras2_weights.h5', 'keras2_variants.h5', 'keras2_shared.h5', 'keras2_many.h5'];

  it.each(readers)('%s cut off anywhere', async (name) => {
    const whole = golden(name);
    const header = Array.from({ length: 120 }, (_, i) => i);
    const further = Array.from({ length: 60 }, (_, i) => Math.floor((whole.length * (i + 1)) / 61));
    for (const length of [...header, ...further, whole.length - 1]) {
      const code = await codeOf(() => readKerasHdf5(whole.subarray(0, length)));
      expect(code, `cut at ${length}`).toMatch(/^FORMAT_(DAMAGED|UNKNOWN)$/);
    }
    expect(await leftovers()).toEqual([]);
    expect((await readKerasHdf5(whole)).layers.length).toBeGreaterThan(0);
  });

  it.each(readers)('%s with altered bytes', async (name) => {
    const whole = golden(name);
    const random = randomNumbers(5);
    const expected = (await readKerasHdf5(whole)).layers.length;
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const altered = Uint8Array.from(whole);
      const places = 1 + Math.floor(random() * 6);
      // The metadata, which matters most, stands near the start.
      for (let i = 0; i < places; i++)
        altered[Math.floor(random() ** 2 * whole.length)] = Math.floor(random() * 256);
      const code = await codeOf(() => readKerasHdf5(altered));
      expect(code, `round ${round}`).toMatch(/^(no error|FORMAT_[A-Z_]+)$/);
      if (code !== 'no error') refused += 1;
    }
    expect(refused).toBeGreaterThan(20);
    expect(await leftovers()).toEqual([]);
    expect((await readKerasHdf5(whole)).layers).toHaveLength(expected);
  });

  it('a broken heap of texts, which HDF5 itself would walk for ever', async () => {
    const altered = golden('keras2_variants.h5');
    altered[2336] = 0x6f;
    expect(await codeOf(() => readKerasHdf5(altered))).toBe('FORMAT_DAMAGED');
  });

  it('thousands of errors in a row do not wear the library out', async () => {
    const cut = golden('keras2_weights.h5').subarray(0, 3000);
    for (let i = 0; i < 3000; i++) await readKerasHdf5(cut).catch(() => undefined);
    expect((await readKerasHdf5(golden('keras2_weights.h5'))).layers).toHaveLength(3);
    expect(await leftovers()).toEqual([]);
  });

  it('no error shows the stack of the library', async () => {
    const error: unknown = await readKerasHdf5(golden('keras2_weights.h5').subarray(0, 3000), {
      fileName: 'cut.h5',
    }).catch((e: unknown) => e);
    expect(String(error)).toMatch(/cut\.h5 is damaged/);
    expect(String(error)).not.toMatch(/HDF5-DIAG|\.c line|wasm/);
  });
});
