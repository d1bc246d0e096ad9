import { rename } from 'node:fs/promises';
import { DovecoteError, NetworkError, throwIfAborted } from '../base/errors.ts';
import type { RemoteFile } from '../platform.ts';
import { byteProgress, type ByteProgress } from './byte-progress.ts';
import { contentProblem } from './check-content.ts';
import { copyInto } from './copy-file.node.ts';
import { entryPaths, prepareFolder, recordOf, writeRecord, type EntryPaths } from './entry.node.ts';
import { cacheFailure } from './file-errors.node.ts';
import { hashFile, readHead } from './hash-file.node.ts';
import { hashProblem, inspectEntry, type EntryState } from './inspect-entry.node.ts';
import { mirrorUrl, parseSource, parseUrlSource, shownUrl, type Source } from './locations.node.ts';
import { withLock } from './lock.node.ts';
import type { CacheOptions } from './options.ts';
import { PartialFile, removePartial } from './partial-file.node.ts';
import { readFileWhole } from './read-location.node.ts';
import { isOffline, mirrorOf, weightsFolder } from './settings.node.ts';
import { transfer } from './transfer.node.ts';

interface Job {
  readonly file: RemoteFile;
  readonly entry: EntryPaths;
  readonly source: Source;
  /** Where the bytes come from, as it may be shown. */
  readonly from: string;
  readonly options: CacheOptions;
  readonly progress: ByteProgress;
}

/**
 * Path of a file in the cache, which is fetched when it is not there. Only a file of the right size and hash (or,
 * where no hash is known, with the right signature) gets that name; a copy that has changed on the disk is fetched
 * again. Two processes that want the same file fetch it once. An interrupted download goes on where it stopped.
 *
 * @throws NetworkError `NETWORK_UNREACHABLE`, `NETWORK_STATUS`, `NETWORK_TIMEOUT`, `NETWORK_OFFLINE`,
 *   `DOWNLOAD_TRUNCATED`, `DOWNLOAD_HASH`, `DOWNLOAD_CONTENT`; CacheError `CACHE_ACCESS`, `CACHE_LOCKED`;
 *   FileError `OUTPUT_DISK_FULL`, and for `file:` addresses `FILE_NOT_FOUND`, `FILE_ACCESS`;
 *   UsageError `USAGE_ARGUMENT`, `USAGE_OPTION`; AbortedError `ABORTED`
 */
export async function downloadToCache(file: RemoteFile, options: CacheOptions = {}): Promise<string> {
  const job = plan(file, options);
  const { entry, source } = job;
  throwIfAborted(options.signal, `The download of ${file.fileName}`);
  const found = await inspectEntry(entry, file, options.signal);
  if (found.state === 'ready') return entry.path;
  if (source.kind === 'http' && isOffline(options)) throw offlineFailure(job, found);
  await prepareFolder(entry.folder);
  const onWait = () => notify(job, `${file.fileName}: waiting for another process that fetches it`);
  return withLock({ entry, lock: options.lock, signal: options.signal, onWait }, async (signal) => {
    const now = await inspectEntry(entry, file, signal);
    if (now.state === 'ready') return entry.path;
    if (now.state === 'damaged') {
      notify(job, `${file.fileName}: the cached copy is damaged (${now.reason}); it is fetched again`);
    }
    await fetchFile({ ...job, options: { ...options, signal } });
    return entry.path;
  });
}

/** Bytes of a file, through the cache; see `downloadToCache`. */
export async function readCached(file: RemoteFile, options: CacheOptions = {}): Promise<Uint8Array> {
  const path = await downloadToCache(file, options);
  try {
    return await readFileWhole(path, options.signal);
  } catch (error) {
    // Another process may have emptied the cache in between.
    if (!(error instanceof DovecoteError && error.code === 'FILE_NOT_FOUND')) throw error;
    return readFileWhole(await downloadToCache(file, options), options.signal);
  }
}

function plan(file: RemoteFile, options: CacheOptions): Job {
  const origin = parseUrlSource(file.url);
  const mirror = origin.kind === 'http' ? mirrorOf(options) : undefined;
  const source = mirror === undefined ? origin : parseSource(mirrorUrl(mirror, file.url));
  return {
    file,
    entry: entryPaths(weightsFolder(options), file),
    source,
    from: source.kind === 'file' ? source.path : shownUrl(source.url),
    options,
    progress: byteProgress(options.onProgress, `download ${options.label ?? file.fileName}`),
  };
}

async function fetchFile(job: Job): Promise<void> {
  let result = await fetchOnce(job);
  if (result.problem !== undefined && result.joined) {
    // The part that an earlier try left may be the bad one.
    notify(job, `${job.file.fileName}: the continued download is damaged; it is fetched anew`);
    result = await fetchOnce(job);
  }
  if (result.problem !== undefined) throw result.problem;
}

interface FetchResult {
  /** Why what came is not the file; it has been removed then. */
  readonly problem?: DovecoteError;
  /** Whether the bytes came from more than one answer. */
  readonly joined: boolean;
}

async function fetchOnce(job: Job): Promise<FetchResult> {
  const { file, entry, from, source, progress, options } = job;
  const partial = await PartialFile.open(entry.partial, from);
  try {
    if (partial.length > 0) progress.note('going on with an earlier download', partial.length, file.size);
    const { joined } =
      source.kind === 'file'
        ? await copyInto({ path: source.path, sink: partial, progress, signal: options.signal })
        : await transfer({
            url: source.url,
            sink: partial,
            name: file.fileName,
            size: file.size,
            hashed: isHashed(file),
            otherWay: otherWay(job),
            progress,
            options,
          });
    await partial.finish();
    const problem = await verifyAndCommit(job, partial);
    if (problem !== undefined) await partial.discard();
    return { problem, joined };
  } catch (error) {
    // A full disk is given its space back. Otherwise what is held stays for the next try.
    if (error instanceof DovecoteError && error.code === 'OUTPUT_DISK_FULL') await partial.discard();
    throw error;
  } finally {
    await (partial.length === 0 ? partial.discard() : partial.close());
  }
}

/** Gives the partial file its name when it is what was wanted; otherwise says why it is not. */
async function verifyAndCommit(job: Job, partial: PartialFile): Promise<DovecoteError | undefined> {
  const { file, entry, from, options } = job;
  try {
    const digest = await hashFile(entry.partial, { md5: file.md5 !== undefined, signal: options.signal });
    const wrong = hashProblem(digest, file);
    if (wrong !== undefined) return wrongBytes(job, wrong, digest.size);
    const strange = isHashed(file)
      ? undefined
      : contentProblem(file.fileName, await readHead(entry.partial), digest.size);
    if (strange !== undefined) return strangeContent(job, strange);
    const source = from === shownUrl(file.url) ? undefined : from;
    // The record first: a crash in between leaves a record without a file, which is fetched, not a file unrecorded.
    await writeRecord(entry, await recordOf(entry.partial, file, digest, { ...partial.validator, source }));
    await rename(entry.partial, entry.path);
    await removePartial(entry.partial);
    return undefined;
  } catch (error) {
    throw cacheFailure(error, entry.path);
  }
}

function isHashed(file: RemoteFile): boolean {
  return file.sha256 !== undefined || file.md5 !== undefined;
}

function notify({ options, progress, file }: Job, message: string): void {
  options.onNotice?.(message);
  progress.note(message, 0, file.size);
}

function otherWay({ entry, source }: Pick<Job, 'entry' | 'source'>): string {
  const mirror = source.kind === 'http' ? ', set DOVECOTE_MIRROR to a server that has it' : '';
  return `get the file by hand and put it at ${entry.path}${mirror}, or give the path of a file that you have`;
}

function wrongBytes(job: Job, wrong: string, size: number): NetworkError {
  const { file, from } = job;
  const short = file.size !== undefined && size < file.size;
  const long = file.size !== undefined && size > file.size;
  const code = short ? 'DOWNLOAD_TRUNCATED' : long ? 'DOWNLOAD_CONTENT' : 'DOWNLOAD_HASH';
  return new NetworkError(code, `What came for ${file.fileName} is not the file: ${wrong}.`, {
    given: from,
    expected: file.sha256 === undefined ? `MD5 ${file.md5 ?? 'unknown'}` : `SHA-256 ${file.sha256}`,
    nextStep: `nothing was kept: run again, or ${otherWay(job)}`,
  });
}

function strangeContent(job: Job, problem: string): NetworkError {
  return new NetworkError(
    'DOWNLOAD_CONTENT',
    `What came for ${job.file.fileName} is not the file: ${problem}.`,
    {
      given: job.from,
      expected: `a file of the kind that ${job.file.fileName} says`,
      nextStep: `nothing was kept: ${otherWay(job)}`,
    },
  );
}

function offlineFailure(job: Job, found: EntryState): NetworkError {
  const { file, entry, from } = job;
  const why = found.state === 'damaged' ? `is damaged in the cache (${found.reason})` : 'is not in the cache';
  return new NetworkError('NETWORK_OFFLINE', `${file.fileName} ${why}, and the network may not be used.`, {
    given: `${from}, with DOVECOTE_OFFLINE or the option offline`,
    expected: `the file at ${entry.path}`,
    nextStep: `put the file there by hand, give the path of a file that you have, or unset DOVECOTE_OFFLINE`,
  });
}
