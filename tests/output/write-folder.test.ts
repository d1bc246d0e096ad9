import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkOutputFolder, writeFolder } from '../../src/output/write-folder.node.ts';
import { canBecomeNobody, isRoot, nobody } from '../support/nobody.ts';

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
  it('removes nothing when no folder is named: an empty name does not mean the working directory', async () => {
    const before = process.cwd();
    const work = join(root, 'work');
    await mkdir(work);
    await writeFile(join(work, 'thesis.doc'), 'years of work');
    process.chdir(work);
    try {
      for (const force of [false, true]) {
        await expect(writeFolder('', files, { force })).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
      }
    } finally {
      process.chdir(before);
    }
    expect(await readdir(work)).toEqual(['thesis.doc']);
  });
  it('fills and refills the working directory, which stays the same folder', async () => {
    const before = process.cwd();
    const here = join(root, 'here');
    await mkdir(here);
    const { ino } = await stat(here);
    process.chdir(here);
    try {
      await writeFolder('.', [...files, { name: 'group1-shard2of2.bin', bytes: 'of the first output' }]);
      await expect(writeFolder('.', files)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
      await writeFolder('.', [{ name: 'model.json', bytes: 'newer' }, files[1]!], { force: true });
      expect((await readdir('.')).sort()).toEqual(['group1-shard1of1.bin', 'model.json']);
      expect(await readFile('model.json', 'utf8')).toBe('newer');
      expect((await stat('.')).ino).toBe(ino);
    } finally {
      process.chdir(before);
    }
  });
  it('writes to where a link leads', async () => {
    await mkdir(join(root, 'disk2', 'real'), { recursive: true });
    await symlink(join(root, 'disk2', 'real'), join(root, 'link'));
    await writeFolder(join(root, 'link'), files);
    await writeFolder(join(root, 'link'), files, { force: true });
    expect((await lstat(join(root, 'link'))).isSymbolicLink()).toBe(true);
    expect((await readdir(join(root, 'disk2', 'real'))).sort()).toEqual([
      'group1-shard1of1.bin',
      'model.json',
    ]);
    expect(await readdir(join(root, 'disk2'))).toEqual(['real']);
  });
  it('keeps what somebody else puts there while the output is being written', async () => {
    const target = join(root, 'raced');
    function* racing() {
      yield files[0]!;
      mkdirSync(target);
      writeFileSync(join(target, 'thesis.doc'), 'years of work');
      yield files[1]!;
    }
    await expect(writeFolder(target, racing())).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readdir(target)).toEqual(['thesis.doc']);
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
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
    await expect(writeFolder(join(root, 'new', 'parents', 'model'), failing())).rejects.toThrow('quantiser');
    expect(await readdir(root)).not.toContain('new');
  });
});

/** Runs as a user who may write only where everybody may; root gives its rights away for the moment. */
async function asNobody<Result>(action: () => Promise<Result>): Promise<Result> {
  if (!isRoot) return action();
  process.seteuid!(nobody);
  try {
    return await action();
  } finally {
    process.seteuid!(0);
  }
}

describe.skipIf(process.platform === 'win32' || (isRoot && !canBecomeNobody))('without permission', () => {
  it('says so', async () => {
    await chmod(root, 0o755);
    const [locked, open] = [join(root, 'locked'), join(root, 'open')];
    for (const [folder, mode] of [
      [locked, 0o555],
      [open, 0o777],
    ] as const) {
      await mkdir(folder);
      await chmod(folder, mode);
    }
    await expect(asNobody(() => writeFolder(join(locked, 'model'), files))).rejects.toMatchObject({
      code: 'OUTPUT_ACCESS',
    });
    expect(await readdir(locked)).toEqual([]);
    await asNobody(() => writeFolder(join(open, 'model'), files));
    expect(await readdir(join(open, 'model'))).toHaveLength(2);
    await chmod(locked, 0o755);
  });
});

function mountDisk(path: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('is named, and nothing half-written stays', async ({ skip }) => {
    const disk = join(root, 'disk');
    await mkdir(disk);
    if (!mountDisk(disk, 'size=64k')) skip('a small file system cannot be mounted here');
    try {
      const big = [...files, { name: 'group1-shard1of1.bin', bytes: new Uint8Array(200_000) }];
      await expect(writeFolder(join(disk, 'model'), big)).rejects.toMatchObject({ code: 'OUTPUT_DISK_FULL' });
      expect(await readdir(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('a mount point', () => {
  it('is filled and refilled, not replaced', async ({ skip }) => {
    const disk = join(root, 'mounted');
    await mkdir(disk);
    if (!mountDisk(disk, 'size=256k')) skip('a file system cannot be mounted here');
    try {
      await writeFolder(disk, files);
      await writeFolder(disk, [{ name: 'model.json', bytes: 'newer' }], { force: true });
      expect(await readdir(disk)).toEqual(['model.json']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
  it('that is read-only is refused before any work, with and without parents to create', async ({ skip }) => {
    const disk = join(root, 'read-only');
    await mkdir(disk);
    if (!mountDisk(disk, 'ro,size=64k')) skip('a file system cannot be mounted here');
    try {
      for (const folder of [disk, join(disk, 'model'), join(disk, 'a', 'b', 'model')]) {
        await expect(checkOutputFolder(folder)).rejects.toMatchObject({ code: 'OUTPUT_ACCESS' });
        await expect(writeFolder(folder, files)).rejects.toMatchObject({ code: 'OUTPUT_ACCESS' });
      }
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
