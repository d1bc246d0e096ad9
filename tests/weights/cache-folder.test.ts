import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cacheExitStatus,
  clearCache,
  downloadToCache,
  listCache,
  readCached,
  verifyCache,
} from '../../src/weights/index.node.ts';
import { file } from '../support/fault-server.ts';
import { describeOnLoopback, itOnLoopback } from '../support/network.ts';
import { expectBytes, failureOf, hdf5Bytes, sha256, storeFromFolder, useServerAndCache } from './setup.ts';

const bytes = hdf5Bytes(20_000);
const context = useServerAndCache();
const cache = () => ({ cacheFolder: context.folder });
const weights = (...names: string[]) => join(context.folder, 'weights', ...names);

function remote(name: string, more: object = {}) {
  return { url: context.server.route(`/${name}`, file(bytes)), fileName: name, ...more };
}

/** Puts a file into the cache, asking no server, and returns what it is and where it lies. */
async function stored(name: string, more: object = {}, options = context.options) {
  const target = remote(name, more);
  return { target, path: await storeFromFolder(target, bytes, options) };
}

async function flipByte(path: string, keepTime = false): Promise<void> {
  const { atime, mtime } = await stat(path);
  const damaged = new Uint8Array(await readFile(path));
  damaged[10_000]! ^= 1;
  await writeFile(path, damaged);
  await utimes(path, atime, keepTime ? mtime : new Date(mtime.getTime() + 1000));
}

async function leavePartial(name: string): Promise<void> {
  const url = context.server.route(
    `/${name}`,
    file(bytes, { dropAfter: 5_000, dropWhen: context.hasReached, ranges: false }),
  );
  await failureOf(downloadToCache({ url, fileName: name }, { ...context.options, retry: { retries: 0 } }));
}

describe('a copy that has changed on the disk', () => {
  itOnLoopback.each([
    ['was cut short', (path: string) => truncate(path, 900), 'bytes'],
    ['has a flipped bit', flipByte, 'SHA-256'],
  ])('is fetched again, with a notice, when it %s', async (_, damage, reason) => {
    const { target, path } = await stored('net.h5');
    await damage(path);
    const notices: string[] = [];
    const onNotice = (message: string) => notices.push(message);
    expectBytes(await readCached(target, { ...context.options, onNotice }), bytes);
    expect(context.server.requests()).toHaveLength(1);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('damaged');
    expect(notices[0]).toContain(reason);
  });

  it('is not used offline, and the error says why', async () => {
    const { target, path } = await stored('net.h5');
    await truncate(path, 900);
    const error = await failureOf(readCached(target, { ...context.options, offline: true }));
    expect(error.code).toBe('NETWORK_OFFLINE');
    expect(error.summary).toContain('damaged');
  });

  it('is used without a download when only its time has changed', async () => {
    const { target, path } = await stored('net.h5');
    await utimes(path, new Date(), new Date(0));
    expectBytes(await readCached(target, context.options), bytes);
    expect(context.server.requests()).toHaveLength(0);
  });

  itOnLoopback('is fetched again when its card names other bytes than those stored', async () => {
    const { target } = await stored('net.h5');
    const newer = hdf5Bytes(20_000).reverse();
    context.server.route('/net.h5', file(newer));
    expectBytes(await readCached({ ...target, sha256: sha256(newer) }, context.options), newer);
  });

  it('is checked by its bytes when its record is gone', async () => {
    const { target, path } = await stored('net.h5', { sha256: sha256(bytes) });
    await writeFile(`${path}.meta`, 'not JSON');
    expectBytes(await readCached(target, context.options), bytes);
    expect(context.server.requests()).toHaveLength(0);
    expect(JSON.parse(await readFile(`${path}.meta`, 'utf8'))).toMatchObject({
      sha256: sha256(bytes),
      url: target.url,
    });
  });
});

describe('cache list', () => {
  it('is empty where there is no folder', async () => {
    expect(await listCache({ cacheFolder: join(context.folder, 'none') })).toEqual([]);
  });

  itOnLoopback(
    'tells name, address, size and hash; unfinished downloads and files without a record on request',
    async () => {
      const { target, path } = await stored('net.h5');
      await leavePartial('other.h5');
      await writeFile(weights('0123456789abcdef-hand.h5'), bytes);
      await writeFile(weights('notes.txt'), 'mine');
      const [entry, ...rest] = await listCache(cache());
      expect(rest).toEqual([]);
      expect(entry).toMatchObject({
        fileName: 'net.h5',
        path,
        url: target.url,
        size: 20_000,
        sha256: sha256(bytes),
      });
      const all = await listCache({ ...cache(), all: true });
      expect(all.map(({ fileName, state }) => `${fileName} ${state}`).sort()).toEqual([
        'hand.h5 unrecorded',
        'net.h5 file',
        'other.h5 partial',
      ]);
    },
  );
});

describe('cache verify', () => {
  it('finds nothing wrong in a sound cache, and hashes all of it', async () => {
    await stored('a.h5');
    await stored('b.h5');
    let hashed = 0;
    const findings = await verifyCache({ ...cache(), onProgress: ({ done }) => (hashed = done) });
    expect(findings.map(({ fileName, status }) => `${fileName} ${status}`).sort()).toEqual([
      'a.h5 ok',
      'b.h5 ok',
    ]);
    expect(hashed).toBe(40_000);
    expect(cacheExitStatus(findings)).toBe(0);
  });

  it('finds a flipped bit that kept size and time', async () => {
    const { path } = await stored('net.h5');
    await flipByte(path, true);
    const findings = await verifyCache(cache());
    expect(findings).toMatchObject([{ fileName: 'net.h5', status: 'damaged' }]);
    expect(cacheExitStatus(findings)).toBe(1);
  });

  itOnLoopback('tells missing files, unfinished downloads and strangers apart', async () => {
    const { path } = await stored('gone.h5');
    await rm(path);
    await leavePartial('other.h5');
    await writeFile(weights('notes.txt'), 'mine');
    const findings = await verifyCache(cache());
    expect(Object.fromEntries(findings.map(({ fileName, status }) => [fileName, status]))).toEqual({
      'gone.h5': 'missing',
      'other.h5': 'partial',
      'notes.txt': 'unknown',
    });
    expect(cacheExitStatus(findings)).toBe(1);
    expect(cacheExitStatus(findings.filter(({ status }) => status !== 'missing'))).toBe(0);
  });

  it('stops on request', async () => {
    await stored('net.h5');
    expect((await failureOf(verifyCache({ ...cache(), signal: AbortSignal.abort() }))).code).toBe('ABORTED');
  });
});

describe('cache clear', () => {
  itOnLoopback('removes files, records and unfinished downloads, and nothing of anybody else', async () => {
    await stored('net.h5');
    await leavePartial('other.h5');
    await writeFile(weights('notes.txt'), 'mine');
    await mkdir(weights('0123456789abcdef-folder'));
    await writeFile(join(context.folder, 'features.bin'), 'of another room');
    const cleared = await clearCache(cache());
    expect(cleared.bytes).toBeGreaterThanOrEqual(20_000);
    expect(cleared.files).toHaveLength(4);
    expect((await readdir(weights())).sort()).toEqual([
      '0123456789abcdef-folder',
      'CACHEDIR.TAG',
      'notes.txt',
    ]);
    expect((await readdir(context.folder)).sort()).toEqual(['features.bin', 'weights']);
  });

  it('removes what is named, by file name or address', async () => {
    await stored('a.h5');
    await stored('b.h5');
    const { target } = await stored('c.h5');
    await clearCache({ ...cache(), names: ['a.h5', target.url] });
    expect((await listCache(cache())).map(({ fileName }) => fileName)).toEqual(['b.h5']);
  });

  it('removes nothing when one of the names is not there', async () => {
    await stored('a.h5');
    const error = await failureOf(clearCache({ ...cache(), names: ['a.h5', 'z.h5'] }));
    expect(error.code).toBe('USAGE_ARGUMENT');
    expect(error.given).toBe('z.h5');
    expect(error.expected).toContain('a.h5');
    expect(await listCache(cache())).toHaveLength(1);
  });

  it('removes a link, not what it points to', async () => {
    const { path } = await stored('net.h5');
    const elsewhere = join(context.folder, 'elsewhere.h5');
    await writeFile(elsewhere, bytes);
    await rm(path);
    await symlink(elsewhere, path);
    await clearCache(cache());
    expectBytes(await readFile(elsewhere), bytes);
    expect(await listCache({ ...cache(), all: true })).toEqual([]);
  });

  it('refuses a folder that is not a cache of ours', async () => {
    await mkdir(weights(), { recursive: true });
    await writeFile(weights('0123456789abcdef-mine.h5'), bytes);
    expect((await failureOf(clearCache(cache()))).code).toBe('CACHE_ACCESS');
    expect(await readdir(weights())).toEqual(['0123456789abcdef-mine.h5']);
  });

  it('has nothing to do where there is no folder', async () => {
    expect(await clearCache({ cacheFolder: join(context.folder, 'none') })).toEqual({
      files: [],
      bytes: 0,
      locked: [],
    });
  });
});

describe('a folder that cannot be used', () => {
  it('is a file', async () => {
    const path = join(context.folder, 'file');
    await writeFile(path, 'text');
    const error = await failureOf(
      downloadToCache(remote('net.h5'), { ...context.options, cacheFolder: path }),
    );
    expect(error.code).toBe('CACHE_ACCESS');
    expect(error.message).toContain(path);
    expect((await failureOf(listCache({ cacheFolder: path }))).code).toBe('CACHE_ACCESS');
    expect(await readFile(path, 'utf8')).toBe('text');
  });

  it('has a folder where the file should be', async () => {
    const { target, path } = await stored('net.h5');
    await rm(path);
    await mkdir(path);
    expect((await failureOf(downloadToCache(target, context.options))).code).toBe('CACHE_ACCESS');
  });
});

/** Mounts a small file system at `path`; only root may, and not in every container. */
function mount(path: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    // eslint-disable-next-line no-console
    console.warn('not tested here: mounting a small tmpfs needs root');
    return false;
  }
}

describeOnLoopback('a disk of 64 KiB', () => {
  it.for([
    ['that is too small for what the server announces', {}, '200000 bytes free'],
    [
      'that fills up while bytes of unknown number arrive',
      { statedLength: false as const },
      'enough free space',
    ],
  ] as const)('%s is an error by name, and gets its space back', async ([, how, expected], { skip }) => {
    const disk = join(context.folder, 'disk');
    await mkdir(disk);
    if (!mount(disk, 'size=64k')) skip();
    try {
      const url = context.server.route('/big.h5', file(hdf5Bytes(200_000), how));
      const error = await failureOf(
        downloadToCache({ url, fileName: 'big.h5' }, { ...context.options, cacheFolder: disk }),
      );
      expect(error.code).toBe('OUTPUT_DISK_FULL');
      expect(error.message).toContain(disk);
      expect(error.expected).toContain(expected);
      expect(error.nextStep).toContain('DOVECOTE_CACHE');
      expect(await readdir(join(disk, 'weights'))).toEqual(['CACHEDIR.TAG']);
      const small = { url: context.server.route('/small.h5', file(bytes)), fileName: 'small.h5' };
      expectBytes(await readCached(small, { ...context.options, cacheFolder: disk }), bytes);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

it('a disk that may only be read serves what it has, and refuses what it lacks by name', async ({ skip }) => {
  const disk = join(context.folder, 'disk');
  await mkdir(disk);
  if (!mount(disk, 'size=1m')) skip();
  try {
    const options = { ...context.options, cacheFolder: disk };
    const { target, path } = await stored('net.h5', {}, options);
    await utimes(path, new Date(), new Date(0));
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    expectBytes(await readCached(target, options), bytes);
    const error = await failureOf(downloadToCache(remote('new.h5'), options));
    expect(error.code).toBe('CACHE_ACCESS');
    expect(error.summary).toContain('read-only');
    expect((await failureOf(clearCache({ cacheFolder: disk }))).code).toBe('CACHE_ACCESS');
  } finally {
    execFileSync('umount', [disk]);
  }
});
