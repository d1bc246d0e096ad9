import { AbortedError, NetworkError } from '../base/errors.ts';
import type { ByteProgress } from './byte-progress.ts';
import { isHtmlType, looksLikeHtml } from './check-content.ts';
import { openHttp, type HttpAnswer } from './http.node.ts';
import { shownUrl } from './locations.node.ts';
import { networkFailure, statusFailure, type FailureContext } from './network-errors.node.ts';
import { retryPolicy, timeoutsOf, type TransferOptions } from './options.ts';
import { parseRetryAfter, RetryableFailure, withRetries } from './retry.ts';
import type { Sink, Validator } from './sink.ts';

export interface TransferRequest {
  readonly url: URL;
  readonly sink: Sink;
  /** For errors and progress. */
  readonly name: string;
  /** Bytes, where somebody other than the server said so. */
  readonly size?: number;
  /** The whole will be hashed afterwards, so that parts may be joined without a validator. */
  readonly hashed: boolean;
  /** How the file can be had without this address, as an instruction. */
  readonly otherWay: string;
  readonly progress: ByteProgress;
  readonly options: Pick<TransferOptions, 'signal' | 'retry' | 'timeouts'>;
}

export interface TransferResult {
  /** Whether the bytes came from more than one answer, or from an earlier run. */
  readonly joined: boolean;
}

const headToSniff = 64;

/**
 * Brings a file over HTTP into a sink, going on where the sink's bytes end.
 *
 * @throws NetworkError `NETWORK_*`, `DOWNLOAD_TRUNCATED`, `DOWNLOAD_CONTENT`; AbortedError `ABORTED`; the sink's errors
 */
export async function transfer(request: TransferRequest): Promise<TransferResult> {
  const { options, progress, sink, name, size } = request;
  let furthest = sink.length;
  const state = { received: 0, joined: sink.length > 0 };
  await withRetries(
    retryPolicy(options.retry),
    {
      signal: options.signal,
      what: `The download of ${name}`,
      onRetry: ({ delayMs, reason }) =>
        progress.note(`${reason} Next try in ${(delayMs / 1000).toFixed(1)} s`, sink.length, size),
    },
    async () => {
      const before = furthest;
      state.received = 0;
      try {
        await attempt(request, state, () => (furthest = Math.max(furthest, sink.length)));
      } catch (error) {
        if (options.signal?.aborted) throw stopped(request);
        throw networkFailure(error, contextOf(request, state.received, furthest > before));
      }
    },
  );
  return { joined: state.joined };
}

interface State {
  /** Bytes of this try. */
  received: number;
  joined: boolean;
}

async function attempt(request: TransferRequest, state: State, advanced: () => void): Promise<void> {
  const { url, sink, size, options } = request;
  if (options.signal?.aborted) throw stopped(request);
  if (size !== undefined && sink.length === size && request.hashed) return;
  const range = rangeHeaders(request);
  const answer = await openHttp({
    url,
    headers: range ?? {},
    timeouts: timeoutsOf(options.timeouts),
    signal: options.signal,
  });
  try {
    if (await completeAlready(request, answer)) return;
    const total = await begin(request, answer, range !== undefined);
    state.joined = sink.length > 0;
    await consume(request, answer, total, (bytes) => {
      state.received += bytes;
      advanced();
    });
  } finally {
    answer.discard();
  }
}

/** Headers that ask for the rest, or `undefined` when the file has to come from its start. */
function rangeHeaders({ sink, hashed, size }: TransferRequest): Record<string, string> | undefined {
  if (sink.length === 0 || (size !== undefined && sink.length > size)) return undefined;
  const validator = sink.validator.etag ?? sink.validator.lastModified;
  if (validator === undefined && !hashed) return undefined;
  const range = { range: `bytes=${sink.length}-` };
  return validator === undefined ? range : { ...range, 'if-range': validator };
}

/** A range that begins where the file ends is answered by 416: then nothing is missing. */
async function completeAlready(request: TransferRequest, answer: HttpAnswer): Promise<boolean> {
  if (answer.status !== 416) return false;
  const { sink } = request;
  const length = /^bytes\s+\*\/(\d+)$/i.exec(answer.headers['content-range'] ?? '')?.[1];
  if (sink.length > 0 && Number(length) === sink.length && !hasChanged(sink.validator, answer)) return true;
  const held = sink.length;
  await sink.restart({});
  throw startOver(request, `its answer to a range from ${held} was 416`, held > 0);
}

/** Checks the head of an answer and sets the sink to where its body belongs. Returns the whole length, if said. */
async function begin(
  request: TransferRequest,
  answer: HttpAnswer,
  askedRange: boolean,
): Promise<number | undefined> {
  const { sink, size } = request;
  const { status, headers } = answer;
  if (status === 206 && askedRange) {
    const [, start, length] = /^bytes\s+(\d+)-\d+\/(\d+|\*)$/i.exec(headers['content-range'] ?? '') ?? [];
    if (Number(start) !== sink.length || hasChanged(sink.validator, answer) || answer.encoded) {
      await sink.restart({});
      throw startOver(request, 'it sent another part than the one asked for', true);
    }
    const total = length === undefined || length === '*' ? undefined : Number(length);
    if (total !== undefined) await sink.reserve(total);
    if (total !== undefined && size !== undefined && total !== size) throw otherSize(request, total);
    return total;
  }
  if (status !== 200) {
    const after = parseRetryAfter(headers['retry-after'], Date.now());
    throw statusFailure(status, after, contextOf(request, 0, false));
  }
  if (isHtmlType(headers['content-type'])) throw webPage(request);
  const total =
    answer.encoded || !/^\d+$/.test(headers['content-length'] ?? '')
      ? undefined
      : Number(headers['content-length']);
  if (total !== undefined && size !== undefined && total !== size) throw otherSize(request, total);
  await sink.restart(answer.encoded ? {} : validatorOf(answer));
  const expected = total ?? size;
  if (expected !== undefined) await sink.reserve(expected);
  return total;
}

async function consume(
  request: TransferRequest,
  answer: HttpAnswer,
  total: number | undefined,
  advance: (bytes: number) => void,
): Promise<void> {
  const { sink, size, progress } = request;
  const limit = size ?? total;
  let head = sink.length === 0 ? new Uint8Array() : undefined;
  progress.report(sink.length, limit);
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    if (request.options.signal?.aborted) throw stopped(request);
    if (head !== undefined) {
      head = Buffer.concat([head, chunk.subarray(0, headToSniff - head.length)]);
      if (looksLikeHtml(head)) {
        await sink.restart({});
        throw webPage(request);
      }
      if (head.length >= headToSniff) head = undefined;
    }
    if (limit !== undefined && sink.length + chunk.length > limit) {
      await sink.restart({});
      throw otherSize(request, undefined);
    }
    await sink.append(chunk);
    advance(chunk.length);
    progress.report(sink.length, limit);
  }
  if (limit !== undefined && sink.length < limit) {
    const held = sink.length;
    await sink.restart({});
    throw new RetryableFailure(
      new NetworkError('DOWNLOAD_TRUNCATED', `${request.url.host} sent less than the whole file.`, {
        given: `${shownUrl(request.url)}, ${held} bytes`,
        expected: `${limit} bytes`,
        nextStep: request.otherWay,
      }),
    );
  }
  if (limit === undefined) progress.report(sink.length, sink.length);
}

/** If-Range takes strong tags only (RFC 9110, 13.1.5). */
function validatorOf({ headers }: HttpAnswer): Validator {
  const etag = headers.etag;
  const strong = etag !== undefined && etag.startsWith('"');
  return {
    ...(strong && { etag }),
    ...(headers['last-modified'] && { lastModified: headers['last-modified'] }),
  };
}

function hasChanged(held: Validator, answer: HttpAnswer): boolean {
  const now = validatorOf(answer);
  if (held.etag !== undefined && now.etag !== undefined) return held.etag !== now.etag;
  if (held.lastModified === undefined || now.lastModified === undefined) return false;
  return held.lastModified !== now.lastModified;
}

function contextOf(
  { url, otherWay }: TransferRequest,
  received: number,
  progressed: boolean,
): FailureContext {
  return { url, otherWay, received, progressed };
}

function startOver(request: TransferRequest, why: string, atOnce: boolean): RetryableFailure {
  const failure = new NetworkError(
    'DOWNLOAD_CONTENT',
    `${request.url.host} cannot go on with a part: ${why}.`,
    {
      given: shownUrl(request.url),
      expected: 'the rest of the file, or the whole file',
      nextStep: request.otherWay,
    },
  );
  return new RetryableFailure(failure, atOnce ? { afterMs: 0 } : {});
}

function webPage({ url, otherWay }: TransferRequest): NetworkError {
  return new NetworkError('DOWNLOAD_CONTENT', `${url.host} answered with a web page instead of the file.`, {
    given: shownUrl(url),
    expected: 'the bytes of the file, not HTML',
    nextStep: `look at the address in a browser (a login page?), or ${otherWay}`,
  });
}

function otherSize({ url, size, otherWay, name }: TransferRequest, total: number | undefined): NetworkError {
  return new NetworkError(
    'DOWNLOAD_CONTENT',
    `${url.host} has a file of another size under the address of ${name}.`,
    {
      given: `${shownUrl(url)}, ${total === undefined ? 'a longer body' : `${total} bytes`}`,
      expected: size === undefined ? 'as many bytes as its header says' : `${size} bytes`,
      nextStep: otherWay,
    },
  );
}

function stopped({ name, options, sink }: TransferRequest): AbortedError {
  return new AbortedError(`The download of ${name} was stopped after ${sink.length} bytes.`, {
    nextStep: 'run it again',
    cause: options.signal?.reason,
  });
}
