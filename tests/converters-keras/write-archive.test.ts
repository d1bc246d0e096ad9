import { crc32 as nodeChecksum } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MemorySink } from '../../converters/byte-sink.ts';
import { sourceOf } from '../../converters/byte-source.ts';
import { readLimits } from '../../converters/model-file.ts';
import { openArchive } from '../../converters/zip/archive.ts';
import { crc32 } from '../../converters/zip/crc32.ts';
import { writeArchive } from '../../converters/zip/write-archive.ts';
import { zipOf } from './zip-files.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

it('checksums are those of zlib, also when they are carried on', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919) % 251);
  const expected = nodeChecksum(bytes);
  expect(crc32(bytes)).toBe(expected);
  expect(crc32(bytes.subarray(300), crc32(bytes.subarray(0, 300)))).toBe(expected);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

describe('an archive is written', () => {
  it('as any other writer would, byte for byte', async () => {
    const sink = new MemorySink();
    await writeArchive(
      [
        { name: 'config.json', write: (to) => to.write(bytesOf('{}'), 0) },
        { name: 'b', write: (to) => to.write(bytesOf('some text'), 0) },
      ],
      sink,
    );
    const expected = zipOf([
      { name: 'config.json', data: '{}' },
      { name: 'b', data: 'some text' },
    ]);
    expect(sink.bytes()).toEqual(expected);
  });

  it('with files that are written in any order and read meanwhile', async () => {
    const sink = new MemorySink();
    await writeArchive(
      [
        { name: 'a', write: (to) => to.write(bytesOf('first'), 0) },
        {
          name: 'b',
          write: async (to) => {
            to.write(bytesOf('end'), 5);
            await Promise.resolve();
            expect(to.size).toBe(8);
            const part = new Uint8Array(3);
            to.read(part, 5);
            to.write(part, 0);
          },
        },
      ],
      sink,
    );
    const bytes = sink.bytes();
    const archive = await openArchive(sourceOf(bytes), { fileName: 'a', limits: readLimits(bytes.length) });
    const text = async (name: string) => new TextDecoder().decode(await archive.bytes(name, 'tensorBytes'));
    expect(await text('a')).toBe('first');
    expect(await text('b')).toBe('end\0\0end');
  });
});
