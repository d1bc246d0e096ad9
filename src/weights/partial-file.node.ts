import { open, readFile, rm, statfs, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheFailure, diskFull, errnoOf } from './file-errors.node.ts';
import type { Sink, Validator } from './sink.ts';

interface PartialRecord extends Validator {
  /** The address that was asked, which a mirror makes differ from the file's own. */
  readonly source: string;
}

/** The beginning of a download, kept beside its target together with the validator of the answer it came from. */
export class PartialFile implements Sink {
  readonly path: string;
  length = 0;
  validator: Validator = {};
  readonly #recordPath: string;
  readonly #source: string;
  #handle: FileHandle | undefined;

  private constructor(path: string, source: string) {
    this.path = path;
    this.#recordPath = recordPathOf(path);
    this.#source = source;
  }

  /** Opens what an earlier run left, or an empty file. Bytes from another address are not gone on with. */
  static async open(path: string, source: string): Promise<PartialFile> {
    const file = new PartialFile(path, source);
    try {
      file.#handle = await open(path, 'r+').catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return open(path, 'wx+');
        throw error;
      });
      const record = await readRecord(file.#recordPath);
      if (record?.source === source) {
        file.length = (await file.#handle.stat()).size;
        file.validator = { etag: record.etag, lastModified: record.lastModified };
      } else {
        await file.#handle.truncate(0);
      }
      return file;
    } catch (error) {
      await file.close();
      throw cacheFailure(error, path);
    }
  }

  async reserve(total: number): Promise<void> {
    const needed = total - this.length;
    const { bavail, bsize } = await statfs(dirname(this.path)).catch(() => ({ bavail: Infinity, bsize: 1 }));
    if (needed > bavail * bsize)
      throw diskFull(this.path, undefined, { bytes: needed, free: bavail * bsize });
  }

  async restart(validator: Validator): Promise<void> {
    const record: PartialRecord = { source: this.#source, ...validator };
    await this.#guard(async (handle) => {
      await handle.truncate(0);
      this.length = 0;
      this.validator = validator;
      await writeFile(this.#recordPath, JSON.stringify(record));
    });
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#guard(async (handle) => {
      // A nearly full disk takes a part of a chunk before it refuses the rest.
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, this.length);
        done += bytesWritten;
        this.length += bytesWritten;
      }
    });
  }

  /** Waits until the bytes are on the disk, and closes. */
  async finish(): Promise<void> {
    await this.#guard((handle) => handle.sync());
    await this.close();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** Closes and removes everything, so that the next try starts clean. */
  async discard(): Promise<void> {
    await this.close();
    await removePartial(this.path);
  }

  async #guard(work: (handle: FileHandle) => Promise<void>): Promise<void> {
    try {
      if (this.#handle === undefined) throw new Error('the partial file is closed');
      await work(this.#handle);
    } catch (error) {
      throw cacheFailure(error, this.path);
    }
  }
}

function recordPathOf(partialPath: string): string {
  return `${partialPath}.meta`;
}

export async function removePartial(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await rm(recordPathOf(path), { force: true });
  } catch (error) {
    throw cacheFailure(error, path);
  }
}

async function readRecord(path: string): Promise<PartialRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as unknown;
    const isRecord = typeof record === 'object' && record !== null && 'source' in record;
    return isRecord ? (record as PartialRecord) : undefined;
  } catch {
    // Missing or damaged: the download starts over.
    return undefined;
  }
}
