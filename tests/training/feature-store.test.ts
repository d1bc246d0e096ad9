import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  clearFeatureCache,
  featureCacheSize,
  featuresFolder,
  openFeatureStoreNode,
} from '../../src/training/feature-store.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-features-'));
});
afterEach(async () => {
  delete process.env.DOVECOTE_FEATURE_CACHE_MB;
  await rm(folder, { recursive: true, force: true });
});

const row = Float32Array.from([1.5, -2, Number.MIN_VALUE, 3e38]);
const picture = new Uint8Array([1, 2, 3]);

async function fileOf(network: string): Promise<string> {
  const store = await openFeatureStoreNode(network, folder);
  const key = await store.keyOf(picture);
  await store.put(key, row);
  const [network0] = (await readdir(featuresFolder(folder))).filter((name) => name.length === 32);
  return join(featuresFolder(folder), network0!, `${key}.f32`);
}

describe('the store of features', () => {
  it('gives back what was put there, also to another process', async () => {
    await fileOf('a');
    const again = await openFeatureStoreNode('a', folder);
    expect(await again.get(await again.keyOf(picture))).toEqual(row);
    expect(again.problem).toBeUndefined();
  });

  it('knows nothing of another picture, nor of another network', async () => {
    await fileOf('a');
    const same = await openFeatureStoreNode('a', folder);
    expect(await same.get(await same.keyOf(new Uint8Array([1, 2, 4])))).toBeUndefined();
    const other = await openFeatureStoreNode('b', folder);
    expect(await other.get(await other.keyOf(picture))).toBeUndefined();
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -4)],
    ['cut off in the middle of a number', (bytes: Buffer) => bytes.subarray(0, -2)],
    ['cut off in its header', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['empty', () => Buffer.alloc(0)],
    ['of another version', (bytes: Buffer) => Buffer.concat([Buffer.from('DVFEAT99'), bytes.subarray(8)])],
    ['changed in one bit', (bytes: Buffer) => (bytes.set([bytes.at(-1)! ^ 1], bytes.length - 1), bytes)],
  ])('takes a file that is %s for missing, and writes it anew', async (_, damage) => {
    const path = await fileOf('a');
    await writeFile(path, damage(await readFile(path)));
    const store = await openFeatureStoreNode('a', folder);
    const key = await store.keyOf(picture);
    expect(await store.get(key)).toBeUndefined();
    await store.put(key, row);
    expect(await store.get(key)).toEqual(row);
  });

  it('leaves no file behind that is not whole, with many writers at once', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => openFeatureStoreNode('a', folder)));
    const key = await stores[0]!.keyOf(picture);
    await Promise.all(stores.flatMap((store) => Array.from({ length: 5 }, () => store.put(key, row))));
    expect(await stores[0]!.get(key)).toEqual(row);
    const { files } = await featureCacheSize(folder);
    expect(files).toBe(1);
  });

  it('says why it cannot keep anything, once, and never throws', async () => {
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    const store = await openFeatureStoreNode('a', blocked);
    const key = await store.keyOf(picture);
    await store.put(key, row);
    expect(await store.get(key)).toBeUndefined();
    expect(store.problem).toMatch(/ENOTDIR|EEXIST|not a directory/i);
  });

  it('removes what was used longest ago when it grows over its limit, never what is in use', async () => {
    const path = await fileOf('old');
    await writeFile(path, Buffer.alloc(3 * 2 ** 20));
    const past = new Date(Date.now() - 1e6);
    await utimes(join(path, '..'), past, past);
    process.env.DOVECOTE_FEATURE_CACHE_MB = '2';
    const store = await openFeatureStoreNode('new', folder);
    await store.put(await store.keyOf(picture), row);
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await featureCacheSize(folder)).networks).toBe(1);
    expect(await store.get(await store.keyOf(picture))).toEqual(row);
  });

  it('can be measured and cleared; what is not its own stays', async () => {
    await fileOf('a');
    const stranger = join(featuresFolder(folder), 'notes.txt');
    await writeFile(stranger, 'mine');
    const size = await featureCacheSize(folder);
    expect(size).toMatchObject({ networks: 1, files: 1, size: 8 + 32 + 16 });
    expect(await clearFeatureCache(folder)).toEqual(size);
    expect(await featureCacheSize(folder)).toMatchObject({ networks: 0, files: 0, size: 0 });
    expect(await readFile(stranger, 'utf8')).toBe('mine');
  });
});
