import type { ProgressCallback } from '../base/types.ts';

export interface ByteProgress {
  /** Reports ten times a second, at every further hundredth of the total, and when `done` equals `total`. */
  report(done: number, total?: number): void;
  /** Reports at once, with a note. */
  note(text: string, done?: number, total?: number): void;
}

export function byteProgress(onProgress: ProgressCallback | undefined, phase: string): ByteProgress {
  let lastTime = -Infinity;
  let lastDone = 0;
  const emit = (done: number, total?: number, note?: string) => {
    onProgress?.({
      phase,
      done,
      unit: 'bytes',
      ...(total === undefined ? {} : { total }),
      ...(note && { note }),
    });
  };
  return {
    report(done, total) {
      const now = performance.now();
      const step = total === undefined ? Infinity : total / 100;
      if (now - lastTime < 100 && Math.abs(done - lastDone) < step && done !== total) return;
      lastTime = now;
      lastDone = done;
      emit(done, total);
    },
    note: (text, done = 0, total) => emit(done, total, text),
  };
}
