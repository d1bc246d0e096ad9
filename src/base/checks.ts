import { UsageError } from './errors.ts';

/** @throws UsageError `USAGE_ARGUMENT` unless `value` is a whole number of at least `least`. */
export function requireWhole(option: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw wrongOption(option, value, `a whole number of at least ${least}`);
}

/** @throws UsageError `USAGE_ARGUMENT` unless `value` is one of the strings. */
export function requireOneOf(option: string, value: string, legal: readonly string[]): void {
  if (legal.includes(value)) return;
  throw wrongOption(option, value, legal.join(' or '));
}

export function wrongOption(option: string, value: unknown, expected: string): UsageError {
  return new UsageError('USAGE_ARGUMENT', `${option} must be ${expected}.`, {
    given: `${option}: ${String(value)}`,
    expected,
    nextStep: `change ${option}, or leave it out for the default`,
  });
}
