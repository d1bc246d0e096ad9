import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { DovecoteError, FileError, throwIfAborted } from '../base/errors.ts';
import type { ByteSource } from '../base/types.ts';
import type { OpenFile, RemoteFile } from '../platform.ts';
import { downloadToCache } from './download.node.ts';
import { readFailure } from './file-errors.node.ts';
import { parseSource } from './locations.node.ts';
import { inMemory } from './open-bytes.ts';
import type { CacheOptions, TransferOptions } from './options.ts';
import { readFileWhole, readLocation } from './read-location.node.ts';

/**
 * A path or `file:` URL, opened to be read piece by piece; what is on the network is fetched into memory.
 *
 * @throws as `readLocation`
 */
export async function openLocation(location: string | URL, options: TransferOptions = {}): Promise<OpenFile> {
  const source = parseSource(location);
  if (source.kind === 'file') return openPath(source.path, options.signal);
  return inMemory(await readLocation(location, options));
}

/** The file in the cache, which is fetched when it is not there, opened. @throws as `downloadToCache` */
export async function openCached(file: RemoteFile, options: CacheOptions = {}): Promise<OpenFile> {
  const path = await downloadToCache(file, options);
  try {
    return await openPath(path, options.signal);
  } catch (error) {
    // Another process may have emptied the cache in between.
    if (!(error instanceof DovecoteError && error.code === 'FILE_NOT_FOUND')) throw error;
    return openPath(await downloadToCache(file, options), options.signal);
  }
}

async function openPath(path: string, signal: AbortSignal | undefined): Promise<OpenFile> {
  throwIfAborted(signal, `Reading ${path}`);
  // Pipes and the like have no size and no places, and folders are told by the reader.
  if (!isRegularFile(path)) return inMemory(await readFileWhole(path, signal));
  return new LocalFile(path);
}

function isRegularFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    throw readFailure(error, path);
  }
}

/** A file of the file system, read where and when its bytes are asked for. */
class LocalFile implements OpenFile {
  readonly bytes: ByteSource;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #opened: Stats;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, 'r');
      this.#opened = fstatSync(this.#descriptor);
    } catch (error) {
      throw readFailure(error, path);
    }
    this.bytes = {
      size: this.#opened.size,
      read: (target, position) => this.#read(target, position),
    };
  }

  #read(target: Uint8Array, position: number): void {
    let done = 0;
    try {
      while (done < target.length) {
        const count = readSync(this.#descriptor, target, done, target.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw readFailure(error, this.#path);
    }
    if (done < target.length) throw this.#changed(`it ends after ${position + done} bytes`);
  }

  checkUnchanged(): void {
    const { size, mtimeMs } = fstatSync(this.#descriptor);
    const { size: before, mtimeMs: time } = this.#opened;
    if (size !== before) throw this.#changed(`it has ${size} bytes, and had ${before}`);
    if (mtimeMs !== time) throw this.#changed('something has written into it');
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #changed(how: string): FileError {
    return new FileError('FILE_CHANGED', `${this.#path} changed while it was read: ${how}.`, {
      given: this.#path,
      expected: 'a file that nobody writes to',
      nextStep: 'wait until it is complete, and run again',
    });
  }
}
