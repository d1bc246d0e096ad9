import { describe, expect, it } from 'vitest';
import { retryPolicy } from '../../src/weights/options.ts';
import { backoffDelay, parseRetryAfter } from '../../src/weights/retry.ts';

describe('the wait before another try', () => {
  const policy = retryPolicy({ minDelayMs: 100, maxDelayMs: 1000, factor: 2 });

  it('doubles with each failure, up to the longest', () => {
    const longest = [1, 2, 3, 4, 5, 6].map((failures) => backoffDelay(policy, failures, 1));
    expect(longest).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('is up to half random', () => {
    expect([0, 0.5, 1].map((random) => backoffDelay(policy, 2, random))).toEqual([100, 150, 200]);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2025-07-01T10:00:00Z');

  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Tue, 01 Jul 2025 10:00:30 GMT', 30_000],
    ['Tue, 01 Jul 2025 09:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});
