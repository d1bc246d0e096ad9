import { readdir, stat, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isTag,
  partOfEntry,
  pathsOfName,
  readRecord,
  type EntryPaths,
  type EntryRecord,
} from './entry.node.ts';
import { cacheFailure, errnoOf } from './file-errors.node.ts';
import type { CacheOptions } from './options.ts';
import { weightsFolder } from './settings.node.ts';

export interface CacheEntry {
  /** Name of the file in the cache's folder; `clearCache` takes it. */
  readonly name: string;
  /** Name that its card gives it. */
  readonly fileName: string;
  readonly path: string;
  /** Bytes on the disk. */
  readonly size: number;
  /** `file`: complete. `partial`: an unfinished download. `unrecorded`: put there by hand, not yet used. */
  readonly state: 'file' | 'partial' | 'unrecorded';
  readonly url?: string;
  readonly sha256?: string;
  /** ISO 8601. */
  readonly storedAt?: string;
}

export interface FoundEntry {
  readonly name: string;
  readonly paths: EntryPaths;
  readonly record: EntryRecord | undefined;
  /** Bytes of the file, and of the partial download; absent when there is none. */
  readonly size?: number;
  readonly partialSize?: number;
  /** Everything on the disk that belongs to it, but for the lock. */
  readonly files: readonly string[];
}

export interface FolderContent {
  readonly folder: string;
  readonly entries: readonly FoundEntry[];
  /** Names that the cache never makes. */
  readonly foreign: readonly string[];
}

/**
 * Files of the cache, by name. Unfinished downloads and files without a record are left out unless `all` is set.
 *
 * @throws CacheError `CACHE_ACCESS`
 */
export async function listCache(
  options: Pick<CacheOptions, 'cacheFolder'> & { readonly all?: boolean } = {},
): Promise<CacheEntry[]> {
  const { entries } = await readFolder(weightsFolder(options));
  const listed = entries.flatMap((entry): CacheEntry[] => {
    const { name, paths, record, size, partialSize } = entry;
    const fileName = record?.fileName ?? nameWithoutKey(name);
    const known = { name, fileName, url: record?.url, sha256: record?.sha256, storedAt: record?.storedAt };
    if (size !== undefined) {
      return [{ ...known, path: paths.path, size, state: record === undefined ? 'unrecorded' : 'file' }];
    }
    return partialSize === undefined
      ? []
      : [{ name, fileName, path: paths.partial, size: partialSize, state: 'partial' }];
  });
  return options.all ? listed : listed.filter((entry) => entry.state === 'file');
}

/** Everything in the folder, joined into entries. A folder that does not exist is empty. */
export async function readFolder(folder: string): Promise<FolderContent> {
  try {
    const groups = new Map<string, string[]>();
    const foreign: string[] = [];
    for (const item of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const part = partOfEntry(item.name);
      const isLock = part?.part === '.lock';
      if (part === undefined || item.isDirectory() !== isLock) {
        if (!isTag(item.name)) foreign.push(item.name);
        continue;
      }
      const files = groups.get(part.entry) ?? [];
      groups.set(part.entry, files);
      if (!isLock) files.push(item.name);
    }
    const entries = [...groups].map(([name, files]) => findEntry(folder, name, files));
    return { folder, entries: await Promise.all(entries), foreign };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { folder, entries: [], foreign: [] };
    throw cacheFailure(error, folder);
  }
}

async function findEntry(folder: string, name: string, files: readonly string[]): Promise<FoundEntry> {
  const paths = pathsOfName(folder, name);
  return {
    name,
    paths,
    record: await readRecord(paths),
    size: await sizeOf(paths.path),
    partialSize: await sizeOf(paths.partial),
    files: files.map((file) => join(folder, file)),
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // A link to a file that is gone is there all the same.
    return (await lstat(path).catch(() => undefined)) === undefined ? undefined : 0;
  }
}

export function nameWithoutKey(name: string): string {
  return name.replace(/^[0-9a-f]{16}-/, '');
}
