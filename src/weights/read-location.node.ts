import { readFile } from 'node:fs/promises';
import { AbortedError, FormatError, NetworkError, throwIfAborted } from '../base/errors.ts';
import { byteProgress } from './byte-progress.ts';
import { errnoOf, readFailure } from './file-errors.node.ts';
import { parseSource, shownUrl } from './locations.node.ts';
import { MemorySink } from './memory-sink.ts';
import type { TransferOptions } from './options.ts';
import { isOffline } from './settings.node.ts';
import { transfer } from './transfer.node.ts';

/**
 * Bytes of a path, a `file:` URL or an http(s) URL, not cached. They stand alone in their buffer.
 *
 * @throws FileError `FILE_NOT_FOUND`, `FILE_ACCESS`; FormatError `FORMAT_LIMIT` (2 GiB and more);
 *   NetworkError `NETWORK_*`, `DOWNLOAD_TRUNCATED`, `DOWNLOAD_CONTENT`; UsageError `USAGE_ARGUMENT`;
 *   AbortedError `ABORTED`
 */
export async function readLocation(
  location: string | URL,
  options: TransferOptions = {},
): Promise<Uint8Array> {
  const source = parseSource(location);
  if (source.kind === 'file') return readFileWhole(source.path, options.signal);
  const shown = shownUrl(source.url);
  const name = options.label ?? shown;
  throwIfAborted(options.signal, `The download of ${name}`);
  if (isOffline(options)) {
    throw new NetworkError('NETWORK_OFFLINE', `${name} is on the network, which may not be used.`, {
      given: `${shown}, with DOVECOTE_OFFLINE or the option offline`,
      expected: 'a path or a file: URL',
      nextStep: 'download the file and give its path, or unset DOVECOTE_OFFLINE',
    });
  }
  const sink = new MemorySink(shown);
  await transfer({
    url: source.url,
    sink,
    name,
    hashed: false,
    otherWay: 'download the file by hand and give its path',
    progress: byteProgress(options.onProgress, `download ${name}`),
    options,
  });
  return sink.take();
}

/** Bytes of a local file, in a buffer of their own. */
export async function readFileWhole(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path, { signal });
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return byteLength === buffer.byteLength ? bytes : bytes.slice();
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`Reading ${path} was stopped.`, { cause: signal.reason });
    if (errnoOf(error) === 'ERR_FS_FILE_TOO_LARGE') {
      throw new FormatError('FORMAT_LIMIT', `${path} is too large to be read at once.`, {
        given: path,
        expected: 'less than 2 GiB',
        nextStep: 'check that this is the right file',
        cause: error,
      });
    }
    throw readFailure(error, path);
  }
}
