import { NetworkError } from '../base/errors.ts';
import type { Sink, Validator } from './sink.ts';

/** Below the largest ArrayBuffer of the engines that we support. */
const limit = 2 ** 32 - 1;

/** Keeps a transfer in memory. */
export class MemorySink implements Sink {
  length = 0;
  validator: Validator = {};
  readonly #name: string;
  #chunks: Uint8Array[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  reserve(total: number): Promise<void> {
    return total > limit ? Promise.reject(this.#tooLong()) : Promise.resolve();
  }

  restart(validator: Validator): Promise<void> {
    this.#chunks = [];
    this.length = 0;
    this.validator = validator;
    return Promise.resolve();
  }

  append(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.length += chunk.length;
    return this.length > limit ? Promise.reject(this.#tooLong()) : Promise.resolve();
  }

  /** All bytes, in a buffer of their own. */
  take(): Uint8Array {
    const whole = new Uint8Array(this.length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks = [];
    return whole;
  }

  #tooLong(): NetworkError {
    return new NetworkError('DOWNLOAD_CONTENT', 'The file is too large to be held in memory.', {
      given: this.#name,
      expected: 'less than 4 GiB',
      nextStep: 'check the address',
    });
  }
}
