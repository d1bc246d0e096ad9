// By another name than programs give it that esbuild makes one file of: those declare `createRequire` at the top.
import { createRequire as requireFrom } from 'node:module';
import type cliProgress from 'cli-progress';
import stringWidth from 'fast-string-width';
import type { Progress } from '../base/types.ts';
import { lastLine } from './progress-lines.ts';
import { ProgressPhase } from './progress-phase.ts';
import { columnsOf, supportsColor } from './terminal.ts';

const widestBar = 30;
const narrowestBar = 8;

interface Entry {
  readonly phase: ProgressPhase;
  readonly bar: cliProgress.SingleBar;
}

/**
 * Bars on a terminal, one for each phase that is going on; a phase that has ended leaves one line above them.
 * The cursor is hidden while there are bars, and comes back on `finish`, on SIGINT and SIGTERM and at exit.
 */
export class ProgressBars {
  private readonly entries = new Map<string, Entry>();
  private multiBar: cliProgress.MultiBar | undefined;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly now: () => number,
  ) {}

  report(progress: Progress): void {
    const time = this.now();
    let entry = this.entries.get(progress.phase);
    if (entry === undefined || entry.phase.isRestartedBy(progress)) {
      const phase = new ProgressPhase(progress, time);
      // A whole phase in one report needs no bar.
      if (entry === undefined && phase.isComplete) {
        this.leaveLine(lastLine(phase, time));
        return;
      }
      if (entry !== undefined) this.end(progress.phase, entry, time);
      entry = { phase, bar: this.bars().create(1, 0, { phase }) };
      this.entries.set(progress.phase, entry);
    } else {
      entry.phase.update(progress, time);
    }
    if (entry.phase.isComplete) this.end(progress.phase, entry, time);
    else entry.bar.update(entry.phase.fraction ?? 0);
  }

  finish(): void {
    const time = this.now();
    for (const [key, entry] of this.entries) this.end(key, entry, time);
  }

  private bars(): cliProgress.MultiBar {
    if (this.multiBar !== undefined) return this.multiBar;
    // Read when the first bar is drawn: most commands end without one.
    const { MultiBar } = requireFrom(import.meta.url)('cli-progress') as typeof cliProgress;
    const color = supportsColor(this.stream);
    this.multiBar = new MultiBar({
      stream: this.stream,
      clearOnComplete: true,
      hideCursor: true,
      // A rate or a time left changes while the value stands still.
      forceRedraw: true,
      format: (_options, _params, payload: { phase: ProgressPhase }) =>
        drawBar(payload.phase, columnsOf(this.stream) - 1, color),
    });
    process.prependListener('SIGINT', this.onSignal);
    process.prependListener('SIGTERM', this.onSignal);
    process.on('exit', this.onExit);
    return this.multiBar;
  }

  private end(key: string, { phase, bar }: Entry, time: number): void {
    this.entries.delete(key);
    if (this.entries.size === 0) this.close();
    this.leaveLine(lastLine(phase, time));
    this.multiBar?.remove(bar);
  }

  private leaveLine(line: string): void {
    if (this.multiBar === undefined) this.stream.write(`${line}\n`);
    else this.multiBar.log(`${line}\n`);
  }

  private close(): void {
    this.multiBar?.stop();
    this.multiBar = undefined;
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    process.off('exit', this.onExit);
  }

  private readonly onExit = () => this.finish();

  private readonly onSignal = (signal: NodeJS.Signals) => {
    this.finish();
    // With no other listener, this one alone kept the signal from ending the process.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
}

/** One line of at most `width` columns; what matters least goes first when there is no room. */
function drawBar(phase: ProgressPhase, width: number, color: boolean): string {
  const left = phase.timeLeft === '' ? '' : `${phase.timeLeft} left`;
  const figures = [phase.percentage, phase.currentRate, left, phase.amount, phase.note];
  const { fraction } = phase;
  const name = shorten(phase.name, Math.max(16, Math.floor(0.4 * width)));
  for (let kept = figures.length; kept >= 1; kept -= 1) {
    const texts = figures.slice(0, kept).filter((text) => text !== '');
    const fixed = stringWidth([name, ...texts].join('  '));
    const room = Math.min(widestBar, width - fixed - 4);
    if (fraction === undefined && fixed <= width) return [name, ...texts].join('  ');
    if (fraction !== undefined && room >= narrowestBar) {
      const done = Math.round(fraction * room);
      const full = '='.repeat(done);
      const bar = `[${color ? `\u001b[36m${full}\u001b[39m` : full}${'-'.repeat(room - done)}]`;
      return [name, bar, ...texts].join('  ');
    }
  }
  const figure = fraction === undefined ? phase.amount : phase.percentage;
  const nameRoom = width - stringWidth(figure) - 1;
  return nameRoom < 4 ? figure.slice(0, Math.max(0, width)) : `${shorten(phase.name, nameRoom)} ${figure}`;
}

/** The first word (what is done) and the end (which file) are what tells phases apart. */
function shorten(name: string, width: number): string {
  if (stringWidth(name) <= width) return name;
  const firstWord = name.slice(0, name.indexOf(' ') + 1);
  const start = stringWidth(firstWord) + 8 <= width ? `${firstWord}..` : '..';
  let end = [...name.slice(firstWord.length)];
  while (end.length > 0 && stringWidth(start + end.join('')) > width) end = end.slice(1);
  return start + end.join('');
}
