import type { Callback, CallbackState, Logs, TrainingContext } from './callback.ts';

export interface RunParams {
  readonly epochs: number;
  /** In each epoch. */
  readonly steps: number;
  readonly samples: number;
  /** Epochs of earlier stages of the same training. */
  readonly initialEpoch: number;
}

/** Calls the hooks of callbacks, one behind the other. */
export class CallbackRunner {
  /** Whether a callback asked to end the training. */
  stopTraining = false;

  constructor(
    private readonly callbacks: readonly Callback[],
    private readonly context: TrainingContext,
  ) {}

  stop(): void {
    this.stopTraining = true;
  }

  setParams({ epochs, steps, samples, initialEpoch }: RunParams): void {
    const params = { epochs, steps, samples, verbose: 0, metrics: ['accuracy', 'val_loss', 'val_accuracy'] };
    for (const callback of this.callbacks) {
      callback.setParams({ ...params, initialEpoch, doValidation: true });
      if ((this.context.model as unknown) !== undefined) callback.setModel(this.context.model);
      callback.setContext(this.context);
    }
  }

  async trainBegin(): Promise<void> {
    for (const callback of this.callbacks) await callback.onTrainBegin({});
  }

  async epochBegin(epoch: number): Promise<void> {
    for (const callback of this.callbacks) await callback.onEpochBegin(epoch, {});
  }

  async batchBegin(batch: number): Promise<void> {
    for (const callback of this.callbacks) await callback.onBatchBegin(batch, { batch });
  }

  async batchEnd(batch: number, logs: Logs): Promise<void> {
    for (const callback of this.callbacks) await callback.onBatchEnd(batch, { batch, ...logs });
  }

  async epochEnd(epoch: number, logs: Logs): Promise<void> {
    for (const callback of this.callbacks) await callback.onEpochEnd(epoch, { ...logs });
  }

  async trainEnd(): Promise<void> {
    for (const callback of this.callbacks) await callback.onTrainEnd({});
  }

  states(): CallbackState[] {
    return this.callbacks.map((callback) => callback.getState?.() ?? { json: null });
  }

  /** Behind `onTrainBegin`, which starts from nothing. */
  async restore(states: readonly CallbackState[]): Promise<void> {
    for (const [index, callback] of this.callbacks.entries()) {
      const state = states[index];
      if (state !== undefined && state.json !== null) await callback.setState?.(state);
    }
  }
}
