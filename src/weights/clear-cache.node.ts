import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { CacheError, UsageError } from '../base/errors.ts';
import { isOurFolder } from './entry.node.ts';
import { cacheFailure } from './file-errors.node.ts';
import { nameWithoutKey, readFolder, type FoundEntry } from './list-cache.node.ts';
import { tryLock } from './lock.node.ts';
import type { CacheOptions } from './options.ts';
import { weightsFolder } from './settings.node.ts';

export interface ClearOptions extends Pick<CacheOptions, 'cacheFolder' | 'lock'> {
  /** File names, names in the cache's folder, or URLs; without any, everything. */
  readonly names?: readonly string[];
}

export interface ClearedCache {
  /** Names that were removed from the cache's folder. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Entries that another process is working on; they were left alone. */
  readonly locked: readonly string[];
}

/**
 * Removes files of the cache and unfinished downloads, and nothing else that may lie in the folder.
 *
 * @throws CacheError `CACHE_ACCESS` (also for a folder that this package has not made);
 *   UsageError `USAGE_ARGUMENT` for a name that is not there, before anything is removed
 */
export async function clearCache(options: ClearOptions = {}): Promise<ClearedCache> {
  const folder = weightsFolder(options);
  const { entries, foreign } = await readFolder(folder);
  const chosen = options.names === undefined ? entries : choose(entries, options.names);
  if (chosen.length === 0) return { files: [], bytes: 0, locked: [] };
  if (!(await isOurFolder(folder))) {
    throw new CacheError(
      'CACHE_ACCESS',
      'This folder is not a weight cache of dovecote; nothing was removed.',
      {
        given: `${folder} (${entries.length + foreign.length} names, no CACHEDIR.TAG of ours)`,
        expected: 'a folder that dovecote has made',
        nextStep: 'check DOVECOTE_CACHE, or remove the files by hand',
      },
    );
  }
  const removed = { files: [] as string[], bytes: 0, locked: [] as string[] };
  for (const entry of chosen) {
    const release = await tryLock(entry.paths, options.lock);
    if (release === undefined) {
      removed.locked.push(entry.name);
      continue;
    }
    try {
      for (const path of entry.files) {
        await rm(path, { force: true });
        removed.files.push(basename(path));
      }
      removed.bytes += (entry.size ?? 0) + (entry.partialSize ?? 0);
    } catch (error) {
      throw cacheFailure(error, entry.paths.path);
    } finally {
      await release();
    }
  }
  return removed;
}

function choose(entries: readonly FoundEntry[], names: readonly string[]): FoundEntry[] {
  const namesOf = ({ name, record }: FoundEntry) => [
    name,
    nameWithoutKey(name),
    record?.fileName,
    record?.url,
  ];
  const lost = names.filter((name) => !entries.some((entry) => namesOf(entry).includes(name)));
  if (lost.length > 0) {
    throw new UsageError('USAGE_ARGUMENT', `The cache has no file of this name; nothing was removed.`, {
      given: lost.join(', '),
      expected:
        entries.length === 0
          ? 'nothing: the cache is empty'
          : entries.map(({ name }) => nameWithoutKey(name)).join(', '),
      nextStep: 'take a name from `dovecote cache list`',
    });
  }
  return entries.filter((entry) => namesOf(entry).some((name) => name !== undefined && names.includes(name)));
}
