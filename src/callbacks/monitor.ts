import { requireOneOf } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';
import type { Logs } from './callback.ts';

export type MonitorMode = 'auto' | 'min' | 'max';

/** Tells whether a monitored value is better than another, as Keras's callbacks do. */
export class Monitor {
  readonly #isMax: boolean;
  readonly #minDelta: number;

  constructor(
    /** By Keras's names, or camel case: `val_loss` or `valLoss`. */
    readonly name: string,
    mode: MonitorMode,
    minDelta: number,
  ) {
    requireOneOf('mode', mode, ['auto', 'min', 'max']);
    this.name = name.replace(/^val([A-Z])/, (_, letter: string) => `val_${letter.toLowerCase()}`);
    this.#isMax = mode === 'max' || (mode === 'auto' && /(acc|accuracy|auc)$/i.test(name));
    this.#minDelta = Math.abs(minDelta);
  }

  /** @throws UsageError `USAGE_ARGUMENT` where nothing of that name is measured */
  valueIn(logs: Logs): number {
    const value = logs[this.name.replace(/^(val_)?acc$/, '$1accuracy')];
    if (value !== undefined) return value;
    throw new UsageError('USAGE_ARGUMENT', `"${this.name}" is watched by a callback, but not measured.`, {
      given: `monitor: ${this.name}`,
      expected: Object.keys(logs).join(', '),
      nextStep: 'watch one of these, or measure it (validation pictures give the names with val_)',
    });
  }

  isBetter(value: number, than: number | undefined): boolean {
    if (than === undefined) return true;
    // Keras compares float32.
    const [moved, reference] = [value + (this.#isMax ? -1 : 1) * this.#minDelta, than].map(Math.fround);
    return this.#isMax ? moved! > reference! : moved! < reference!;
  }
}

/** A number as JSON holds it, which has neither NaN nor infinities. */
export function numberToJson(value: number | undefined): number | string | undefined {
  return value === undefined || Number.isFinite(value) ? value : String(value);
}

export function numberFromJson(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}
