import xterm from '@xterm/headless';
import { PassThrough } from 'node:stream';
import { vi } from 'vitest';

/** A terminal emulator behind a stream that looks like stderr: what a person would see on it. */
export class FakeTerminal {
  readonly stream: NodeJS.WriteStream;
  readonly written: string[] = [];
  private readonly screen: xterm.Terminal;

  constructor(columns: number, rows = 24) {
    this.screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
    const write = (text: string | Uint8Array) => {
      this.written.push(String(text));
      return true;
    };
    this.stream = Object.assign(new PassThrough(), {
      ...{ isTTY: true, columns, rows, write },
      hasColors: () => true,
    }) as unknown as NodeJS.WriteStream;
  }

  get output(): string {
    return this.written.join('');
  }

  /** Whether the last word on the cursor was to show it. */
  get cursorIsVisible(): boolean {
    return this.output.lastIndexOf('\u001b[?25l') <= this.output.lastIndexOf('\u001b[?25h');
  }

  /** All lines with something on them, without blanks at their ends. */
  async lines(): Promise<string[]> {
    this.screen.reset();
    const drawn = new Promise<void>((resolve) => this.screen.write(this.output, resolve));
    // The emulator works in a timer, which may be a fake one.
    if (vi.isFakeTimers()) vi.advanceTimersByTime(0);
    await drawn;
    const buffer = this.screen.buffer.active;
    const lines = Array.from({ length: buffer.length }, (_, index) =>
      buffer.getLine(index)?.translateToString(true),
    );
    return lines.filter((line): line is string => line !== undefined && line !== '');
  }
}

/** A stream that is no terminal and keeps what is written. */
export function fakePipe(): { stream: NodeJS.WriteStream; output: () => string } {
  const written: string[] = [];
  const write = (text: string | Uint8Array) => {
    written.push(String(text));
    return true;
  };
  const stream = Object.assign(new PassThrough(), { write }) as unknown as NodeJS.WriteStream;
  return { stream, output: () => written.join('') };
}
