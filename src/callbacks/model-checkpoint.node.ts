import type * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { saveModel } from '../models/save-model.node.ts';
import { writeFileWhole } from '../output/write-file.node.ts';
import { writeSafetensors } from '../../converters/index.ts';
import type { CallbackState, Logs } from './callback.ts';
import { Callback, numbersOf } from './callback.ts';
import { fileNameOf } from './file-name.ts';
import type { MonitorMode } from './monitor.ts';
import { Monitor, numberFromJson, numberToJson } from './monitor.ts';

export interface ModelCheckpointOptions {
  /** What is watched. Default `val_loss`. */
  readonly monitor?: string;
  /** Save only when the value is better than all before. Default false. */
  readonly saveBestOnly?: boolean;
  /** Save a safetensors file with the weights instead of a folder with the model. Default false. */
  readonly saveWeightsOnly?: boolean;
  /** Default `auto`: more is better for accuracies and AUC. */
  readonly mode?: MonitorMode;
  /** Behind each epoch, or behind so many batches. Default `epoch`. */
  readonly saveFreq?: 'epoch' | number;
  /** With `saveBestOnly`: what the first value has to be better than. */
  readonly initialValueThreshold?: number;
}

interface State {
  best: number | undefined;
  batchesSinceSaving: number;
  /** A run that goes on within an epoch is not told which. */
  epoch: number;
}

/** Saves the model while it is trained: Keras 3's `ModelCheckpoint`. Each file or folder is whole, or is not there. */
export class ModelCheckpoint extends Callback {
  readonly #path: string;
  readonly #options: ModelCheckpointOptions;
  readonly #monitor: Monitor;
  #state: State;

  /**
   * @param filepath A folder, or with `saveWeightsOnly` a file that ends in `.safetensors`; `{epoch:02d}` and what is measured,
   *   as `{val_loss:.2f}`, are filled in. What is there is replaced.
   * @throws UsageError `USAGE_ARGUMENT`
   */
  constructor(filepath: string, options: ModelCheckpointOptions = {}) {
    super();
    const { monitor = 'val_loss', mode = 'auto', saveFreq = 'epoch', saveWeightsOnly = false } = options;
    if (typeof filepath !== 'string' || filepath === '')
      throw wrongOption('filepath', filepath, 'the name of a file or folder');
    if (saveFreq !== 'epoch') requireWhole('saveFreq', saveFreq);
    if (saveWeightsOnly && !filepath.endsWith('.safetensors'))
      throw wrongOption('filepath', filepath, 'a name that ends in .safetensors with `saveWeightsOnly`');
    this.#path = filepath;
    this.#options = options;
    this.#monitor = new Monitor(monitor, mode, 0);
    this.#state = this.#newState();
  }

  #newState(): State {
    return { best: this.#options.initialValueThreshold, batchesSinceSaving: 0, epoch: 0 };
  }

  override onTrainBegin(): Promise<void> {
    this.#state = this.#newState();
    return Promise.resolve();
  }

  override onEpochBegin(epoch: number): Promise<void> {
    this.#state.epoch = epoch;
    return Promise.resolve();
  }

  override async onBatchEnd(batch: number, logs?: tf.Logs): Promise<void> {
    const { saveFreq = 'epoch' } = this.#options;
    if (saveFreq === 'epoch' || ++this.#state.batchesSinceSaving < saveFreq) return;
    this.#state.batchesSinceSaving = 0;
    await this.#save(numbersOf(logs), { batch: batch + 1 });
  }

  override async onEpochEnd(_epoch: number, logs?: tf.Logs): Promise<void> {
    if ((this.#options.saveFreq ?? 'epoch') === 'epoch') await this.#save(numbersOf(logs), {});
  }

  async #save(logs: Logs, more: Logs): Promise<void> {
    const { saveBestOnly = false, saveWeightsOnly = false } = this.#options;
    if (saveBestOnly) {
      const value = this.#monitor.valueIn(logs);
      if (!this.#monitor.isBetter(value, this.#state.best)) return;
      this.#state.best = value;
    }
    const path = fileNameOf(this.#path, { ...logs, ...more, epoch: this.#state.epoch + 1 });
    await this.context.publish();
    const { model } = this.context;
    if (!saveWeightsOnly) {
      await saveModel(model, path, { force: true });
      return;
    }
    const bytes = writeSafetensors(
      model.weights.map((weight) => {
        const tensor = weight.read();
        const data = Float32Array.from(tensor.dataSync());
        return { name: weight.originalName, dtype: 'float32', shape: tensor.shape, data };
      }),
    );
    await writeFileWhole(path, (sink) => sink.write(bytes, 0), { force: true });
  }

  override getState(): CallbackState {
    return { json: { ...this.#state, best: numberToJson(this.#state.best) } };
  }

  override setState({ json }: CallbackState): void {
    const state = json as Partial<State>;
    this.#state = { ...this.#newState(), ...state, best: numberFromJson(state.best) };
  }
}
