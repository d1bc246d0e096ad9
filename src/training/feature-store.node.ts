import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { env } from 'node:process';
import { join } from 'node:path';
import { reasonOf } from '../base/errors.ts';
import type { FeatureStore } from '../platform.ts';
import { cacheFolder } from '../weights/settings.node.ts';

/** What a file starts with: the format and its version. */
const MAGIC = Buffer.from('DVFEAT01');
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + HASH_BYTES;
/** Networks whose features are kept take together at most as much, unless `DOVECOTE_FEATURE_CACHE_MB` says otherwise. */
const DEFAULT_LIMIT_MB = 2048;

/** A part of `cacheFolder`. */
export function featuresFolder(folder?: string): string {
  return join(cacheFolder(folder === undefined ? {} : { cacheFolder: folder }), 'features');
}

export function sha256Node(bytes: Uint8Array): Promise<string> {
  return Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
}

/**
 * One folder for each network, named by the hash of its graph, weights and preparation of pictures; in it one file for each
 * picture, named by the hash of its bytes: a header, the SHA-256 of what follows, float32 numbers. Files are written aside
 * and put in their place by renaming, so that processes do not disturb each other; what is damaged is computed anew.
 *
 * When the folders grow over the limit, those that were used longest ago are removed, never this one.
 */
export async function openFeatureStoreNode(network: string, folder?: string): Promise<FeatureStore> {
  const root = featuresFolder(folder);
  const name = createHash('sha256').update(network).digest('hex').slice(0, 32);
  const store = new FolderStore(join(root, name));
  await store.open();
  await removeOldest(root, name);
  return store;
}

class FolderStore implements FeatureStore {
  readonly #folder: string;
  #problem: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async open(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true });
      const now = new Date();
      await utimes(this.#folder, now, now);
    } catch (error) {
      this.#problem = reasonOf(error);
    }
  }

  keyOf(picture: Uint8Array): Promise<string> {
    return sha256Node(picture);
  }

  async get(key: string): Promise<Float32Array | undefined> {
    const bytes = await readFile(this.#pathOf(key)).catch(() => undefined);
    if (bytes === undefined || bytes.length < HEADER_BYTES || (bytes.length - HEADER_BYTES) % 4 !== 0)
      return undefined;
    const numbers = bytes.subarray(HEADER_BYTES);
    const hash = createHash('sha256').update(numbers).digest();
    const isWhole =
      bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
      bytes.subarray(MAGIC.length, HEADER_BYTES).equals(hash);
    // A copy, for the numbers may stand at any address in the buffer.
    return isWhole ? new Float32Array(Uint8Array.from(numbers).buffer) : undefined;
  }

  async put(key: string, row: Float32Array): Promise<void> {
    // A full or read-only disk is not tried again for every picture.
    if (this.#problem !== undefined) return;
    const path = this.#pathOf(key);
    const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    const numbers = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
    const hash = createHash('sha256').update(numbers).digest();
    try {
      await writeFile(aside, Buffer.concat([MAGIC, hash, numbers]));
      await rename(aside, path);
    } catch (error) {
      this.#problem = reasonOf(error);
      await rm(aside, { force: true }).catch(() => undefined);
    }
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key}.f32`);
  }
}

export interface FeatureCacheSize {
  readonly folder: string;
  readonly networks: number;
  readonly files: number;
  /** Bytes. */
  readonly size: number;
}

/** How much the features of all networks take. A folder that does not exist is empty. */
export async function featureCacheSize(folder?: string): Promise<FeatureCacheSize> {
  const root = featuresFolder(folder);
  const networks = await networksIn(root);
  const total = (of: 'files' | 'size') => networks.reduce((sum, network) => sum + network[of], 0);
  return { folder: root, networks: networks.length, files: total('files'), size: total('size') };
}

/** Removes the features of all networks, and says how much that was. */
export async function clearFeatureCache(folder?: string): Promise<FeatureCacheSize> {
  const size = await featureCacheSize(folder);
  for (const { path } of await networksIn(size.folder)) await rm(path, { recursive: true, force: true });
  return size;
}

interface Network {
  readonly path: string;
  readonly name: string;
  readonly files: number;
  readonly size: number;
  readonly usedAt: number;
}

/** The folders that this module makes; whatever else lies there is left alone. */
async function networksIn(root: string): Promise<Network[]> {
  const names = (await readdir(root).catch(() => [])).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const path = join(root, name);
      const files = await readdir(path).catch(() => []);
      const sizes = await Promise.all(
        files.map((file) =>
          stat(join(path, file)).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
      );
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
      const size = sizes.reduce((sum, each) => sum + each, 0);
      return { path, name, files: files.length, size, usedAt: mtimeMs };
    }),
  );
}

async function removeOldest(root: string, keep: string): Promise<void> {
  const asked = Number(env.DOVECOTE_FEATURE_CACHE_MB ?? DEFAULT_LIMIT_MB);
  const limit = (Number.isFinite(asked) && asked >= 0 ? asked : DEFAULT_LIMIT_MB) * 2 ** 20;
  const networks = (await networksIn(root)).sort((a, b) => b.usedAt - a.usedAt);
  let total = 0;
  for (const { path, name, size } of networks) {
    total += size;
    if (total > limit && name !== keep)
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
