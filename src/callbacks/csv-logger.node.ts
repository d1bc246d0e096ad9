import { appendFile, mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { stringify } from 'csv-stringify/sync';
import { wrongOption } from '../base/checks.ts';
import { outputError } from '../output/output-errors.node.ts';
import type { CallbackState } from './callback.ts';
import { Callback, numbersOf } from './callback.ts';

export interface CSVLoggerOptions {
  /** Default a comma. */
  readonly separator?: string;
  /** Whether rows are added to a file that is there, without a second heading. Default false: it is replaced. */
  readonly append?: boolean;
}

interface State {
  /** null before the first row. */
  readonly keys: readonly string[] | null;
  /** Bytes of the file. */
  readonly size: number;
}

/** Writes one row for each epoch (from 0): Keras 3's `CSVLogger`. */
export class CSVLogger extends Callback {
  readonly #file: string;
  readonly #options: CSVLoggerOptions;
  #keys: readonly string[] | undefined;
  #size = 0;

  constructor(filename: string, options: CSVLoggerOptions = {}) {
    super();
    if (typeof filename !== 'string' || filename === '')
      throw wrongOption('filename', filename, 'the name of a file');
    this.#file = filename;
    this.#options = options;
  }

  override async onTrainBegin(): Promise<void> {
    // A second stage goes on where the first one ended.
    if (this.initialEpoch > 0) return;
    this.#keys = undefined;
    this.#size = this.#options.append === true ? await this.#sizeNow() : 0;
  }

  async #sizeNow(): Promise<number> {
    return (await stat(this.#file).catch(() => undefined))?.size ?? 0;
  }

  override async onEpochEnd(epoch: number, logs?: tf.Logs): Promise<void> {
    const values = numbersOf(logs);
    try {
      const keys = (this.#keys ??= await this.#begin(Object.keys(values).sort()));
      await this.#append([epoch, ...keys.map((key) => values[key] ?? 'NA')]);
    } catch (error) {
      throw outputError(error, this.#file);
    }
  }

  /** Writes the heading, where the file has none. */
  async #begin(keys: readonly string[]): Promise<readonly string[]> {
    await mkdir(dirname(this.#file), { recursive: true });
    const { append = false } = this.#options;
    this.#size = append ? await this.#sizeNow() : 0;
    if (this.#size > 0) return keys;
    await writeFile(this.#file, '');
    await this.#append(['epoch', ...keys]);
    return keys;
  }

  async #append(row: readonly (string | number)[]): Promise<void> {
    const text = stringify([[...row]], {
      delimiter: this.#options.separator ?? ',',
      record_delimiter: 'windows',
    });
    await appendFile(this.#file, text);
    this.#size += Buffer.byteLength(text);
  }

  override getState(): CallbackState {
    const json: State = { keys: this.#keys ?? null, size: this.#size };
    return { json };
  }

  /** Rows of epochs that are run once more are taken away. */
  override async setState({ json }: CallbackState): Promise<void> {
    const { keys, size } = json as State;
    // Nothing was written, and the first row replaces what is there.
    if (keys === null && this.#options.append !== true) return;
    const there = await this.#sizeNow();
    // Without its file it begins anew.
    if (there < size) return;
    if (there > size)
      await truncate(this.#file, size).catch((error: unknown) => {
        throw outputError(error, this.#file);
      });
    this.#keys = keys ?? undefined;
    this.#size = size;
  }
}
