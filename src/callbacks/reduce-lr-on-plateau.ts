import type * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import type { CallbackState } from './callback.ts';
import { Callback, numbersOf } from './callback.ts';
import type { MonitorMode } from './monitor.ts';
import { Monitor, numberFromJson, numberToJson } from './monitor.ts';

export interface ReduceLROnPlateauOptions {
  /** What is watched. Default `val_loss`. */
  readonly monitor?: string;
  /** The rate is multiplied by it, above 0 and below 1. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement after which the rate falls. Default 10. */
  readonly patience?: number;
  /** Default `auto`: more is better for accuracies and AUC. */
  readonly mode?: MonitorMode;
  /** A smaller change is no improvement. Default 0.0001. */
  readonly minDelta?: number;
  /** Epochs behind a fall that do not count. Default 0. */
  readonly cooldown?: number;
  /** The rate does not fall below it. Default 0. */
  readonly minLr?: number;
}

interface State {
  wait: number;
  cooldownCounter: number;
  best: number | undefined;
}

/** Lowers the learning rate when a value has stopped improving: Keras 3's `ReduceLROnPlateau`. Not with a `schedule`. */
export class ReduceLROnPlateau extends Callback {
  readonly #options: Required<Pick<ReduceLROnPlateauOptions, 'factor' | 'patience' | 'cooldown' | 'minLr'>>;
  readonly #monitor: Monitor;
  #state: State = newState();

  constructor(options: ReduceLROnPlateauOptions = {}) {
    super();
    const { factor = 0.1, patience = 10, cooldown = 0, minLr = 0, minDelta = 1e-4 } = options;
    if (!(factor > 0 && factor < 1)) throw wrongOption('factor', factor, 'a number above 0 and below 1');
    requireWhole('patience', patience, 0);
    requireWhole('cooldown', cooldown, 0);
    this.#options = { factor, patience, cooldown, minLr };
    this.#monitor = new Monitor(options.monitor ?? 'val_loss', options.mode ?? 'auto', minDelta);
  }

  override onTrainBegin(): Promise<void> {
    this.#state = newState();
    return Promise.resolve();
  }

  override onEpochEnd(_epoch: number, logs?: tf.Logs): Promise<void> {
    const { factor, patience, cooldown, minLr } = this.#options;
    const state = this.#state;
    const value = this.#monitor.valueIn(numbersOf(logs));
    if (state.cooldownCounter > 0) {
      state.cooldownCounter--;
      state.wait = 0;
    }
    if (this.#monitor.isBetter(value, state.best)) {
      state.best = value;
      state.wait = 0;
    } else if (state.cooldownCounter <= 0 && ++state.wait >= patience) {
      const rate = this.context.getLearningRate();
      if (rate > minLr) {
        this.context.setLearningRate(Math.max(rate * factor, minLr));
        state.cooldownCounter = cooldown;
        state.wait = 0;
      }
    }
    return Promise.resolve();
  }

  override getState(): CallbackState {
    return { json: { ...this.#state, best: numberToJson(this.#state.best) } };
  }

  override setState({ json }: CallbackState): void {
    const state = json as Partial<State>;
    this.#state = { ...newState(), ...state, best: numberFromJson(state.best) };
  }
}

function newState(): State {
  return { wait: 0, cooldownCounter: 0, best: undefined };
}
