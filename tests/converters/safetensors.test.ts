import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../converters/index.ts';
import { FormatError, WeightsError } from '../../src/base/errors.ts';
import type { NamedTensor } from '../../src/base/types.ts';
import { readModelFile, readSafetensors, writeSafetensors } from '../../converters/index.ts';
import type { ModelFile, SafetensorsEncoding } from '../../converters/index.ts';
import { codeOf } from './support.ts';

const float = (name: string, shape: number[], values: ArrayLike<number>): NamedTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
});
const steps = Float32Array.from({ length: 12 }, (_, at) => at);

/** Tensors of a file by name. */
const tensorsOf = (file: ModelFile) =>
  new Map(file.layers.flatMap(({ weights }) => weights).map((tensor) => [tensor.name, tensor]));

/** A safetensors file of any header and any bytes. */
function file(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: offsets,
});

/** What tests/oracle/safetensors_files.py expects of `ours.safetensors`. */
const ours: NamedTensor[] = [
  float(
    'dense/kernel',
    [3, 4],
    steps.map((value) => (value - 5) / 8),
  ),
  float('half/bias', [3], [0.5, -1.25, 65504]),
  { name: 'count', shape: [2], dtype: 'int32', data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  { name: 'flags', shape: [3], dtype: 'bool', data: Uint8Array.of(1, 0, 1) },
  float('__proto__/constructor', [1], [4]),
  float(
    'small/kernel',
    [3, 4],
    steps.map((value) => value - 6),
  ),
];
const encodings: Record<string, SafetensorsEncoding> = { 'half/bias': 'float16', 'small/kernel': 'int8' };
const ourFile = () =>
  writeSafetensors(ours, {
    encodingOf: ({ name }) => encodings[name] ?? 'exact',
    metadata: { licence: 'Apache-2.0', origin: 'naïve "quotes"' },
  });

describe('a file of the safetensors library', () => {
  const bytes = readFileSync(new URL('./goldens/library.safetensors', import.meta.url));
  // A Node Buffer may begin anywhere in a larger buffer; so may any view.
  const behind = new Uint8Array(bytes.length + 13);
  behind.set(bytes, 3);

  it.each([
    ['a Node Buffer', bytes],
    ['a view at an odd offset', behind.subarray(3, 3 + bytes.length)],
    ['bytes of its own', Uint8Array.from(bytes)],
  ])('is read from %s', async (_, given) => {
    const read = await readModelFile(given, { fileName: 'library.safetensors' });
    expect(read).toMatchObject({ kind: 'safetensors-weights', fileName: 'library.safetensors' });
    expect(read.notes.toSorted()).toEqual(['format: pt', 'licence: Ünïcode "quoted"']);
    const found = Object.fromEntries(
      [...tensorsOf(read)].map(([name, tensor]) => [
        name,
        [tensor.dtype, tensor.shape, Array.from(numbersOf(tensor))],
      ]),
    );
    const f = Math.fround;
    expect(found).toEqual({
      'conv.kernel': ['float32', [2, 2], [1.5, -2.25, f(0.1), f(3e38)]],
      'conv.bias': ['float32', [3], [0.5, -65504, 2 ** -24]],
      // bfloat16 keeps 8 bits of 1e38.
      'bf.weight': ['float32', [4], [1, -3.140625, 0x96 * 2 ** 119, Infinity]],
      'double.weight': ['float32', [2], [f(0.1), -0]],
      'plain.int8': ['int32', [3], [-128, 127, 0]],
      'plain.int64': ['int32', [1, 2], [-(2 ** 31), 2 ** 31 - 1]],
      'plain.bool': ['bool', [3], [1, 0, 1]],
      scalar: ['float32', [], [7]],
      'empty.weight': ['float32', [0, 4], []],
      'quantised/kernel': ['float32', [2, 2], [-63.5, 16, 5, -0.25]],
    });
  });

  it('has its tensors by layer: the part before the last slash, or else before the last point', () => {
    const layers = readSafetensors(bytes).layers.map(({ layer, weights }) => [layer, weights.length]);
    expect(Object.fromEntries(layers)).toEqual({
      conv: 2,
      bf: 1,
      double: 1,
      plain: 3,
      scalar: 1,
      empty: 1,
      quantised: 1,
    });
  });

  it('with an integer that int32 cannot hold is refused', async () => {
    const data = new Uint8Array(BigInt64Array.of(2n ** 31n).buffer);
    const code = await codeOf(() => readSafetensors(file({ a: entry([1], [0, 8], 'I64') }, data)));
    expect(code).toBe('FORMAT_UNSUPPORTED');
  });
});

describe('a file of ours', () => {
  it('is byte for byte the one that the safetensors library has read', () => {
    const known = readFileSync(new URL('./goldens/ours.safetensors', import.meta.url));
    expect(Buffer.from(ourFile()).equals(known)).toBe(true);
  });

  it('gives back what went in', () => {
    const read = readSafetensors(ourFile());
    expect(read.notes).toEqual(['licence: Apache-2.0', 'origin: naïve "quotes"']);
    expect(read.layers.map(({ layer }) => layer)).toEqual([
      'dense',
      'half',
      'count',
      'flags',
      '__proto__',
      'small',
    ]);
    const tensors = tensorsOf(read);
    for (const tensor of ours.slice(0, 5)) expect(tensors.get(tensor.name)).toEqual(tensor);
    const small = tensors.get('small/kernel')!;
    expect(small).toMatchObject({ shape: [3, 4], dtype: 'float32' });
    numbersOf(small).forEach((value, at) => expect(Math.abs(value - (at - 6))).toBeLessThanOrEqual(0.06));
  });

  it('is smaller by half in float16, and by three quarters in int8', () => {
    const tensor = float(
      'dense/kernel',
      [100, 10],
      Array.from({ length: 1000 }, (_, at) => Math.sin(at)),
    );
    const sizeOf = (encoding: SafetensorsEncoding) => {
      const bytes = writeSafetensors([tensor], { encodingOf: () => encoding });
      return bytes.length - 8 - new DataView(bytes.buffer).getUint32(0, true);
    };
    expect([sizeOf('exact'), sizeOf('float16'), sizeOf('int8')]).toEqual([4000, 2000, 1000 + 4 * 10]);
  });

  it.each([
    ['float16', [1, 65505]],
    ['float16', [1, -Infinity]],
    ['int8', [1, Infinity]],
    ['int8', [NaN, 1]],
  ] as const)('stores exactly what %s cannot hold: %s', (encoding, values) => {
    const tensor = float('a/kernel', [1, 2], values);
    const read = readSafetensors(writeSafetensors([tensor], { encodingOf: () => encoding }));
    expect(tensorsOf(read).get('a/kernel')).toEqual(tensor);
  });

  it('never has two tensors of one name, nor one in the place of the metadata', () => {
    const a = float('a/kernel', [1, 1], [1]);
    const twice = () => writeSafetensors([a, a]);
    expect(twice).toThrow(WeightsError);
    expect(twice).toThrow(expect.objectContaining({ code: 'WEIGHTS_COUNT' }));
    const scales = () =>
      writeSafetensors([a, float('a/kernel.scale', [1], [1])], { encodingOf: () => 'int8' });
    expect(scales).toThrow(expect.objectContaining({ code: 'WEIGHTS_COUNT' }));
    const reserved = () => writeSafetensors([float('__metadata__', [1], [1])]);
    expect(reserved).toThrow(expect.objectContaining({ code: 'WEIGHTS_COUNT' }));
  });

  it('holds names that objects have of themselves, and no tensors at all', () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '7',
      'a/__proto__',
      '__proto__/b',
    ];
    const tensors = names.map((name, at) => float(name, [1], [at]));
    const read = tensorsOf(readSafetensors(writeSafetensors(tensors)));
    expect(read.size).toBe(names.length);
    for (const tensor of tensors) expect(read.get(tensor.name)).toEqual(tensor);
    expect(readSafetensors(writeSafetensors([])).layers).toEqual([]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('a damaged safetensors file', () => {
  const whole = ourFile();
  const two = (a: unknown, b: unknown) => file({ a, b }, new Uint8Array(8));
  const length = (low: number, high: number) => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setUint32(0, low, true);
    new DataView(bytes.buffer).setUint32(4, high, true);
    return bytes;
  };

  it.each<[string, Uint8Array, string, RegExp]>([
    ['nothing', new Uint8Array(), 'FORMAT_DAMAGED', /0 bytes/],
    ['cut off in its length', whole.slice(0, 5), 'FORMAT_DAMAGED', /5 bytes/],
    ['cut off in its header', whole.slice(0, 60), 'FORMAT_DAMAGED', /60 bytes/],
    ['cut off by one byte', whole.slice(0, -1), 'FORMAT_DAMAGED', /small\/kernel/],
    ['with a byte too many', Uint8Array.of(...whole, 0), 'FORMAT_DAMAGED', /1 bytes behind small\/kernel/],
    ['with a header of no bytes', length(0, 0), 'FORMAT_DAMAGED', /absurd/],
    ['with a header of 4 GB', length(2 ** 32 - 1, 0), 'FORMAT_DAMAGED', /absurd/],
    ['with a header of more than 2 ** 53 bytes', length(0, 2 ** 30), 'FORMAT_DAMAGED', /absurd/],
    ['with a header that ends elsewhere', length(100, 0), 'FORMAT_DAMAGED', /not valid JSON/],
    ['with a header that is no JSON', file('{"a": tensor}'), 'FORMAT_DAMAGED', /not valid JSON/],
    ['with a header that is no UTF-8', corrupt(file('{"ab":1}'), 10, 0xff), 'FORMAT_DAMAGED', /not text/],
    ['with a list as a header', file([1, 2]), 'FORMAT_DAMAGED', /names tensors/],
    ['with null for a tensor', file({ a: null }), 'FORMAT_DAMAGED', /a: null/],
    ['with a number for a tensor', file({ a: 5 }), 'FORMAT_DAMAGED', /a: 5/],
    ['without a shape', file({ a: { dtype: 'F32', data_offsets: [0, 0] } }), 'FORMAT_DAMAGED', /shape/],
    ['with a negative side', file({ a: entry([-1], [0, 4]) }, new Uint8Array(4)), 'FORMAT_DAMAGED', /-1/],
    ['with half a side', file({ a: entry([0.5], [0, 2]) }, new Uint8Array(2)), 'FORMAT_DAMAGED', /0\.5/],
    ['with one offset', file({ a: entry([1], [4]) }, new Uint8Array(4)), 'FORMAT_DAMAGED', /bytes 4 to/],
    ['with three offsets', file({ a: entry([1], [0, 4, 4]) }, new Uint8Array(4)), 'FORMAT_DAMAGED', /bytes/],
    ['with a negative offset', file({ a: entry([1], [-4, 0]) }, new Uint8Array(4)), 'FORMAT_DAMAGED', /-4/],
    ['with an end before the beginning', two(entry([1], [4, 0]), 0), 'FORMAT_DAMAGED', /4 to 0/],
    [
      'with bytes outside',
      file({ a: entry([2], [0, 8]) }, new Uint8Array(4)),
      'FORMAT_DAMAGED',
      /0 to 8 of 4/,
    ],
    ['with bytes far outside', file({ a: entry([1], [2 ** 52, 2 ** 52 + 4]) }), 'FORMAT_DAMAGED', /of 0/],
    [
      'with fewer bytes than its shape',
      two(entry([2], [0, 4]), entry([1], [4, 8])),
      'FORMAT_DAMAGED',
      /8 bytes/,
    ],
    ['with a shape beyond numbers', file({ a: entry([2 ** 52, 2 ** 52], [0, 0]) }), 'FORMAT_DAMAGED', /F32/],
    [
      'with sides without end, and none',
      file({
        a: entry(
          Array(99)
            .fill(2 ** 52)
            .concat(0),
          [0, 0],
        ),
      }),
      'FORMAT_DAMAGED',
      /F32/,
    ],
    [
      'with tensors on each other',
      two(entry([2], [0, 8]), entry([1], [4, 8])),
      'FORMAT_DAMAGED',
      /share bytes/,
    ],
    [
      'with the same bytes twice',
      two(entry([2], [0, 8]), entry([2], [0, 8])),
      'FORMAT_DAMAGED',
      /share bytes/,
    ],
    ['with a hole', file({ a: entry([1], [4, 8]) }, new Uint8Array(8)), 'FORMAT_DAMAGED', /4 bytes between/],
    [
      'with a number type from elsewhere',
      file({ a: entry([1], [0, 1], 'F8_E4M3') }, new Uint8Array(1)),
      'FORMAT_UNSUPPORTED',
      /F8_E4M3/,
    ],
    [
      'with a number type of objects',
      file({ a: entry([1], [0, 1], 'toString') }, new Uint8Array(1)),
      'FORMAT_UNSUPPORTED',
      /toString/,
    ],
    [
      'with no number type',
      file({ a: entry([1], [0, 1], null) }, new Uint8Array(1)),
      'FORMAT_UNSUPPORTED',
      /null/,
    ],
    [
      'with lists in lists without end',
      file(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
      'FORMAT_DAMAGED',
      /a: /,
    ],
  ])('%s is told as such', async (_, bytes, code, names) => {
    expect(await codeOf(() => readSafetensors(bytes, { fileName: 'my.safetensors' }))).toBe(code);
    const read = () => readSafetensors(bytes, { fileName: 'my.safetensors' });
    expect(read).toThrow(FormatError);
    expect(read).toThrow(names);
    expect(read).toThrow(/my\.safetensors/);
    expect(messageOf(read).length).toBeLessThan(1000);
  });

  it.each([
    ['of another rank', [2]],
    ['along the wrong axis', [3, 1]],
    ['for each number but with a 1 in front', [1, 2, 3]],
    ['of no channel that there is', [1, 2]],
  ])('scales %s are told as such', async (_, shape) => {
    const count = shape.reduce((product, side) => product * side, 1);
    // Two rows of three: [1, 3], [2, 1] and [2, 3] would fit.
    const header = {
      'a/kernel.scale': entry(shape, [0, 4 * count]),
      'a/kernel': entry([2, 3], [4 * count, 4 * count + 6], 'I8'),
    };
    const read = () => readSafetensors(file(header, new Uint8Array(4 * count + 6)));
    expect(await codeOf(read)).toBe('FORMAT_DAMAGED');
    expect(read).toThrow(/a\/kernel/);
  });

  it.each([
    ['tensors', { tensors: 6 }],
    ['tensorBytes', { tensorBytes: 100 }],
    ['layers', { layers: 5 }],
  ])('beyond the limit `%s` it is refused, and at it it is not', async (name, limits) => {
    const read = (each: object) => () => readSafetensors(whole, { limits: each });
    expect(await codeOf(read(limits))).toBe('FORMAT_LIMIT');
    expect(read(limits)).toThrow(new RegExp(`limits?\\.?.*${name}`, 's'));
    const enough = { tensors: 7, tensorBytes: 4 * (12 + 3 + 2 + 3 + 1 + 12 + 4), layers: 6 };
    expect(await codeOf(read(enough))).toBe('no error');
  });

  it('never ends in anything but an error of ours, whatever bytes are flipped', async () => {
    const random = generator(20240607);
    const outcomes = new Map<string, number>();
    const library = readFileSync(new URL('./goldens/library.safetensors', import.meta.url));
    for (let round = 0; round < 1500; round++) {
      const bytes = Uint8Array.from(round % 2 === 0 ? whole : library);
      // Most of the bytes that mean something are in the header.
      const end = round % 3 === 0 ? bytes.length : 8 + new DataView(bytes.buffer).getUint32(0, true);
      for (let flips = 1 + (random() % 3); flips > 0; flips--) bytes[random() % end]! ^= 1 << (random() % 8);
      const cut = round % 7 === 0 ? bytes.subarray(0, random() % bytes.length) : bytes;
      const code = await codeOf(() => readSafetensors(cut));
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    }
    const known = ['no error', 'FORMAT_DAMAGED', 'FORMAT_UNSUPPORTED', 'FORMAT_LIMIT'];
    expect([...outcomes.keys()].filter((code) => !known.includes(code))).toEqual([]);
    // Both ways were gone, else nothing would be shown.
    expect(outcomes.get('no error')).toBeGreaterThan(50);
    expect(outcomes.get('FORMAT_DAMAGED')).toBeGreaterThan(500);
  });
});

function corrupt(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value;
  return bytes;
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

/** Whole numbers from a seed (xorshift32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
