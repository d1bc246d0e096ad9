import type { ProgressCallback } from '../base/types.ts';
import { ProgressBars } from './progress-bars.ts';
import { ProgressLines } from './progress-lines.ts';
import { isInteractive } from './terminal.ts';

export interface ProgressOptions {
  /** Shows nothing. */
  readonly quiet?: boolean;
  /** Shows nothing: the output is for a program. */
  readonly json?: boolean;
  /** Default: stderr. */
  readonly stream?: NodeJS.WriteStream;
}

export interface ProgressDisplay {
  /** Give this to `onProgress`. Phases may follow each other or run at the same time. */
  readonly callback: ProgressCallback;
  /**
   * Takes the bars away and leaves one line for each phase that had not ended. Text may be written after it. Later
   * reports begin anew; it may be called any number of times.
   */
  finish(): void;
}

/**
 * Shows progress on stderr: bars with percentage, rate and time left on a terminal, plain lines (start, each tenth
 * or 5 s, end) otherwise. Honours NO_COLOR, TERM=dumb and the width of the terminal.
 */
export function createProgress(options: ProgressOptions = {}): ProgressDisplay {
  if (options.quiet || options.json) return { callback: () => undefined, finish: () => undefined };
  const stream = options.stream ?? process.stderr;
  const now = () => performance.now();
  const display = isInteractive(stream)
    ? new ProgressBars(stream, now)
    : new ProgressLines((line) => stream.write(`${line}\n`), now);
  return { callback: (progress) => display.report(progress), finish: () => display.finish() };
}
