import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { encodePng } from '../images/encode-png.node.ts';
import { summary } from '../reports/summary.ts';
import type { SummaryValue } from '../tensorboard/event-file.ts';
import { TensorBoardWriter } from '../tensorboard/event-writer.node.ts';
import { histogramOf } from '../tensorboard/histogram.ts';
import type { CallbackState, Logs } from './callback.ts';
import { Callback, numbersOf } from './callback.ts';
import { kernelPicture } from './kernel-picture.ts';

export interface TensorBoardOptions {
  /** Folder of the log; `train` and `validation` are made in it. Default `logs`. */
  readonly logDir?: string;
  /** Histograms of the weights behind every so many epochs; 0: none. Default 0. */
  readonly histogramFreq?: number;
  /** Kernels as pictures, with the histograms. Default false. */
  readonly writeImages?: boolean;
  /** Also behind each batch, or every so many. Default `epoch`: not. */
  readonly updateFreq?: 'epoch' | 'batch' | number;
}

type Part = 'train' | 'validation';

type Files = Readonly<Partial<Record<Part, { readonly fileName: string; readonly size: number }>>>;

interface State {
  readonly step: number;
  readonly files: Files;
}

/**
 * Writes a log for TensorBoard, with the tags of Keras 3's `TensorBoard`: `epoch_loss`, `epoch_accuracy`,
 * `epoch_learning_rate`, `batch_loss`, and `<weight>/histogram`; and the summary of the model as a text.
 */
export class TensorBoard extends Callback {
  readonly #options: Required<TensorBoardOptions>;
  readonly #writers = new Map<Part, TensorBoardWriter>();
  #step = 0;
  /** Files that are closed, to go on with. */
  #files: Files = {};

  constructor(options: TensorBoardOptions = {}) {
    super();
    const { logDir = 'logs', histogramFreq = 0, writeImages = false, updateFreq = 'epoch' } = options;
    if (typeof logDir !== 'string' || logDir === '')
      throw wrongOption('logDir', logDir, 'the name of a folder');
    requireWhole('histogramFreq', histogramFreq, 0);
    if (typeof updateFreq === 'number') requireWhole('updateFreq', updateFreq);
    else if (updateFreq !== 'epoch' && updateFreq !== 'batch')
      throw wrongOption('updateFreq', updateFreq, 'epoch, batch or a number of batches');
    this.#options = { logDir, histogramFreq, writeImages, updateFreq };
  }

  async #writer(part: Part): Promise<TensorBoardWriter> {
    let writer = this.#writers.get(part);
    if (writer === undefined) {
      const earlier = this.#files[part];
      writer = await TensorBoardWriter.open(join(this.#options.logDir, part), earlier);
      this.#writers.set(part, writer);
      if (earlier !== undefined) return writer;
      const { model } = this.context as { model: tf.LayersModel | undefined };
      if (part === 'train' && model !== undefined) {
        const lines = summary(model).split('\n');
        await writer.text('model', lines.map((line) => `    ${line}`).join('\n'), 0);
      }
    }
    return writer;
  }

  override async onTrainBegin(): Promise<void> {
    await this.#close();
    // A second stage goes on where the first one ended.
    if (this.initialEpoch > 0) return;
    this.#step = 0;
    this.#files = {};
    await this.#writer('train');
    if ((this.params as tf.serialization.ConfigDict | undefined)?.['doValidation'] === true)
      await this.#writer('validation');
  }

  override async onBatchEnd(_batch: number, logs?: tf.Logs): Promise<void> {
    const { updateFreq } = this.#options;
    const step = this.#step++;
    if (updateFreq === 'epoch' || step % (updateFreq === 'batch' ? 1 : updateFreq) !== 0) return;
    await this.#scalars('train', 'batch_', numbersOf(logs), step);
  }

  override async onEpochEnd(epoch: number, logs?: tf.Logs): Promise<void> {
    const all = Object.entries(numbersOf(logs));
    const training = all.filter(([name]) => !name.startsWith('val_'));
    const validation = all
      .filter(([name]) => name.startsWith('val_'))
      .map(([name, value]) => [name.slice(4), value] as const);
    const rates = { learning_rate: this.context.getLearningRate() };
    await this.#scalars('train', 'epoch_', { ...Object.fromEntries(training), ...rates }, epoch);
    if (validation.length > 0) {
      await this.#scalars('validation', 'epoch_', Object.fromEntries(validation), epoch);
    }
    const { histogramFreq } = this.#options;
    if (histogramFreq > 0 && epoch % histogramFreq === 0) await this.#weights(epoch);
  }

  async #scalars(part: Part, prefix: string, values: Logs, step: number): Promise<void> {
    const writer = await this.#writer(part);
    await writer.write(
      step,
      Object.entries(values).map(([name, value]) => ({ kind: 'scalar', tag: prefix + name, value })),
    );
  }

  async #weights(epoch: number): Promise<void> {
    await this.context.publish();
    const writer = await this.#writer('train');
    for (const weight of this.context.model.weights) {
      const tensor = weight.read();
      const data = await tensor.data();
      const values: SummaryValue[] = [
        { kind: 'histogram', tag: `${weight.originalName}/histogram`, histogram: histogramOf(data) },
      ];
      const picture = this.#options.writeImages ? kernelPicture(data, tensor.shape) : undefined;
      if (picture !== undefined) {
        const encoded = await encodePng(picture);
        values.push({ kind: 'image', tag: `${weight.originalName}/image`, ...picture, encoded });
      }
      await writer.write(epoch, values);
    }
  }

  override async onTrainEnd(): Promise<void> {
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#files = this.#filesNow();
    for (const writer of this.#writers.values()) await writer.close();
    this.#writers.clear();
  }

  #filesNow(): Files {
    const open = Object.fromEntries(
      [...this.#writers].map(([part, { file, size }]) => [part, { fileName: basename(file), size }]),
    );
    return { ...this.#files, ...open };
  }

  override getState(): CallbackState {
    const json: State = { step: this.#step, files: this.#filesNow() };
    return { json };
  }

  /** Goes on with the files of the interrupted run, without what is going to be written once more. */
  override async setState({ json }: CallbackState): Promise<void> {
    const { step, files } = json as State;
    const begun = [...this.#writers.values()].map(({ file }) => file);
    const needless = begun.filter(
      (file) => !Object.values(files).some(({ fileName }) => file.endsWith(fileName)),
    );
    await this.#close();
    // What `onTrainBegin` of this run has begun.
    for (const file of needless) await rm(file, { force: true });
    this.#step = step;
    this.#files = files;
  }
}
