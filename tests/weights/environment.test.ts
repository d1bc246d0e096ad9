import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import {
  cacheFolder,
  downloadToCache,
  isOffline,
  mirrorUrl,
  readCached,
  readLocation,
} from '../../src/weights/index.node.ts';
import { file } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import {
  expectBytes,
  failureOf,
  fast,
  hdf5Bytes,
  sha256,
  storeFromFolder,
  useServerAndCache,
} from './setup.ts';

const bytes = hdf5Bytes(5_000);
const context = useServerAndCache();
const official = { url: 'https://weights.invalid/v1.0/net.h5', fileName: 'net.h5', sha256: sha256(bytes) };

/** Where the error says that a file may be put by hand. */
async function placeByHand(): Promise<string> {
  const error = await failureOf(downloadToCache(official, { ...context.options, offline: true }));
  return /the file at (.+)$/.exec(error.expected ?? '')![1]!;
}

describe('DOVECOTE_CACHE', () => {
  it('names the folder', async () => {
    vi.stubEnv('DOVECOTE_CACHE', context.folder);
    const path = await storeFromFolder(official, bytes, fast);
    expect(path.startsWith(join(context.folder, 'weights'))).toBe(true);
    expect(cacheFolder()).toBe(context.folder);
  });

  it('may be relative, or begin with ~', () => {
    vi.stubEnv('DOVECOTE_CACHE', 'some/folder');
    expect(cacheFolder()).toBe(resolve('some/folder'));
    vi.stubEnv('DOVECOTE_CACHE', '~/birds');
    expect(cacheFolder()).toBe(join(homedir(), 'birds'));
  });

  it('is the user’s cache folder when not set or empty', () => {
    for (const value of [undefined, '', ' ']) {
      vi.stubEnv('DOVECOTE_CACHE', value);
      expect(cacheFolder()).toMatch(/dovecote([/\\]Cache)?$/);
      expect(resolve(cacheFolder())).toBe(cacheFolder());
    }
  });
});

describe('DOVECOTE_OFFLINE', () => {
  it.each(['1', 'true', 'yes'])('%s forbids the network, other words for no allow it', (value) => {
    vi.stubEnv('DOVECOTE_OFFLINE', value);
    expect(isOffline()).toBe(true);
    for (const no of ['', '0', 'false', 'No', 'off']) {
      vi.stubEnv('DOVECOTE_OFFLINE', no);
      expect(isOffline()).toBe(false);
    }
  });

  it('names the URL, the place in the cache and the next step, and asks no server', async () => {
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    const target = { url: context.server.route('/net.h5', file(bytes)), fileName: 'net.h5' };
    const error = await failureOf(downloadToCache(target, context.options));
    expect(error.code).toBe('NETWORK_OFFLINE');
    expect(error.given).toContain(target.url);
    expect(error.expected).toContain(context.folder);
    expect(error.nextStep).toContain('DOVECOTE_OFFLINE');
    expect(context.server.requests()).toHaveLength(0);
    expect(await readdir(context.folder)).toEqual([]);
  });

  it('uses what is in the cache', async () => {
    await storeFromFolder(official, bytes, context.options);
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    expectBytes(await readCached(official, context.options), bytes);
  });

  it('uses a file that was put in the named place by hand', async () => {
    const path = await placeByHand();
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, bytes);
    expectBytes(await readCached(official, { ...context.options, offline: true }), bytes);
  });

  it('refuses a file put there by hand that is another one, and says so', async () => {
    const path = await placeByHand();
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, hdf5Bytes(5_001));
    const error = await failureOf(readCached(official, { ...context.options, offline: true }));
    expect(error.code).toBe('NETWORK_OFFLINE');
    expect(error.summary).toContain('SHA-256');
  });

  it('refuses http locations, and reads paths and file: URLs', async () => {
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    const url = context.server.route('/net.h5', file(bytes));
    expect((await failureOf(readLocation(url))).code).toBe('NETWORK_OFFLINE');
    expect(context.server.requests()).toHaveLength(0);
    const path = join(context.folder, 'net.h5');
    await writeFile(path, bytes);
    expectBytes(await readLocation(path), bytes);
    expectBytes(await readLocation(pathToFileURL(path)), bytes);
    expect(await readCached({ url: pathToFileURL(path).href, fileName: 'net.h5' }, context.options)).toEqual(
      bytes,
    );
  });
});

describe('DOVECOTE_MIRROR', () => {
  itOnLoopback('is asked instead of the host, by host and path', async () => {
    context.server.route('/mirror/weights.invalid/v1.0/net.h5', file(bytes));
    vi.stubEnv('DOVECOTE_MIRROR', `${context.server.url}/mirror`);
    expectBytes(await readCached(official, context.options), bytes);
  });

  itOnLoopback('fills the same place of the cache as the host itself', async () => {
    context.server.route('/weights.invalid/v1.0/net.h5', file(bytes));
    const path = await downloadToCache(official, { ...context.options, mirror: context.server.url });
    expect(await downloadToCache(official, { ...context.options, offline: true })).toBe(path);
  });

  it('may be a folder, also without a network', async () => {
    const folder = join(context.folder, 'stick');
    await mkdir(join(folder, 'weights.invalid/v1.0'), { recursive: true });
    await writeFile(join(folder, 'weights.invalid/v1.0/net.h5'), bytes);
    vi.stubEnv('DOVECOTE_MIRROR', pathToFileURL(folder).href);
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    expectBytes(await readCached(official, context.options), bytes);
  });

  itOnLoopback('that lacks the file is named in the error', async () => {
    const error = await failureOf(
      downloadToCache(official, { ...context.options, mirror: context.server.url }),
    );
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.given).toBe(`${context.server.url}/weights.invalid/v1.0/net.h5`);
    const folder = { ...context.options, mirror: pathToFileURL(context.folder).href };
    expect((await failureOf(downloadToCache(official, folder))).code).toBe('FILE_NOT_FOUND');
  });

  itOnLoopback('that has other bytes is not believed', async () => {
    context.server.route('/weights.invalid/v1.0/net.h5', file(hdf5Bytes(4_000)));
    const error = await failureOf(
      downloadToCache(official, { ...context.options, mirror: context.server.url }),
    );
    expect(error.code).toBe('DOWNLOAD_HASH');
  });

  it('gives no two addresses the same place', () => {
    const places = [
      'https://a.org/net.h5',
      'https://b.org/net.h5',
      'https://a.org:8443/net.h5',
      'https://a.org/v1/net.h5',
      'https://a.org/net.h5?raw=1',
      'https://a.org/net.h5?raw=2',
      'https://a.org/net.h5/raw=2',
    ].map((url) => mirrorUrl('https://mirror.org/x/', url).href);
    expect(new Set(places).size).toBe(places.length);
    expect(places[0]).toBe('https://mirror.org/x/a.org/net.h5');
    expect(places[4]).toBe('https://mirror.org/x/a.org/net.h5%3Fraw%3D1');
  });

  it('that is no URL is a usage error', async () => {
    vi.stubEnv('DOVECOTE_MIRROR', 'not a url');
    const error = await failureOf(downloadToCache(official, context.options));
    expect(error.code).toBe('USAGE_OPTION');
    expect(error.given).toContain('DOVECOTE_MIRROR=not a url');
  });
});

it('a cache that was copied to another machine is used there without a download', async () => {
  await storeFromFolder(official, bytes, context.options);
  const copy = join(context.folder, 'copy');
  await cp(join(context.folder, 'weights'), join(copy, 'weights'), { recursive: true });
  expectBytes(await readCached(official, { ...context.options, cacheFolder: copy, offline: true }), bytes);
});
