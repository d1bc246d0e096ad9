import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkOutputFolder, writeFolder } from '../../src/output/write-folder.node.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-output-'));
});
afterAll(() => rm(root, { recursive: true }));

const files = [
  { name: 'model.json', bytes: '{"new":true}' },
  { name: 'group1-shard1of1.bin', bytes: new Uint8Array(1000) },
];

describe('writing a folder', () => {
  it('creates it with its parents, readable like any other folder', async () => {
    const target = join(root, 'a', 'b', 'model');
    await writeFolder(target, files);
    expect((await readdir(target)).sort()).toEqual(['group1-shard1of1.bin', 'model.json']);
    expect((await stat(target)).mode & 0o777).toBe(0o777 & ~process.umask());
    expect(await readdir(join(root, 'a', 'b'))).toEqual(['model']);
  });
  it('takes an empty folder that is there already', async () => {
    await mkdir(join(root, 'empty'));
    await writeFolder(join(root, 'empty'), files);
    expect(await readdir(join(root, 'empty'))).toHaveLength(2);
  });
  it('does not overwrite an earlier output unless asked', async () => {
    const target = join(root, 'twice');
    await writeFolder(target, [{ name: 'model.json', bytes: 'old' }]);
    await expect(writeFolder(target, files)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(join(target, 'model.json'), 'utf8')).toBe('old');
    await writeFolder(target, files, { force: true });
    expect(await readFile(join(target, 'model.json'), 'utf8')).toBe('{"new":true}');
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
  it('never replaces a folder with files of somebody else, not even when asked', async () => {
    const target = join(root, 'home');
    await mkdir(target);
    await writeFile(join(target, 'thesis.doc'), 'years of work');
    await expect(writeFolder(target, files, { force: true })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('thesis.doc') as string,
    });
    expect(await readdir(target)).toEqual(['thesis.doc']);
  });
  it('a file in its place is refused', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(checkOutputFolder(join(root, 'file'), true)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
    });
  });
  it('a parent that is a file is refused as such', async () => {
    await writeFile(join(root, 'parent'), '');
    await expect(writeFolder(join(root, 'parent', 'model'), files)).rejects.toMatchObject({
      code: 'OUTPUT_ACCESS',
    });
  });
  it('leaves nothing behind when it is stopped or fails in the middle', async () => {
    const target = join(root, 'stopped');
    const controller = new AbortController();
    function* stopping() {
      yield files[0]!;
      controller.abort();
      yield files[1]!;
    }
    await expect(writeFolder(target, stopping(), { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    function* failing() {
      yield files[0]!;
      throw new Error('the quantiser failed');
    }
    await expect(writeFolder(target, failing())).rejects.toThrow('the quantiser failed');
    expect((await readdir(root)).filter((name) => name.includes('stopped'))).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0;

describe.skipIf(isRoot)('without permission (skipped for root, who may write everywhere)', () => {
  it('says so', async () => {
    const locked = join(root, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    await expect(writeFolder(join(locked, 'model'), files)).rejects.toMatchObject({ code: 'OUTPUT_ACCESS' });
    await chmod(locked, 0o700);
  });
});

function mountSmallDisk(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('is named, and nothing half-written stays', async ({ skip }) => {
    const disk = join(root, 'disk');
    await mkdir(disk);
    if (!mountSmallDisk(disk)) skip('a small file system cannot be mounted here');
    try {
      const big = [...files, { name: 'group1-shard1of1.bin', bytes: new Uint8Array(200_000) }];
      await expect(writeFolder(join(disk, 'model'), big)).rejects.toMatchObject({ code: 'OUTPUT_DISK_FULL' });
      expect(await readdir(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
