import { createReadStream } from 'node:fs';
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, gunzip } from 'node:zlib';
import type { ParsedTarEntry } from 'modern-tar';
import { promisify } from 'node:util';
import { AbortedError, DatasetError, DovecoteError, reasonOf, throwIfAborted } from '../../base/errors.ts';
import type { RemoteFile } from '../../platform.ts';
import { downloadToCache } from '../../weights/index.node.ts';
import type { CacheOptions } from '../../weights/index.node.ts';
import { parseSource } from '../../weights/locations.node.ts';
import { readFailure } from '../../weights/file-errors.node.ts';
import { compareNames } from '../labelled-images.ts';
import { damaged } from './classic.ts';

/** No file of a classic data set is larger when it is unpacked. */
const MOST_BYTES = 2 ** 30;
const unzip = promisify(gunzip);

/** A file in a folder or archive. */
export interface ArchiveFile {
  /** With slashes, from the top of the folder or archive on. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A path on this machine: of what a caller names, or of a published file in the cache. */
export async function localPathOf(source: string | RemoteFile, options: CacheOptions): Promise<string> {
  if (typeof source !== 'string') return downloadToCache(source, options);
  const parsed = parseSource(source);
  if (parsed.kind === 'file') return parsed.path;
  const fileName = decodeURIComponent(basename(new URL(source).pathname)) || 'archive';
  return downloadToCache({ url: source, fileName }, options);
}

/**
 * The files of a folder, or of a .tar or .tar.gz archive, that are `wanted`, one after the other. An archive is read as a
 * stream, and nothing is written.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_FORMAT`; AbortedError `ABORTED`
 */
export async function* filesOf(
  path: string,
  wanted: (name: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveFile> {
  const found = await stat(path).catch((cause: unknown) => {
    throw notThere(path, cause);
  });
  if (found.isDirectory()) yield* filesOfFolder(path, wanted, signal);
  else yield* filesOfTar(path, wanted, signal);
}

async function* filesOfFolder(
  folder: string,
  wanted: (name: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveFile> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    // Node before 20.12 has `path` only.
    .map((entry) =>
      relative(folder, join((entry.parentPath as string | undefined) ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort(compareNames);
  for (const name of names) {
    if (!wanted(name)) continue;
    throwIfAborted(signal, `Reading ${folder}`);
    const bytes = await readFile(join(folder, name)).catch((error: unknown) => {
      throw readFailure(error, join(folder, name));
    });
    yield { name, bytes };
  }
}

async function* filesOfTar(
  path: string,
  wanted: (name: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveFile> {
  const { createTarDecoder } = await import('modern-tar');
  const packed = createReadStream(path, { highWaterMark: 1 << 20 });
  const plain = (await isGzip(path)) ? packed.pipe(createGunzip()) : packed;
  packed.on('error', (error) => plain.destroy(error));
  const stream = Readable.toWeb(plain) as ReadableStream<Uint8Array>;
  const decoded: unknown = stream.pipeThrough(createTarDecoder({ strict: true }));
  // Node's streams are iterable; the types are those of browsers.
  const entries = decoded as AsyncIterable<ParsedTarEntry>;
  let count = 0;
  try {
    for await (const entry of entries) {
      throwIfAborted(signal, `Reading ${path}`);
      count++;
      const { name, size, type } = entry.header;
      if (type !== 'file' || size > MOST_BYTES || !wanted(name)) {
        await entry.body.cancel();
        continue;
      }
      yield { name, bytes: new Uint8Array(await new Response(entry.body).arrayBuffer()) };
    }
  } catch (cause) {
    if (signal?.aborted) throw new AbortedError(`Reading ${path} was stopped.`, { cause });
    if (cause instanceof DovecoteError) throw cause;
    const given = reasonOf(cause);
    throw damaged(path, 'it is no whole archive', { given, expected: 'a .tar or .tar.gz archive', cause });
  } finally {
    packed.destroy();
    plain.destroy();
  }
  if (count === 0) {
    throw damaged(path, 'it is an empty archive', { given: 'no files', expected: 'a .tar.gz archive' });
  }
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

/** The bytes, unpacked where they are gzip. @throws DatasetError `DATASET_FORMAT` */
export async function unpacked(bytes: Uint8Array, file: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unzip(bytes, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw damaged(file, 'it is no whole gzip file', {
      given: reasonOf(cause),
      expected: 'a .gz file',
      cause,
    });
  }
}

/** The folder of a file, or the folder itself. */
export async function folderOf(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw notThere(path, cause);
  });
  return found.isDirectory() ? path : dirname(path);
}

export function missingFiles(path: string, expected: string): DatasetError {
  return new DatasetError('DATASET_NOT_FOUND', `What is wanted is not in ${path}.`, {
    given: path,
    expected,
    nextStep: 'check the path; the file names are those under which the data set was published',
  });
}

function notThere(path: string, cause: unknown): DatasetError {
  return new DatasetError('DATASET_NOT_FOUND', `${path} cannot be found.`, {
    given: `${path} (${reasonOf(cause)})`,
    expected: 'a file or folder of the data set',
    nextStep: 'check the path, or leave source out to download it',
    cause,
  });
}
