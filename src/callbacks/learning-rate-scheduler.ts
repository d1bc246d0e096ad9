import { wrongOption } from '../base/checks.ts';
import { Callback } from './callback.ts';

/** Sets the learning rate before each epoch (from 0): Keras 3's `LearningRateScheduler`. Not with a `schedule`. */
export class LearningRateScheduler extends Callback {
  readonly #schedule: (epoch: number, rate: number) => number;

  /** @param schedule Gets the epoch, from 0, and the rate that is set; returns the new one. */
  constructor(schedule: (epoch: number, rate: number) => number) {
    super();
    if (typeof schedule !== 'function')
      throw wrongOption('schedule', schedule, 'a function of epoch and rate');
    this.#schedule = schedule;
  }

  override onEpochBegin(epoch: number): Promise<void> {
    const rate = this.#schedule(epoch, this.context.getLearningRate());
    if (!(rate >= 0 && Number.isFinite(rate)))
      throw wrongOption('schedule', rate, 'a function that returns a rate');
    this.context.setLearningRate(rate);
    return Promise.resolve();
  }
}
