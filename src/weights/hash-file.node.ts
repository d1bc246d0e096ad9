import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { throwIfAborted } from '../base/errors.ts';
import { headLength } from './check-content.ts';

export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
  /** Computed on request only. */
  readonly md5?: string;
}

export interface HashOptions {
  readonly md5?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Reads a file once and hashes it; the file system's errors are not translated. */
export async function hashFile(
  path: string,
  { md5, signal, onBytes }: HashOptions = {},
): Promise<FileDigest> {
  const sha256 = createHash('sha256');
  const second = md5 ? createHash('md5') : undefined;
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    throwIfAborted(signal, `Hashing ${path}`);
    sha256.update(chunk);
    second?.update(chunk);
    size += chunk.length;
    onBytes?.(chunk.length);
  }
  return { size, sha256: sha256.digest('hex'), ...(second && { md5: second.digest('hex') }) };
}

/** The first bytes of a file, as many as a look at its content needs. */
export async function readHead(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headLength), 0, headLength, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
