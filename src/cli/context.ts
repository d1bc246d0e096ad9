import { DovecoteError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import { createProgress } from './progress.ts';
import { printableLines } from './printable-lines.ts';

/** The flags that every command takes. */
export interface CommonFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** What a command works with: where it writes, how it reports progress, when it has to stop. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressCallback;
  /** Results: stdout, unchanged by `--quiet`. */
  print(text: string): void;
  /** Remarks for a person: stderr; silent with `--quiet` or `--json`. */
  say(text: string): void;
  /** A problem that does not end the command: stderr, always. The command ends with exit code 1. */
  complain(problem: unknown): void;
  /** Ends the progress bars, so that text can be written below them. */
  endProgress(): void;
}

/** Runs one command and sets the exit code: 0, 1, 2 for usage, 130 when interrupted (143 by SIGTERM). */
export async function runCommand(
  flags: CommonFlags,
  command: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  let interruptedBy = 'SIGINT' as NodeJS.Signals;
  const interrupt = (signal: NodeJS.Signals) => {
    interruptedBy = signal;
    if (controller.signal.aborted) {
      endAtOnce();
      return;
    }
    controller.abort(new Error('interrupted'));
    if (!flags.quiet) process.stderr.write('\nstopping (press Ctrl-C again to end at once)\n');
  };
  // Not by `process.exit`: it waits for reads that are stuck, of a pipe without a writer for example.
  const endAtOnce = () => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    process.kill(process.pid, interruptedBy);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const progress = createProgress({ quiet: flags.quiet, json: flags.json });
  const context: CommandContext = {
    signal: controller.signal,
    onProgress: progress.callback,
    print: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => {
      if (!flags.quiet && !flags.json) process.stderr.write(`${printableLines(text)}\n`);
    },
    complain: (problem) => {
      progress.finish();
      process.stderr.write(`${printableLines(describeProblem(problem))}\n`);
      process.exitCode = 1;
    },
    endProgress: () => progress.finish(),
  };
  try {
    await command(context);
  } catch (error) {
    progress.finish();
    fail(error);
  } finally {
    progress.finish();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    if (controller.signal.aborted) {
      process.exitCode = interruptedBy === 'SIGTERM' ? 143 : 130;
      // The process ends by itself, unless something is stuck.
      setTimeout(endAtOnce, 1000).unref();
    }
  }
}

/** Prints an error as a person should see it, and sets the exit code. */
export function fail(error: unknown): void {
  process.stderr.write(`${printableLines(describeProblem(error))}\n`);
  process.exitCode = error instanceof DovecoteError ? error.exitCode : 1;
}

function describeProblem(error: unknown): string {
  if (error instanceof DovecoteError) return `dovecote: ${error.message}\n  code:     ${error.code}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `dovecote: this should not have happened; please report it.\n${text}`;
}
