import type { ReadOptions } from '../platform.ts';

/** How failed requests are repeated. Waits grow as `minDelayMs * factor^n`, with up to half of it random. */
export interface RetryOptions {
  /** Repeats after the first try, counted anew whenever a try got further than all before. Default 4. */
  readonly retries?: number;
  /** Default 500. */
  readonly minDelayMs?: number;
  /** Default 15000. */
  readonly maxDelayMs?: number;
  /** Default 2. */
  readonly factor?: number;
  /** A server's `Retry-After` is obeyed up to this. Default 60000. */
  readonly maxRetryAfterMs?: number;
}

export interface TimeoutOptions {
  /** Until the connection stands. Default 10000. */
  readonly connectMs?: number;
  /** Until the answer begins. Default 30000. */
  readonly headersMs?: number;
  /** Without a single byte in the middle of an answer. Default 30000. */
  readonly bodyMs?: number;
}

export interface LockOptions {
  /** A lock that its owner has not refreshed for so long is taken over. Default 20000, at least 2000. */
  readonly staleMs?: number;
  /** Between two looks at another process's lock. Default 200. */
  readonly pollMs?: number;
  /** Longest wait for another process. Default 3600000. */
  readonly timeoutMs?: number;
}

/** Options of everything that may touch the network. */
export interface TransferOptions extends ReadOptions {
  /** Never touch the network. Default: the environment variable `DOVECOTE_OFFLINE`. */
  readonly offline?: boolean;
  readonly retry?: RetryOptions;
  readonly timeouts?: TimeoutOptions;
}

export interface CacheOptions extends TransferOptions {
  /** Default: `DOVECOTE_CACHE`, else the user's cache folder (`~/.cache/dovecote` on Linux). */
  readonly cacheFolder?: string;
  /** Base URL that is asked instead of the file's own host. Default: `DOVECOTE_MIRROR`. See `mirrorUrl`. */
  readonly mirror?: string;
  readonly lock?: LockOptions;
  /** Told about what the user may want to know, for example that a damaged copy is fetched again. */
  readonly onNotice?: (message: string) => void;
}

export type RetryPolicy = Required<RetryOptions>;

export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  return {
    retries: options.retries ?? 4,
    minDelayMs: options.minDelayMs ?? 500,
    maxDelayMs: options.maxDelayMs ?? 15_000,
    factor: options.factor ?? 2,
    maxRetryAfterMs: options.maxRetryAfterMs ?? 60_000,
  };
}

export function timeoutsOf(options: TimeoutOptions = {}): Required<TimeoutOptions> {
  return {
    connectMs: options.connectMs ?? 10_000,
    headersMs: options.headersMs ?? 30_000,
    bodyMs: options.bodyMs ?? 30_000,
  };
}

export function lockPolicy(options: LockOptions = {}): Required<LockOptions> {
  return {
    staleMs: options.staleMs ?? 20_000,
    pollMs: options.pollMs ?? 200,
    timeoutMs: options.timeoutMs ?? 3_600_000,
  };
}
