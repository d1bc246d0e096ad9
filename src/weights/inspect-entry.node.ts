import { stat } from 'node:fs/promises';
import type { RemoteFile } from '../platform.ts';
import { contentProblem } from './check-content.ts';
import { readRecord, recordOf, writeRecord, type EntryPaths, type EntryRecord } from './entry.node.ts';
import { cacheFailure, errnoOf } from './file-errors.node.ts';
import { hashFile, readHead, type FileDigest } from './hash-file.node.ts';

export type EntryState =
  | { readonly state: 'ready' }
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly reason: string };

type Hashes = Pick<RemoteFile, 'size' | 'sha256' | 'md5'>;

/**
 * Whether the cached copy of a file may be used. The size and the modification time are compared each time; the
 * bytes are hashed only when the time has moved or nothing is recorded yet (a file put there by hand), since a
 * hash of 500 MB costs a second. `verifyCache` hashes all.
 */
export async function inspectEntry(
  entry: EntryPaths,
  file: RemoteFile,
  signal?: AbortSignal,
): Promise<EntryState> {
  try {
    const info = await stat(entry.path);
    if (!info.isFile()) throw Object.assign(new Error(`${entry.path} is not a file`), { code: 'EISDIR' });
    const record = await readRecord(entry);
    const expectedSize = file.size ?? record?.size;
    if (expectedSize !== undefined && info.size !== expectedSize) {
      return damaged(`it has ${info.size} bytes instead of ${expectedSize}`);
    }
    if (record !== undefined && record.mtimeMs === info.mtimeMs && agrees(record, file))
      return { state: 'ready' };
    return await inspectBytes(entry, file, record, signal);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { state: 'absent' };
    throw cacheFailure(error, entry.path);
  }
}

async function inspectBytes(
  entry: EntryPaths,
  file: RemoteFile,
  record: EntryRecord | undefined,
  signal: AbortSignal | undefined,
): Promise<EntryState> {
  const digest = await hashFile(entry.path, { md5: file.md5 !== undefined, signal });
  const known = file.sha256 !== undefined || file.md5 !== undefined;
  const wrong = hashProblem(digest, known ? file : { sha256: record?.sha256 });
  if (wrong !== undefined) return damaged(wrong);
  if (!known && record === undefined) {
    const problem = contentProblem(file.fileName, await readHead(entry.path), digest.size);
    if (problem !== undefined) return damaged(problem);
  }
  const { etag, lastModified, source } = record ?? {};
  const renewed = await recordOf(entry.path, file, digest, { etag, lastModified, source });
  // A cache that may only be read is still a cache.
  await writeRecord(entry, renewed).catch(() => undefined);
  return { state: 'ready' };
}

/** Why bytes with this digest are not the file, or `undefined`. */
export function hashProblem(digest: FileDigest, expected: Hashes): string | undefined {
  if (expected.size !== undefined && digest.size !== expected.size) {
    return `it has ${digest.size} bytes instead of ${expected.size}`;
  }
  if (expected.sha256 !== undefined && digest.sha256 !== expected.sha256.toLowerCase()) {
    return `its SHA-256 is ${digest.sha256} instead of ${expected.sha256}`;
  }
  if (expected.md5 !== undefined && digest.md5 !== expected.md5.toLowerCase()) {
    return `its MD5 is ${digest.md5} instead of ${expected.md5}`;
  }
  return undefined;
}

function agrees(record: EntryRecord, file: RemoteFile): boolean {
  const same = (recorded: string | undefined, expected: string | undefined) =>
    expected === undefined || recorded === expected.toLowerCase();
  return same(record.sha256, file.sha256) && same(record.md5, file.md5);
}

function damaged(reason: string): EntryState {
  return { state: 'damaged', reason };
}
