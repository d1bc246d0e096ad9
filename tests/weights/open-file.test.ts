import { execFileSync } from 'node:child_process';
import { readdirSync, truncateSync, writeFileSync, appendFileSync, utimesSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inMemory, type ModelFile } from '../../converters/index.ts';
import { withOpenFile } from '../../src/models/read-open-file.ts';
import { openLocation } from '../../src/weights/index.node.ts';
import { golden } from '../converters/support.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-open-'));
  path = join(folder, 'weights.h5');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Files that this process holds open in the folder. Linux only. */
function held(): string[] {
  return execFileSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder));
}

/** A file with all its tensors in memory. */
const contents = (file: ModelFile) => ({
  ...file,
  layers: file.layers.map(({ layer, weights }) => ({ layer, weights: weights.map(inMemory) })),
});

describe('a local file', () => {
  it('is read piece by piece, equal to its bytes at once, and is closed', async () => {
    const bytes = golden('keras2_weights.h5');
    writeFileSync(path, bytes);
    const file = await openLocation(path);
    expect(file.bytes).not.toBeInstanceOf(Uint8Array);
    const read = await withOpenFile(file, { fileName: 'x' }, contents);
    const opened = { bytes, checkUnchanged: () => undefined, close: () => undefined };
    expect(read).toEqual(await withOpenFile(opened, { fileName: 'x' }, contents));
    expect(held()).toEqual([]);
  });

  it.each([
    ['cut off', () => truncateSync(path, 3000)],
    ['appended to', () => appendFileSync(path, 'more')],
    ['written to', () => utimesSync(path, 1, 1)],
  ])('that is %s while it is open ends in FILE_CHANGED and is closed', async (_, change) => {
    writeFileSync(path, golden('keras2_weights.h5'));
    const file = await openLocation(path);
    change();
    await expect(withOpenFile(file, { fileName: 'x' }, contents)).rejects.toMatchObject({
      code: 'FILE_CHANGED',
    });
    expect(held()).toEqual([]);
  });

  it('that is damaged says so, and is closed', async () => {
    writeFileSync(path, golden('keras2_weights.h5').subarray(0, 3000));
    const file = await openLocation(path);
    await expect(withOpenFile(file, { fileName: 'x' }, contents)).rejects.toMatchObject({
      code: 'FORMAT_DAMAGED',
    });
    expect(held()).toEqual([]);
  });

  it('that is not there, and a folder, are told', async () => {
    await expect(openLocation(join(folder, 'none.h5'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(openLocation(folder)).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    expect(readdirSync(folder)).toContain('weights.h5');
  });
});
