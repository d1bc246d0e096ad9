import type { Progress } from '../base/types.ts';
import { ProgressPhase } from './progress-phase.ts';

const steps = 10;
const heartbeat = 5_000;
/** A phase that takes a moment needs no lines in between. */
const quietFor = 1_000;

interface Entry {
  readonly phase: ProgressPhase;
  step: number;
  printedAt: number;
}

/** Plain lines for logs: one at the start, one for each tenth (at most one a second) or 5 s, one at the end; no control characters. */
export class ProgressLines {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly write: (line: string) => void,
    private readonly now: () => number,
  ) {}

  report(progress: Progress): void {
    const time = this.now();
    const running = this.entries.get(progress.phase);
    if (running === undefined || running.phase.isRestartedBy(progress)) {
      this.begin(progress, time);
      return;
    }
    running.phase.update(progress, time);
    if (running.phase.isComplete) {
      this.end(progress.phase, running.phase, time);
      return;
    }
    const step = stepOf(running.phase);
    const since = time - running.printedAt;
    if (since < quietFor || (step <= running.step && since < heartbeat)) return;
    running.step = step;
    running.printedAt = time;
    this.write(middleLine(running.phase));
  }

  /** Ends what has not come to its end, and says how far it came. */
  finish(): void {
    const time = this.now();
    for (const [key, { phase }] of this.entries) this.end(key, phase, time);
  }

  private begin(progress: Progress, time: number): void {
    const phase = new ProgressPhase(progress, time);
    if (phase.isComplete) {
      this.end(progress.phase, phase, time);
      return;
    }
    this.entries.set(progress.phase, { phase, step: stepOf(phase), printedAt: time });
    this.write(phase.total === '' ? `${phase.name}: started` : `${phase.name}: started, ${phase.total}`);
  }

  private end(key: string, phase: ProgressPhase, time: number): void {
    this.entries.delete(key);
    this.write(lastLine(phase, time));
  }
}

/** The line that stays when a phase has ended. */
export function lastLine(phase: ProgressPhase, time: number): string {
  const isOpen = phase.fraction !== undefined && !phase.isComplete;
  const average = phase.averageRate(time);
  const rate = average === '' ? '' : ` (${average})`;
  const note = phase.note === '' ? '' : `, ${phase.note}`;
  return `${phase.name}: ${isOpen ? 'stopped at ' : ''}${phase.amount} in ${phase.elapsed(time)}${rate}${note}`;
}

function middleLine(phase: ProgressPhase): string {
  const left = phase.timeLeft === '' ? '' : `${phase.timeLeft} left`;
  const parts = [phase.percentage, phase.amount, phase.currentRate, left, phase.note];
  return `${phase.name}: ${parts.filter((part) => part !== '').join(', ')}`;
}

function stepOf(phase: ProgressPhase): number {
  return Math.floor((phase.fraction ?? 0) * steps + 1e-9);
}
