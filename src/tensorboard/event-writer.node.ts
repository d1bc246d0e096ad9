import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { pid } from 'node:process';
import { outputError } from '../output/output-errors.node.ts';
import type { SummaryEvent, SummaryValue } from './event-file.ts';
import { summaryRecord, versionRecord, wholeLength } from './event-file.ts';
import { histogramOf } from './histogram.ts';

/** Of the writers of this process. */
let counter = 0;

/**
 * Writes a log that TensorBoard reads: scalars, images, histograms and texts.
 *
 * ```js
 * const writer = await TensorBoardWriter.open('logs/train');
 * await writer.scalar('loss', 0.25, 1);
 * await writer.close();
 * ```
 *
 * Each call has written when it is done; what a killed process leaves can be read.
 */
export class TensorBoardWriter {
  /** Bytes of the file. */
  #end = 0;

  private constructor(
    /** Path of the event file. */
    readonly file: string,
    private readonly handle: FileHandle,
    private readonly now: () => number,
  ) {}

  /**
   * @param folder Made if it is missing; each writer adds a file of its own.
   * @param options.fileName Of a file in it that is gone on with; what is damaged at its end is cut off.
   * @param options.size So many bytes of it are kept at most.
   * @throws FileError `OUTPUT_*`
   */
  static async open(
    folder: string,
    options: { fileName?: string; size?: number } = {},
  ): Promise<TensorBoardWriter> {
    const { fileName, size } = options;
    const now = () => Date.now() / 1000;
    const seconds = String(Math.floor(now())).padStart(10, '0');
    const name = fileName ?? `events.out.tfevents.${seconds}.${hostname()}.${pid}.${counter++}.v2`;
    const file = join(folder, basename(name));
    try {
      await mkdir(folder, { recursive: true });
      const earlier = fileName === undefined ? undefined : await readFile(file).catch(() => undefined);
      const handle = await open(file, earlier === undefined ? 'wx' : 'r+');
      const writer = new TensorBoardWriter(file, handle, now);
      if (earlier !== undefined) {
        writer.#end = wholeLength(earlier.subarray(0, size));
        await handle.truncate(writer.#end);
      }
      if (writer.#end === 0) await writer.#append(versionRecord(now()));
      return writer;
    } catch (error) {
      throw outputError(error, file);
    }
  }

  async #append(bytes: Uint8Array): Promise<void> {
    try {
      const { bytesWritten } = await this.handle.write(bytes, 0, bytes.length, this.#end);
      if (bytesWritten < bytes.length)
        throw new Error(`${bytesWritten} of ${bytes.length} bytes were written`);
      this.#end += bytes.length;
    } catch (error) {
      throw outputError(error, this.file);
    }
  }

  /** Several values of one step. */
  write(step: number, values: readonly SummaryValue[]): Promise<void> {
    const event: SummaryEvent = { wallTime: this.now(), step, values };
    return this.#append(summaryRecord(event));
  }

  scalar(tag: string, value: number, step: number): Promise<void> {
    return this.write(step, [{ kind: 'scalar', tag, value }]);
  }

  histogram(tag: string, values: ArrayLike<number>, step: number): Promise<void> {
    return this.write(step, [{ kind: 'histogram', tag, histogram: histogramOf(values) }]);
  }

  /** Markdown is shown as such. */
  text(tag: string, text: string, step: number): Promise<void> {
    return this.write(step, [{ kind: 'text', tag, text }]);
  }

  /** @param encoded The bytes of a PNG or JPEG file. */
  image(
    tag: string,
    encoded: Uint8Array,
    size: { readonly width: number; readonly height: number },
    step: number,
  ): Promise<void> {
    return this.write(step, [{ kind: 'image', tag, encoded, ...size }]);
  }

  /** Bytes that the file has. */
  get size(): number {
    return this.#end;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
