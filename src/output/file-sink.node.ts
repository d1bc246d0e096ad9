import { readSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteSink } from '../../converters/index.ts';

/** Writes of this size and above go on beside the caller: 1 MiB. */
const LARGE = 1024 * 1024;

const writeAsync = promisify(write);

/** Writes all bytes from a position on; the first write has begun when this returns. */
export async function writeAll(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await writeAsync(descriptor, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function writeNow(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

interface Underway {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly done: Promise<void>;
  /** Some of the bytes were replaced meanwhile. */
  again: boolean;
}

/** The part that `length` bytes at `position` share with what is underway: start and end in the file. */
function overlap({ bytes, position: from }: Underway, position: number, length: number): [number, number] {
  return [Math.max(from, position), Math.min(from + bytes.length, position + length)];
}

/**
 * A file that is written in any order. One large write at a time is underway in another thread while the caller makes the
 * next one; what is underway is read and replaced as if it were written.
 */
export class FileSink implements ByteSink {
  readonly #descriptor: number;
  #size = 0;
  #buffer = new Uint8Array(0);
  #underway: Underway | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#size = Math.max(this.#size, position + bytes.length);
    const underway = this.#underway;
    if (underway === undefined) {
      if (bytes.length >= LARGE) this.#begin(bytes, position);
      else writeNow(this.#descriptor, bytes, position);
      return;
    }
    const [from, to] = overlap(underway, position, bytes.length);
    if (from >= to) {
      writeNow(this.#descriptor, bytes, position);
      return;
    }
    underway.bytes.set(bytes.subarray(from - position, to - position), from - underway.position);
    underway.again = true;
    writeNow(this.#descriptor, bytes.subarray(0, from - position), position);
    writeNow(this.#descriptor, bytes.subarray(to - position), to);
  }

  #begin(given: Uint8Array, position: number): void {
    if (this.#buffer.length < given.length) this.#buffer = new Uint8Array(given.length);
    const bytes = this.#buffer.subarray(0, given.length);
    bytes.set(given);
    const done = writeAll(this.#descriptor, bytes, position);
    // Until `drain` awaits it nobody else sees its error.
    done.catch(() => undefined);
    this.#underway = { bytes, position, done, again: false };
  }

  read(target: Uint8Array, position: number): void {
    const underway = this.#underway;
    const [from, to] = underway === undefined ? [0, 0] : overlap(underway, position, target.length);
    if (underway === undefined || from >= to) {
      this.#readNow(target, position);
      return;
    }
    this.#readNow(target.subarray(0, from - position), position);
    target.set(underway.bytes.subarray(from - underway.position, to - underway.position), from - position);
    this.#readNow(target.subarray(to - position), to);
  }

  #readNow(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length;) {
      const count = readSync(this.#descriptor, target, done, target.length - done, position + done);
      if (count === 0) throw new Error(`nothing was written at ${position + done}`);
      done += count;
    }
  }

  async drain(): Promise<void> {
    const underway = this.#underway;
    if (underway === undefined) return;
    try {
      await underway.done;
      if (underway.again) writeNow(this.#descriptor, underway.bytes, underway.position);
    } finally {
      this.#underway = undefined;
    }
  }
}
