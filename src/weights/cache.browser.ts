import { UsageError } from '../base/errors.ts';
import type { ReadOptions, RemoteFile } from '../platform.ts';
import type { CheckedBytes } from './published-file.ts';
import { mismatch } from './published-file.ts';

/** A weight file that this site keeps. */
export interface StoredWeights {
  /** `clearCache` takes it. */
  readonly fileName: string;
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601. */
  readonly storedAt: string;
}

export interface ClearedWeights {
  /** Names of the files that were removed. */
  readonly files: readonly string[];
  readonly bytes: number;
}

const STORE = 'dovecote-weights-v1';
const FACTS = 'x-dovecote-file';

/**
 * A published file out of the site's Cache Storage, or from the network into it. What comes out is held to its size and
 * hash as well: what does not match is fetched anew, and what was fetched and does not match is not kept. Pages without https
 * have no Cache Storage, and full disks take nothing more; then the file is fetched each time.
 *
 * @param fetchFile Its bytes, not checked.
 */
export async function throughCache(
  file: RemoteFile,
  { onProgress, label = file.fileName }: ReadOptions,
  fetchFile: () => Promise<Uint8Array>,
): Promise<CheckedBytes> {
  const store = await openStore();
  const key = keyOf(file);
  const kept = await bytesIn(store, key);
  if (kept !== undefined) {
    if ((await mismatch(kept, file)) === undefined) {
      const { length } = kept;
      onProgress?.({ phase: `read ${label}`, done: length, total: length, unit: 'bytes' });
      return { bytes: kept, problem: undefined };
    }
    await store?.delete(key);
  }
  const bytes = await fetchFile();
  const problem = await mismatch(bytes, file);
  if (problem !== undefined) return { bytes, problem };
  const facts: StoredWeights = {
    fileName: file.fileName,
    url: file.url,
    size: bytes.length,
    storedAt: new Date().toISOString(),
  };
  const headers = { [FACTS]: encodeURIComponent(JSON.stringify(facts)) };
  await store?.put(key, new Response(bytes as Uint8Array<ArrayBuffer>, { headers })).catch(() => undefined);
  return { bytes, problem };
}

/** Weight files that this site keeps, by name. */
export async function listCache(): Promise<StoredWeights[]> {
  const entries = await allIn(await openStore());
  return entries.map(({ facts }) => facts).sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
}

/**
 * Removes weight files that this site keeps.
 *
 * @param options.names File names or URLs; without any, everything.
 * @throws UsageError `USAGE_ARGUMENT` for a name that is not there, before anything is removed
 */
export async function clearCache(
  options: { readonly names?: readonly string[] } = {},
): Promise<ClearedWeights> {
  const store = await openStore();
  const entries = await allIn(store);
  const { names } = options;
  const unknown = names?.find((name) => !entries.some(({ facts }) => isNamed(facts, name)));
  if (unknown !== undefined) {
    throw new UsageError('USAGE_ARGUMENT', 'There is no such file in the cache.', {
      given: unknown,
      expected: entries.map(({ facts }) => facts.fileName).join(', ') || 'nothing: the cache is empty',
      nextStep: '`listCache()` tells what there is',
    });
  }
  const chosen = entries.filter(({ facts }) => names?.some((name) => isNamed(facts, name)) ?? true);
  for (const { request } of chosen) await store?.delete(request);
  return {
    files: chosen.map(({ facts }) => facts.fileName),
    bytes: chosen.reduce((sum, { facts }) => sum + facts.size, 0),
  };
}

const isNamed = ({ fileName, url }: StoredWeights, name: string) => name === fileName || name === url;

/** By content where that is known: bundlers give one file other addresses from build to build. */
function keyOf({ url, fileName, sha256, md5 }: RemoteFile): string {
  const hash = sha256 ?? md5;
  return hash === undefined ? url : `https://dovecote.invalid/${hash}/${encodeURIComponent(fileName)}`;
}

async function openStore(): Promise<Cache | undefined> {
  if (!('caches' in globalThis)) return undefined;
  // Refused in private windows of some browsers, and in sandboxed frames.
  return caches.open(STORE).catch(() => undefined);
}

async function bytesIn(store: Cache | undefined, key: string): Promise<Uint8Array | undefined> {
  const response = await store?.match(key).catch(() => undefined);
  // Half a file, after a crash of the browser, fails here or by its hash.
  const bytes = await response?.arrayBuffer().catch(() => undefined);
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

async function allIn(store: Cache | undefined): Promise<{ request: Request; facts: StoredWeights }[]> {
  if (store === undefined) return [];
  const found = await Promise.all(
    (await store.keys()).map(async (request) => {
      const text = (await store.match(request))?.headers.get(FACTS);
      return text == null ? [] : [{ request, facts: JSON.parse(decodeURIComponent(text)) as StoredWeights }];
    }),
  );
  return found.flat();
}
