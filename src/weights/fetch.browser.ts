import { AbortedError, NetworkError, reasonOf } from '../base/errors.ts';
import type { ReadOptions, RemoteFile } from '../platform.ts';
import { throughCache } from './cache.browser.ts';
import type { CheckedBytes } from './published-file.ts';

/**
 * Bytes of a URL, relative to the page, with progress. The browser's own HTTP cache applies.
 *
 * @throws NetworkError `NETWORK_UNREACHABLE`, `NETWORK_STATUS`, `DOWNLOAD_TRUNCATED`, `DOWNLOAD_CONTENT`;
 * AbortedError `ABORTED`
 */
export async function fetchBytes(location: string | URL, options: ReadOptions = {}): Promise<Uint8Array> {
  const { onProgress, signal, label = String(location) } = options;
  try {
    const response = await fetch(location, { signal });
    if (!response.ok) {
      throw new NetworkError(
        'NETWORK_STATUS',
        `${label} cannot be fetched: the server answers ${response.status}.`,
        {
          given: String(location),
          expected: 'status 200',
          nextStep: 'check the address',
        },
      );
    }
    if (/^text\/html/i.test(response.headers.get('content-type') ?? '')) {
      throw new NetworkError('DOWNLOAD_CONTENT', `${label} is an HTML page, not a model or a picture.`, {
        given: String(location),
        expected: 'the file itself',
        nextStep: 'check the address; a server may answer a missing file with its start page',
      });
    }
    return await collect(
      response,
      (done, total) => onProgress?.({ phase: `fetch ${label}`, done, total, unit: 'bytes' }),
      label,
    );
  } catch (error) {
    if (error instanceof NetworkError) throw error;
    if (signal?.aborted) throw new AbortedError(`Fetching ${label} was stopped.`, { cause: error });
    throw new NetworkError('NETWORK_UNREACHABLE', `${label} cannot be fetched: ${reasonOf(error)}`, {
      given: String(location),
      expected: 'an address that this page may read',
      nextStep: 'check the address, the network, and that the server allows other origins (CORS)',
      cause: error,
    });
  }
}

/**
 * Bytes of a published file, held to the size and hash that are known of it, from the site's cache where it is there.
 *
 * @throws as `fetchBytes`, and NetworkError `DOWNLOAD_HASH`
 */
export async function fetchPublished(file: RemoteFile, options: ReadOptions = {}): Promise<Uint8Array> {
  const { bytes, problem } = await fetchThroughCache(file, options);
  if (problem === undefined) return bytes;
  throw new NetworkError('DOWNLOAD_HASH', `${file.fileName} is not the published file.`, {
    ...problem,
    nextStep:
      'try again; when it stays so, the address holds another file now: give the weights from elsewhere',
  });
}

/** The same for those who say themselves what is wrong with the file. */
export function fetchThroughCache(file: RemoteFile, options: ReadOptions = {}): Promise<CheckedBytes> {
  return throughCache(file, options, () => fetchBytes(file.url, { label: file.fileName, ...options }));
}

async function collect(
  response: Response,
  onChunk: (done: number, total?: number) => void,
  label: string,
): Promise<Uint8Array> {
  // A compressed body is longer than its Content-Length says. Another origin's answer shows the length but hides the
  // encoding from pages; the browser itself fails the read when such a body is cut off.
  const isPlain = response.type !== 'cors' && response.headers.get('content-encoding') === null;
  const length = isPlain ? Number(response.headers.get('content-length')) : 0;
  const total = length > 0 ? length : undefined;
  const chunks: Uint8Array[] = [];
  let done = 0;
  for (let reader = response.body?.getReader(); reader !== undefined;) {
    const { value, done: ended } = await reader.read();
    if (ended) break;
    chunks.push(value);
    onChunk((done += value.length), total);
  }
  if (total !== undefined && done !== total) {
    throw new NetworkError('DOWNLOAD_TRUNCATED', `${label} arrived incomplete.`, {
      given: `${done} bytes`,
      expected: `${total} bytes`,
      nextStep: 'try again',
    });
  }
  const bytes = new Uint8Array(done);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
