import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { DovecoteError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/types.ts';
import type { RemoteFile } from '../../src/platform.ts';
import { downloadToCache, mirrorUrl, type CacheOptions } from '../../src/weights/index.node.ts';
import { startFaultServer, type FaultServer } from '../support/fault-server.ts';

/** Settings that make every wait short. */
export const fast = {
  retry: { retries: 2, minDelayMs: 5, maxDelayMs: 20, maxRetryAfterMs: 200 },
  timeouts: { connectMs: 5000, headersMs: 5000, bodyMs: 5000 },
  lock: { pollMs: 20 },
} satisfies CacheOptions;

/** For the tests in which a server falls silent. */
export const impatient = { headersMs: 1500, bodyMs: 1500 };

/** Bytes with an HDF5 superblock (version 0) that states their number; the rest is a pattern without repeats. */
export function hdf5Bytes(length: number, stated = length): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 2654435761) >>> 24;
  const superblock = new Uint8Array(48);
  superblock.set([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
  superblock.set([8, 8], 13);
  new DataView(superblock.buffer).setBigUint64(40, BigInt(stated), true);
  bytes.set(superblock.subarray(0, length));
  return bytes;
}

/** Compares without the pages of differences that `toEqual` would print, and much faster. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect({ length: actual.length, sha256: sha256(actual) }).toEqual({
    length: expected.length,
    sha256: sha256(expected),
  });
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** The DovecoteError that a promise is rejected with; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<DovecoteError> {
  const error = await promise.then(
    () => new Error('expected a rejection'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DovecoteError)) throw error;
  return error;
}

/** A folder in memory where there is one: downloads wait until their bytes are on the disk. */
function quickFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

/**
 * Path in the cache of a file that comes into it from a folder in place of its host: what a cache does with its files
 * needs no network.
 */
export async function storeFromFolder(
  file: RemoteFile,
  bytes: Uint8Array,
  options: CacheOptions,
): Promise<string> {
  const folder = await mkdtemp(join(quickFolder(), 'dovecote-mirror-'));
  try {
    const mirror = pathToFileURL(folder).href;
    const path = fileURLToPath(mirrorUrl(mirror, file.url));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    return await downloadToCache(file, { ...options, mirror });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

export interface TestContext {
  server: FaultServer;
  folder: string;
  options: CacheOptions;
  /** Whether the progress that `options` reported last has reached a position of the file. */
  readonly hasReached: (position: number) => boolean;
}

/** A fresh server and cache folder for each test, and an environment without settings of the machine. */
export function useServerAndCache(): TestContext {
  let done = 0;
  const context = { hasReached: (position: number) => done >= position } as TestContext;
  beforeEach(async () => {
    for (const name of ['DOVECOTE_CACHE', 'DOVECOTE_OFFLINE', 'DOVECOTE_MIRROR', ...proxyNames]) {
      vi.stubEnv(name, undefined);
    }
    context.server = await startFaultServer();
    context.folder = await mkdtemp(join(quickFolder(), 'dovecote-cache-'));
    done = 0;
    // A finished file says nothing about the next one.
    const onProgress = (progress: Progress) => (done = progress.done === progress.total ? 0 : progress.done);
    context.options = { ...fast, cacheFolder: context.folder, onProgress };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await context.server.close();
    await rm(context.folder, { recursive: true, force: true });
  });
  return context;
}
