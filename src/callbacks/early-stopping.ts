import type * as tf from '@tensorflow/tfjs';
import { requireWhole } from '../base/checks.ts';
import type { CallbackState, WeightsSnapshot } from './callback.ts';
import { Callback, numbersOf } from './callback.ts';
import type { MonitorMode } from './monitor.ts';
import { Monitor, numberFromJson, numberToJson } from './monitor.ts';

export interface EarlyStoppingOptions {
  /** What is watched. Default `val_loss`. */
  readonly monitor?: string;
  /** A smaller change is no improvement. Default 0. */
  readonly minDelta?: number;
  /** Epochs without improvement after which training ends. Default 0. */
  readonly patience?: number;
  /** Whether less or more is better; `auto`: more for accuracies and AUC. Default `auto`. */
  readonly mode?: MonitorMode;
  /** Patience is renewed only by values that are better than this one as well. */
  readonly baseline?: number;
  /** Whether the model ends with the weights of the best epoch. Default false. */
  readonly restoreBestWeights?: boolean;
  /** Epochs at the start that do not count. Default 0. */
  readonly startFromEpoch?: number;
}

interface State {
  wait: number;
  stoppedEpoch: number;
  bestEpoch: number;
  best: number | undefined;
}

/** Ends training when a value has stopped improving: Keras 3's `EarlyStopping`. */
export class EarlyStopping extends Callback {
  readonly #options: EarlyStoppingOptions;
  readonly #monitor: Monitor;
  #state: State = newState();
  #bestWeights: WeightsSnapshot | undefined;

  constructor(options: EarlyStoppingOptions = {}) {
    super();
    const { monitor = 'val_loss', minDelta = 0, mode = 'auto', patience = 0, startFromEpoch = 0 } = options;
    requireWhole('patience', patience, 0);
    requireWhole('startFromEpoch', startFromEpoch, 0);
    this.#options = options;
    this.#monitor = new Monitor(monitor, mode, minDelta);
  }

  /** From 0; 0 while it has not stopped training. */
  get stoppedEpoch(): number {
    return this.#state.stoppedEpoch;
  }

  /** From 0. */
  get bestEpoch(): number {
    return this.#state.bestEpoch;
  }

  override onTrainBegin(): Promise<void> {
    this.#state = newState();
    this.#bestWeights = undefined;
    return Promise.resolve();
  }

  override async onEpochEnd(epoch: number, logs?: tf.Logs): Promise<void> {
    const { patience = 0, baseline, restoreBestWeights = false, startFromEpoch = 0 } = this.#options;
    const state = this.#state;
    const value = this.#monitor.valueIn(numbersOf(logs));
    if (epoch < startFromEpoch) return;
    if (restoreBestWeights && this.#bestWeights === undefined) {
      this.#bestWeights = await this.context.captureWeights();
      state.bestEpoch = epoch;
    }
    state.wait++;
    if (this.#monitor.isBetter(value, state.best)) {
      state.best = value;
      state.bestEpoch = epoch;
      if (restoreBestWeights) this.#bestWeights = await this.context.captureWeights();
      if (baseline === undefined || this.#monitor.isBetter(value, baseline)) state.wait = 0;
      return;
    }
    if (state.wait >= patience && epoch > 0) {
      state.stoppedEpoch = epoch;
      this.context.stopTraining();
    }
  }

  override async onTrainEnd(): Promise<void> {
    if (this.#bestWeights !== undefined) await this.context.restoreWeights(this.#bestWeights);
    this.#bestWeights = undefined;
  }

  override getState(): CallbackState {
    const json = { ...this.#state, best: numberToJson(this.#state.best) };
    return this.#bestWeights === undefined ? { json } : { json, tensors: this.#bestWeights.tensors };
  }

  override setState({ json, tensors }: CallbackState): void {
    const state = json as Partial<State>;
    this.#state = { ...newState(), ...state, best: numberFromJson(state.best) };
    this.#bestWeights = tensors === undefined ? undefined : { tensors };
  }
}

function newState(): State {
  return { wait: 0, stoppedEpoch: 0, bestEpoch: 0, best: undefined };
}
