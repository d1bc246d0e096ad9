import { AbortedError, CacheError, throwIfAborted } from '../base/errors.ts';
import type { EntryPaths } from './entry.node.ts';
import { cacheFailure, errnoOf } from './file-errors.node.ts';
import { lockPolicy, type LockOptions } from './options.ts';
import { sleep } from './retry.ts';

export interface LockRequest {
  readonly entry: EntryPaths;
  readonly lock?: LockOptions;
  readonly signal?: AbortSignal;
  /** Called once when another process holds the lock. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while no other process works on the entry. The lock of a process that died is taken over when it has
 * not been refreshed for `staleMs`. When ours is lost (the machine slept), `work` is stopped and tried again.
 *
 * @throws CacheError `CACHE_LOCKED`, `CACHE_ACCESS`; AbortedError `ABORTED`; what `work` throws
 */
export async function withLock<T>(
  request: LockRequest,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let losses = 0; ; losses += 1) {
    const lost = new AbortController();
    const release = await acquire(request, () => lost.abort());
    try {
      const signals = request.signal === undefined ? [lost.signal] : [request.signal, lost.signal];
      return await work(AbortSignal.any(signals));
    } catch (error) {
      const lostOnly = lost.signal.aborted && !request.signal?.aborted && error instanceof AbortedError;
      if (!lostOnly) throw error;
      if (losses === 2) throw locked(request.entry, 'was taken away three times', error);
    } finally {
      await release();
    }
  }
}

/** Takes the lock, or returns `undefined` at once when another process has it. */
export async function tryLock(
  entry: EntryPaths,
  options: LockOptions | undefined,
  onLost: () => void = () => undefined,
): Promise<(() => Promise<void>) | undefined> {
  const { lock } = (await import('proper-lockfile')).default;
  try {
    const release = await lock(entry.path, {
      lockfilePath: entry.lock,
      realpath: false,
      stale: lockPolicy(options).staleMs,
      onCompromised: onLost,
    });
    // Releasing a lock that was lost says ERELEASED, which is no news then.
    return () => release().catch(() => undefined);
  } catch (error) {
    if (errnoOf(error) === 'ELOCKED') return undefined;
    throw cacheFailure(error, entry.lock);
  }
}

async function acquire(request: LockRequest, onLost: () => void): Promise<() => Promise<void>> {
  const { entry, signal, onWait } = request;
  const { pollMs, timeoutMs } = lockPolicy(request.lock);
  const since = performance.now();
  for (let tries = 0; ; tries += 1) {
    throwIfAborted(signal, 'Waiting for another process');
    const release = await tryLock(entry, request.lock, onLost);
    if (release !== undefined) return release;
    if (tries === 0) onWait?.();
    if (performance.now() - since > timeoutMs) throw locked(entry, `is held for more than ${timeoutMs} ms`);
    await sleep(pollMs, signal, 'Waiting for another process');
  }
}

function locked(entry: EntryPaths, why: string, cause?: unknown): CacheError {
  return new CacheError('CACHE_LOCKED', `The lock of a cached file ${why}.`, {
    given: entry.lock,
    expected: 'no other process that fetches the same file',
    nextStep: 'wait for the other process, or remove the lock when there is none',
    cause,
  });
}
