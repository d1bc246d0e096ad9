import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSink } from '../../src/output/file-sink.node.ts';

const MEBI = 1024 * 1024;
let folder: string;
let descriptor: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-sink-'));
  descriptor = openSync(join(folder, 'a.bin'), 'wx+');
});
afterEach(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true, force: true });
});

/** Whole numbers below `most`, the same ones each time. */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

const read = (sink: FileSink, position: number, length: number) => {
  const target = new Uint8Array(length);
  sink.read(target, position);
  return Buffer.from(target);
};

describe('a file with a write underway', () => {
  it.each([true, false])(
    'holds what was written last, everywhere (waiting now and then: %s)',
    async (waits) => {
      const next = numbers(7);
      const expected = Buffer.alloc(6 * MEBI);
      const sink = new FileSink(descriptor);
      for (let step = 0; step < 120; step++) {
        const large = next(3) === 0;
        const bytes = new Uint8Array(large ? MEBI + next(MEBI) : 1 + next(300_000)).fill(1 + next(255));
        // In order at first, so that there is no hole to read.
        const position = Math.min(next(sink.size + 1), expected.length - bytes.length);
        sink.write(bytes, position);
        expected.set(bytes, position);
        // The caller's memory is its own again.
        bytes.fill(0);
        const from = next(sink.size);
        const length = 1 + next(sink.size - from);
        const same = read(sink, from, length).equals(expected.subarray(from, from + length));
        expect(same, `step ${step}`).toBe(true);
        if (waits && next(4) === 0) await sink.drain();
      }
      await sink.drain();
      const written = readFileSync(join(folder, 'a.bin'));
      expect(written.length).toBe(sink.size);
      expect(written.equals(expected.subarray(0, sink.size))).toBe(true);
    },
  );

  it('tells of a failure when it is waited for, once', async () => {
    const readOnly = openSync(join(folder, 'a.bin'), 'r');
    try {
      const sink = new FileSink(readOnly);
      sink.write(new Uint8Array(2 * MEBI), 0);
      await expect(sink.drain()).rejects.toMatchObject({ code: 'EBADF' });
      await sink.drain();
    } finally {
      closeSync(readOnly);
    }
  });
});
