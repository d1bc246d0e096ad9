import { createRequire as requireFrom } from 'node:module';
import { stderr } from 'node:process';
import type * as tf from '@tensorflow/tfjs';
import type cliProgress from 'cli-progress';
import { Callback, numbersOf } from './callback.ts';

export interface ProgressBarOptions {
  /** Default stderr. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** One bar for each epoch on a terminal, one line for each epoch elsewhere: what Keras prints while it trains. */
export class ProgressBar extends Callback {
  readonly #stream: NonNullable<ProgressBarOptions['stream']>;
  #bar: cliProgress.SingleBar | undefined;
  #started = 0;
  #epochs = '?';
  #steps = 0;
  #done = 0;

  constructor({ stream = stderr }: ProgressBarOptions = {}) {
    super();
    this.#stream = stream;
  }

  override onTrainBegin(): Promise<void> {
    const { epochs, steps } = this.params as { epochs?: number | null; steps?: number | null };
    this.#epochs = String(epochs ?? '?');
    this.#steps = steps ?? 0;
    return Promise.resolve();
  }

  override onEpochBegin(epoch: number): Promise<void> {
    this.#started = performance.now();
    this.#done = 0;
    this.#stream.write(`Epoch ${epoch + 1}/${this.#epochs}\n`);
    if (this.#stream.isTTY && this.#steps > 0) {
      const { SingleBar } = requireFrom(import.meta.url)('cli-progress') as typeof cliProgress;
      this.#bar = new SingleBar({
        format: '{value}/{total} {bar} {logs}',
        stream: this.#stream as NonNullable<cliProgress.Options['stream']>,
        barCompleteChar: '━',
        barIncompleteChar: '─',
        barsize: 20,
        hideCursor: true,
        clearOnComplete: true,
      });
      this.#bar.start(this.#steps, 0, { logs: '' });
    }
    return Promise.resolve();
  }

  override onBatchEnd(_batch: number, logs?: tf.Logs): Promise<void> {
    this.#done++;
    this.#bar?.update(Math.min(this.#done, this.#steps), { logs: textOf(numbersOf(logs)) });
    return Promise.resolve();
  }

  override onEpochEnd(_epoch: number, logs?: tf.Logs): Promise<void> {
    this.#bar?.stop();
    this.#bar = undefined;
    const seconds = (performance.now() - this.#started) / 1000;
    const steps = Math.max(this.#done, 1);
    const pace = `${seconds.toFixed(seconds < 10 ? 1 : 0)}s ${Math.round((1000 * seconds) / steps)}ms/step`;
    this.#stream.write(`${steps}/${steps} ${'━'.repeat(20)} ${pace} - ${textOf(numbersOf(logs))}\n`);
    return Promise.resolve();
  }

  override onTrainEnd(): Promise<void> {
    this.#bar?.stop();
    this.#bar = undefined;
    return Promise.resolve();
  }
}

/** Sorted by name, as Keras does. */
function textOf(values: Readonly<Record<string, number>>): string {
  return Object.keys(values)
    .sort()
    .map((name) => `${name}: ${format(values[name]!)}`)
    .join(' - ');
}

function format(value: number): string {
  return Math.abs(value) > 1e-3 || value === 0 ? value.toFixed(4) : value.toExponential(4);
}
