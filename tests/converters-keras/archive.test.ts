import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../converters/byte-source.ts';
import { readLimits, type ReadLimits } from '../../converters/model-file.ts';
import { openArchive } from '../../converters/zip/archive.ts';
import { codeOf } from '../converters/support.ts';
import { corpusFile } from './corpus-files.ts';
import { zipOf, type ZipEntry } from './zip-files.ts';

const open = (bytes: Uint8Array, limits: Partial<ReadLimits> = {}) =>
  openArchive(sourceOf(bytes), { fileName: 'a.keras', limits: readLimits(bytes.length, limits) });

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What opening an archive and reading its first file comes to. */
const codeOfReading = (entries: readonly ZipEntry[], limits: Partial<ReadLimits> = {}) =>
  codeOf(async () => {
    const archive = await open(zipOf(entries), limits);
    await archive.bytes(archive.names[0]!, 'attributeBytes');
  });

describe('a zip archive is read', () => {
  it('files that are stored and files that are deflated', async () => {
    const archive = await open(
      zipOf([
        { name: 'config.json', data: '{"a":1}' },
        { name: 'assets/words.txt', data: 'word '.repeat(1000), deflated: true },
      ]),
    );
    expect(archive.names).toEqual(['config.json', 'assets/words.txt']);
    expect(archive.sizeOf('assets/words.txt')).toBe(5000);
    expect(archive.sizeOf('missing')).toBeUndefined();
    expect(text(await archive.bytes('config.json', 'attributeBytes'))).toBe('{"a":1}');
    expect(text(await archive.bytes('assets/words.txt', 'attributeBytes'))).toBe('word '.repeat(1000));
  });

  it('a stored file as a part of the archive: only what is asked for is read', async () => {
    const bytes = corpusFile('mnist_cnn.keras3.keras');
    const read: number[] = [];
    const source = {
      size: bytes.length,
      read: (target: Uint8Array, position: number) => {
        read.push(target.length);
        target.set(bytes.subarray(position, position + target.length));
      },
    };
    const archive = await openArchive(source, { fileName: 'a.keras', limits: readLimits(bytes.length) });
    const weights = await archive.source('model.weights.h5', 'tensorBytes');
    read.length = 0;
    const head = new Uint8Array(8);
    weights.read(head, 0);
    expect(text(head.subarray(1, 4))).toBe('HDF');
    expect(read).toEqual([8]);
  });

  it('a deflated file as a source', async () => {
    const archive = await open(zipOf([{ name: 'a', data: 'x'.repeat(100), deflated: true }]));
    const source = await archive.source('a', 'tensorBytes');
    const part = new Uint8Array(3);
    source.read(part, 97);
    expect([source.size, text(part)]).toEqual([100, 'xxx']);
  });
});

describe('a hostile zip archive is refused', () => {
  it.each([
    '../config.json',
    'a/../../b',
    '/etc/passwd',
    'C:/a',
    'C:\\a',
    '\\\\server\\a',
    '..\\a',
    'a\\b',
    'a//b',
    './a',
  ])('the name %s', async (name) => {
    expect(await codeOfReading([{ name, data: 'x' }])).toBe('FORMAT_UNSAFE');
  });

  it('a name that occurs twice', async () => {
    const entries = [
      { name: 'config.json', data: 'a' },
      { name: 'config.json', data: 'b' },
    ];
    expect(await codeOfReading(entries)).toBe('FORMAT_UNSAFE');
  });

  it('an encrypted file', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'x', stated: { flags: 1 } }])).toBe('FORMAT_UNSAFE');
  });

  it('a symbolic link', async () => {
    expect(await codeOfReading([{ name: 'a', data: '/etc/passwd', stated: { mode: 0o120777 } }])).toBe(
      'FORMAT_UNSAFE',
    );
  });

  it('two files that share bytes', async () => {
    const a = { name: 'a', data: 'x'.repeat(50) };
    const shared = zipOf([a, { name: 'b', data: 'y'.repeat(50), stated: { offset: 0 } }]);
    expect(await codeOf(() => open(shared))).toBe('FORMAT_UNSAFE');
    const larger = zipOf([
      { name: 'a', data: 'x'.repeat(50), stated: { size: 90, packed: 90 } },
      { name: 'b', data: 'y'.repeat(50) },
    ]);
    expect(await codeOf(() => open(larger))).toBe('FORMAT_UNSAFE');
  });

  it('a file that goes on behind the end of the entries', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'x', stated: { size: 500, packed: 500 } }])).toBe(
      'FORMAT_DAMAGED',
    );
  });

  it('a local header of another name', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'x', stated: { localName: 'b' } }])).toBe('FORMAT_UNSAFE');
  });

  it('a stored file of two sizes', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'xyz', stated: { size: 9 } }])).toBe('FORMAT_DAMAGED');
  });

  it('a wrong checksum', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'xyz', stated: { checksum: 1 } }])).toBe('FORMAT_DAMAGED');
  });

  it('a way of packing that is not read', async () => {
    expect(await codeOfReading([{ name: 'a', data: 'xyz', stated: { method: 12 } }])).toBe(
      'FORMAT_UNSUPPORTED',
    );
  });

  it('bytes in front of it and behind it', async () => {
    const whole = zipOf([{ name: 'a', data: 'x' }]);
    expect(await codeOf(() => open(zipOf([{ name: 'a', data: 'x' }], { behind: 'more' })))).toBe(
      'FORMAT_UNSAFE',
    );
    expect(await codeOf(() => open(Uint8Array.from([0, 0, 0, 0, ...whole])))).toBe('FORMAT_UNSAFE');
  });
});

describe('a zip bomb is refused', () => {
  it('more than deflate can make of so few bytes', async () => {
    const bomb = { name: 'a', data: 'x'.repeat(10), deflated: true, stated: { size: 1_000_000 } };
    expect(await codeOfReading([bomb])).toBe('FORMAT_UNSAFE');
  });

  it('a size above the limit, before it is inflated', async () => {
    const large = { name: 'a', data: new Uint8Array(3_000_000), deflated: true };
    expect(await codeOfReading([large], { attributeBytes: 1_000_000 })).toBe('FORMAT_LIMIT');
    expect(await codeOfReading([large], { attributeBytes: 3_000_000 })).toBe('no error');
  });

  it('a file that says less than it holds', async () => {
    const liar = { name: 'a', data: new Uint8Array(3_000_000), deflated: true, stated: { size: 5000 } };
    expect(await codeOfReading([liar])).toBe('FORMAT_DAMAGED');
  });

  it('a file that says more than it holds', async () => {
    const liar = { name: 'a', data: 'x'.repeat(1000), deflated: true, stated: { size: 2000 } };
    expect(await codeOfReading([liar])).toBe('FORMAT_DAMAGED');
  });
});

it('an archive that is cut off is damaged, wherever it is cut', async () => {
  const whole = corpusFile('dense_mlp.keras3.keras');
  const codes = new Set<string>();
  for (let percent = 0; percent < 100; percent += 3) {
    codes.add(await codeOf(() => open(whole.slice(0, Math.floor((whole.length * percent) / 100)))));
  }
  expect([...codes]).toEqual(['FORMAT_DAMAGED']);
});
