import type { ProgressCallback } from '../base/types.ts';
import { byteProgress, type ByteProgress } from './byte-progress.ts';
import { readRecord } from './entry.node.ts';
import { cacheFailure, errnoOf } from './file-errors.node.ts';
import { hashFile } from './hash-file.node.ts';
import { hashProblem } from './inspect-entry.node.ts';
import { nameWithoutKey, readFolder, type FoundEntry } from './list-cache.node.ts';
import type { CacheOptions } from './options.ts';
import { weightsFolder } from './settings.node.ts';

/**
 * - `ok`: the bytes have the size and hash that were recorded
 * - `damaged`: they have not; the next use fetches the file again
 * - `missing`: recorded, but gone
 * - `partial`: an unfinished download, which the next use goes on with
 * - `unknown`: nothing recorded, or not a file of the cache at all
 */
export type CacheStatus = 'ok' | 'damaged' | 'missing' | 'partial' | 'unknown';

export interface CacheFinding {
  readonly name: string;
  readonly fileName: string;
  readonly status: CacheStatus;
  readonly url?: string;
  /** Why the status is not `ok`. */
  readonly reason?: string;
}

export interface VerifyOptions extends Pick<CacheOptions, 'cacheFolder' | 'signal'> {
  readonly onProgress?: ProgressCallback;
}

/**
 * Hashes every file of the cache and compares it with what was recorded when it was stored. Changes nothing.
 *
 * @throws CacheError `CACHE_ACCESS`; AbortedError `ABORTED`
 */
export async function verifyCache(options: VerifyOptions = {}): Promise<CacheFinding[]> {
  const { entries, foreign } = await readFolder(weightsFolder(options));
  const total = entries.reduce((sum, entry) => sum + (entry.size ?? 0), 0);
  const progress = countingProgress(byteProgress(options.onProgress, 'verify cache'), total);
  const findings: CacheFinding[] = [];
  for (const entry of entries) {
    const finding = await verifyEntry(entry, progress, options.signal);
    if (finding !== undefined) findings.push(finding);
  }
  const strangers = foreign.map((name): CacheFinding => ({
    name,
    fileName: name,
    status: 'unknown',
    reason: 'not a file of the cache',
  }));
  return [...findings, ...strangers];
}

/** Exit status that a program should end with: 1 when a file is damaged or missing, else 0. */
export function cacheExitStatus(findings: readonly CacheFinding[]): 0 | 1 {
  return findings.some(({ status }) => status === 'damaged' || status === 'missing') ? 1 : 0;
}

async function verifyEntry(
  entry: FoundEntry,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<CacheFinding | undefined> {
  const { name, paths, size, partialSize } = entry;
  const record = entry.record;
  const base = { name, fileName: record?.fileName ?? nameWithoutKey(name), url: record?.url };
  if (size === undefined && partialSize !== undefined) {
    return { ...base, status: 'partial', reason: `${partialSize} bytes of an unfinished download` };
  }
  if (size === undefined) {
    return record === undefined ? undefined : { ...base, status: 'missing', reason: 'the file is gone' };
  }
  if (record === undefined) {
    return { ...base, status: 'unknown', reason: 'nothing is recorded about it; its first use checks it' };
  }
  try {
    const digest = await hashFile(paths.path, { md5: record.md5 !== undefined, signal, onBytes });
    const reason = hashProblem(digest, record);
    if (reason === undefined) return { ...base, status: 'ok' };
    // Another process may have stored the file anew while it was hashed.
    const now = await readRecord(paths);
    const renewed = now !== undefined && now.storedAt !== record.storedAt;
    return renewed
      ? await verifyEntry({ ...entry, record: now }, () => undefined, signal)
      : { ...base, status: 'damaged', reason };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { ...base, status: 'missing', reason: 'the file is gone' };
    if (errnoOf(error) === 'EISDIR')
      return { ...base, status: 'damaged', reason: 'a folder is in its place' };
    throw cacheFailure(error, paths.path);
  }
}

function countingProgress(progress: ByteProgress, total: number): (bytes: number) => void {
  let done = 0;
  return (bytes) => progress.report((done += bytes), total);
}
