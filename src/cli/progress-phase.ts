import prettyBytes from 'pretty-bytes';
import type { Progress } from '../base/types.ts';
import { printable } from './terminal.ts';

/** Rates are taken over the last seconds, so that they follow a change. */
const rateWindow = 10_000;

interface Sample {
  readonly time: number;
  readonly done: number;
}

/** What is known about one phase: its last report, how fast it goes, how long it takes. */
export class ProgressPhase {
  private samples: Sample[];
  private readonly start: Sample;
  private progress: Progress;

  /** The first report counts as the start: what was done before (a resumed download) is no speed. */
  constructor(progress: Progress, time: number) {
    this.progress = progress;
    this.start = { time, done: progress.done < (progress.total ?? Infinity) ? progress.done : 0 };
    this.samples = [this.start];
  }

  update(progress: Progress, time: number): void {
    this.progress = progress;
    this.samples.push({ time, done: progress.done });
    const oldest = this.samples.findIndex((sample) => sample.time >= time - rateWindow);
    if (oldest > 0) this.samples.splice(0, oldest);
  }

  /** A report that goes back belongs to a new run of the same phase. */
  isRestartedBy(progress: Progress): boolean {
    return progress.done < this.progress.done;
  }

  get name(): string {
    return printable(this.progress.phase);
  }

  get note(): string {
    return printable(this.progress.note ?? '');
  }

  get isComplete(): boolean {
    const { done, total } = this.progress;
    return total !== undefined && done >= total;
  }

  /** 0 to 1; undefined for a phase whose end is not known. */
  get fraction(): number | undefined {
    const { done, total } = this.progress;
    if (total === undefined) return undefined;
    return total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
  }

  get percentage(): string {
    return this.fraction === undefined ? '' : `${Math.floor(100 * this.fraction)}%`;
  }

  /** `30 of 153 images`, `1.2 of 4.94 MB`, `153 images`. */
  get amount(): string {
    const { done, total, unit } = this.progress;
    if (total === undefined || done >= total) return amountOf(done, unit);
    if (unit !== 'bytes') return `${done} of ${amountOf(total, unit)}`;
    const [figure, ofUnit] = prettyBytes(done).split(' ');
    const whole = prettyBytes(total);
    return whole.endsWith(` ${ofUnit}`) ? `${figure} of ${whole}` : `${figure} ${ofUnit} of ${whole}`;
  }

  get total(): string {
    return this.progress.total === undefined ? '' : amountOf(this.progress.total, this.progress.unit);
  }

  /** Units a second over the last seconds, as text; empty where nothing can be said yet. */
  get currentRate(): string {
    return rateOf(this.unitsPerSecond(), this.progress.unit);
  }

  averageRate(time: number): string {
    return rateOf(perSecond(this.start, { time, done: this.progress.done }), this.progress.unit);
  }

  /** `12 s`, `3:05 min`; empty where it is not known. */
  get timeLeft(): string {
    const { done, total } = this.progress;
    const speed = this.unitsPerSecond();
    return total === undefined || speed <= 0 ? '' : formatDuration((total - done) / speed);
  }

  elapsed(time: number): string {
    return formatDuration((time - this.start.time) / 1000);
  }

  private unitsPerSecond(): number {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    return first === undefined || last === undefined ? 0 : perSecond(first, last);
  }
}

function perSecond(from: Sample, to: Sample): number {
  const seconds = (to.time - from.time) / 1000;
  return seconds > 0 ? (to.done - from.done) / seconds : 0;
}

function amountOf(count: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? prettyBytes(count) : `${count} ${count === 1 ? unit.slice(0, -1) : unit}`;
}

function rateOf(speed: number, unit: Progress['unit']): string {
  if (speed <= 0) return '';
  if (unit === 'bytes') return `${prettyBytes(speed)}/s`;
  if (speed < 1) return `${(1 / speed).toFixed(1)} s/${unit.slice(0, -1)}`;
  return `${speed < 100 ? speed.toFixed(1) : Math.round(speed)} ${unit}/s`;
}

/** Whole seconds from 10 s on, minutes and hours as on a clock. */
function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)} h` : `${minutes}:${two(rest)} min`;
}
