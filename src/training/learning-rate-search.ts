import type * as tf from '@tensorflow/tfjs';
import { throwIfAborted } from '../base/errors.ts';
import { createRandom, joinSeeds, shuffled } from '../base/random.ts';
import { disposeOptimizer, setLearningRate } from '../optimizers/learning-rate.ts';
import type { FitSettings } from './fit-loop.ts';
import { pause } from './pause.ts';
import type { Trainee } from './trainee.ts';
import { trainingStep } from './training-step.ts';

export interface SearchSettings extends Pick<
  FitSettings,
  'batchSize' | 'seed' | 'classWeights' | 'labelSmoothing' | 'mixup' | 'clip' | 'makeOptimizer' | 'signal'
> {
  readonly lowest: number;
  readonly highest: number;
  readonly steps: number;
}

export interface LearningRateSearch {
  /** Rates that were tried, rising. */
  readonly rates: readonly number[];
  /** Smoothed loss behind the step at each rate. */
  readonly losses: readonly number[];
  /** Where the loss falls most steeply, in the rate's logarithm: a rate to start from. */
  readonly suggestion: number;
}

const SMOOTHING = 0.9;
/** Of the lowest loss: beyond it training has come apart. */
const TOO_MUCH = 4;

/** Trains at rates that rise from step to step, by one factor; stops where the loss explodes. The trainee is put back. */
export async function searchLearningRate(
  trainee: Trainee,
  settings: SearchSettings,
): Promise<LearningRateSearch> {
  const { lowest, highest, steps, seed, batchSize, signal } = settings;
  const start = trainee.capture();
  const optimizer: tf.Optimizer = settings.makeOptimizer();
  const rates: number[] = [];
  const losses: number[] = [];
  let mean = 0;
  try {
    const rows = await trainee.rows(1);
    let order: number[] = [];
    for (let step = 0; step < steps; step++) {
      await pause();
      throwIfAborted(signal, 'The search for a learning rate');
      if (order.length < Math.min(batchSize, rows.labels.length)) {
        order = shuffled([...rows.labels.keys()], createRandom(joinSeeds(seed, 3, step)));
      }
      const rate = lowest * (highest / lowest) ** (step / (steps - 1));
      setLearningRate(optimizer, rate);
      const random = createRandom(joinSeeds(seed, 3, step, 1));
      const { loss } = trainingStep(trainee, rows, order.splice(0, batchSize), optimizer, settings, random);
      mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
      const smoothed = mean / (1 - SMOOTHING ** (step + 1));
      if (!Number.isFinite(smoothed) || smoothed > TOO_MUCH * Math.min(...losses)) break;
      rates.push(rate);
      losses.push(smoothed);
    }
  } finally {
    trainee.restore(start);
    disposeOptimizer(optimizer);
  }
  return { rates, losses, suggestion: steepest(rates, losses) };
}

/** The rate at the steepest fall before the lowest loss. */
function steepest(rates: readonly number[], losses: readonly number[]): number {
  const lowest = losses.indexOf(Math.min(...losses));
  let best = 0;
  let slope = Infinity;
  for (let at = 1; at < Math.max(lowest, 2) && at + 1 < losses.length; at++) {
    const found = losses[at + 1]! - losses[at - 1]!;
    if (found < slope) [best, slope] = [at, found];
  }
  return rates[best] ?? rates[0]!;
}
