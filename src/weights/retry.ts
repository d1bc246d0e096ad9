import { AbortedError, type DovecoteError } from '../base/errors.ts';
import type { RetryPolicy } from './options.ts';

/** A failure that another try may mend. */
export class RetryableFailure extends Error {
  readonly error: DovecoteError;
  /** What the server asked for in `Retry-After`. */
  readonly afterMs: number | undefined;
  /** The try got further than all before it, so that it does not count against the limit. */
  readonly progressed: boolean;

  constructor(error: DovecoteError, options: { afterMs?: number; progressed?: boolean } = {}) {
    super(error.message, { cause: error });
    this.error = error;
    this.afterMs = options.afterMs;
    this.progressed = options.progressed ?? false;
  }
}

/** Milliseconds before try `failures + 1`; `random` is in [0, 1). */
export function backoffDelay(policy: RetryPolicy, failures: number, random: number): number {
  const full = Math.min(policy.maxDelayMs, policy.minDelayMs * policy.factor ** (failures - 1));
  return Math.round(full * (0.5 + random / 2));
}

/** Milliseconds that a `Retry-After` header asks for: seconds, or an HTTP date. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

export interface RetryContext {
  readonly signal?: AbortSignal;
  /** What is being done, for errors: `The download of x.h5`. */
  readonly what: string;
  readonly onRetry?: (info: { failures: number; delayMs: number; reason: string }) => void;
}

/**
 * Calls `attempt` until it succeeds, fails for good, or has failed `retries + 1` times in a row.
 *
 * @throws the last failure, with the number of tries in its message
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  context: RetryContext,
  attempt: () => Promise<T>,
): Promise<T> {
  let failures = 0;
  let tries = 0;
  for (;;) {
    tries += 1;
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RetryableFailure)) throw error;
      failures = error.progressed ? 1 : failures + 1;
      if (failures > policy.retries) throw withTries(error.error, tries);
      const delayMs =
        error.afterMs === undefined
          ? backoffDelay(policy, failures, Math.random())
          : Math.min(error.afterMs, policy.maxRetryAfterMs);
      context.onRetry?.({ failures, delayMs, reason: error.error.summary });
      await sleep(delayMs, context.signal, context.what);
    }
  }
}

/** @throws AbortedError `ABORTED` as soon as the signal fires. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new AbortedError(`${what} was stopped.`, { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

function withTries(error: DovecoteError, tries: number): DovecoteError {
  if (tries === 1) return error;
  const Kind = error.constructor as typeof DovecoteError;
  return new Kind(error.code, `${error.summary} (${tries} tries)`, {
    given: error.given,
    expected: error.expected,
    nextStep: error.nextStep,
    cause: error.cause,
  });
}
