import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../base/errors.ts';
import type { ByteProgress } from './byte-progress.ts';
import { readFailure } from './file-errors.node.ts';
import type { Sink } from './sink.ts';

export interface CopyRequest {
  readonly path: string;
  readonly sink: Sink;
  readonly progress: ByteProgress;
  readonly signal?: AbortSignal;
}

/** Brings a local file into a sink, from its start. */
export async function copyInto({ path, sink, progress, signal }: CopyRequest): Promise<{ joined: false }> {
  try {
    const { size } = await stat(path);
    await sink.restart({});
    await sink.reserve(size);
    progress.report(0, size);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      throwIfAborted(signal, `Copying ${path}`);
      await sink.append(chunk);
      progress.report(sink.length, size);
    }
    return { joined: false };
  } catch (error) {
    throw readFailure(error, path);
  }
}
