import type { ByteSource } from '../src/base/types.ts';

/** Where a file is written to, in any order; what was written can be read back. */
export interface ByteSink extends ByteSource {
  /** The end of what was written so far, in bytes. */
  readonly size: number;
  /** Puts bytes at a position; what lies between the end and it becomes zeros. */
  write(bytes: Uint8Array, position: number): void;
  /** Waits for what is still on its way, where writing goes on beside the caller, and throws what went wrong with it. */
  readonly drain?: () => Promise<void>;
}

/** A sink in memory. */
export class MemorySink implements ByteSink {
  #bytes = new Uint8Array(64 * 1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A copy of all that was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size);
  }

  read(target: Uint8Array, position: number): void {
    target.set(this.#bytes.subarray(position, position + target.length));
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, position);
    this.#size = Math.max(this.#size, end);
  }
}
