import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileWhole } from '../../src/output/write-file.node.ts';

let folder: string;
const path = (...parts: string[]) => join(folder, ...parts);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that is written whole', () => {
  it('is filled in any order, can be read back, and has its name at the end only', async () => {
    await writeFileWhole(path('new', 'deep', 'a.bin'), (sink) => {
      sink.write(Uint8Array.of(4, 5, 6), 3);
      sink.write(Uint8Array.of(1, 2, 3), 0);
      expect(sink.size).toBe(6);
      const back = new Uint8Array(4);
      sink.read(back, 2);
      expect([...back]).toEqual([3, 4, 5, 6]);
      expect(existsSync(path('new', 'deep', 'a.bin'))).toBe(false);
    });
    expect([...readFileSync(path('new', 'deep', 'a.bin'))]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readdirSync(path('new', 'deep'))).toEqual(['a.bin']);
  });

  it('leaves nothing behind when filling it fails, folders that it made included', async () => {
    const fill = () => Promise.reject(new Error('no'));
    await expect(writeFileWhole(path('new', 'a.bin'), fill)).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the place of another only on request, and leaves it alone when filling fails', async () => {
    writeFileSync(path('a.bin'), 'old');
    const fill = (text: string) => (sink: { write(bytes: Uint8Array, position: number): void }) =>
      sink.write(Buffer.from(text), 0);
    await expect(writeFileWhole(path('a.bin'), fill('new'))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    const failing = () => Promise.reject(new Error('no'));
    await expect(writeFileWhole(path('a.bin'), failing, { force: true })).rejects.toThrow('no');
    expect(readFileSync(path('a.bin'), 'utf8')).toBe('old');
    await writeFileWhole(path('a.bin'), fill('new'), { force: true });
    expect(readFileSync(path('a.bin'), 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.bin']);
  });

  it('does not replace what has appeared in the meantime', async () => {
    const fill = () => writeFileSync(path('a.bin'), 'of another');
    await expect(writeFileWhole(path('a.bin'), fill)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readFileSync(path('a.bin'), 'utf8')).toBe('of another');
    expect(readdirSync(folder)).toEqual(['a.bin']);
  });

  it('is no folder, and has a name', async () => {
    mkdirSync(path('a'));
    await expect(writeFileWhole(path('a'), () => undefined)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await expect(writeFileWhole('', () => undefined)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });

  it('is refused where there can be no folder', async () => {
    writeFileSync(path('plain'), '');
    await expect(writeFileWhole(path('plain', 'a.bin'), () => undefined)).rejects.toMatchObject({
      code: 'OUTPUT_ACCESS',
    });
  });
});
