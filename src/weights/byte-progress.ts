import type { ProgressCallback } from '../base/types.ts';

export interface ByteProgress {
  /** Reports at most ten times a second, and always when `done` equals `total`. */
  report(done: number, total?: number): void;
  /** Reports at once, with a note. */
  note(text: string, done?: number, total?: number): void;
}

export function byteProgress(onProgress: ProgressCallback | undefined, phase: string): ByteProgress {
  let lastTime = -Infinity;
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
      if (now - lastTime < 100 && done !== total) return;
      lastTime = now;
      emit(done, total);
    },
    note: (text, done = 0, total) => emit(done, total, text),
  };
}
