import * as tf from '@tensorflow/tfjs';
import { requireOneOf, requireWhole, wrongOption } from '../base/checks.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { Callback } from '../callbacks/callback.ts';
import { AdamW } from '../optimizers/adam-w.ts';
import type { ClipOptions } from '../optimizers/clip-gradients.ts';
import type { Schedule } from '../optimizers/schedules.ts';
import { constantSchedule, cosineSchedule, oneCycleSchedule } from '../optimizers/schedules.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { FitSettings } from '../training/fit-loop.ts';
import type { ClassWeights } from './class-weights.ts';

/** Learning rate of a step, from 0. */
export type ScheduleFunction = (step: number, run: { totalSteps: number; peak: number }) => number;

export interface FitOptions {
  /** The optimizer's step size, the highest one where a schedule changes it. Default 0.001. */
  readonly learningRate?: number;
  /** Makes another optimizer, for example `() => tf.train.sgd(0.01)`; it is disposed of at the end. Default: Adam. */
  readonly optimizer?: () => tf.Optimizer;
  /** AdamW instead of Adam, with this decay of kernels per step and learning rate, 0 or more. Default 0: Adam. */
  readonly weightDecay?: number;
  /**
   * How the learning rate changes from step to step: `constant`; `cosine`, down to 0 along half a cosine; `oneCycle`, up to
   * the full rate in a quarter of the steps and down to almost 0; or a function of your own. Default `constant`.
   */
  readonly schedule?: 'constant' | 'cosine' | 'oneCycle' | ScheduleFunction;
  /** Share of the steps in which the rate rises from 0 at the start, 0 to below 1; not with `oneCycle`. Default 0. */
  readonly warmUp?: number;
  /** Share of the probability that is taken from the right class and given to all alike, 0 to below 1. Default 0. */
  readonly labelSmoothing?: number;
  /** Lays pictures over each other, by shares from Beta(`mixup`, `mixup`): 0.2 to 0.4 are common. Default 0: not. */
  readonly mixup?: number;
  /** Largest norm of the gradient of each weight. */
  readonly clipNorm?: number;
  /** Largest norm of all gradients together. */
  readonly globalClipNorm?: number;
  /** Largest value of each number of the gradients. */
  readonly clipValue?: number;
  /** Pictures per step. Default 32. */
  readonly batchSize?: number;
  /** Epochs without a better validation result after which training stops; 0 never stops early. Default 0. */
  readonly patience?: number;
  /** Whether the model ends with the weights of its best epoch on the validation pictures. Default true. */
  readonly restoreBestWeights?: boolean;
  /** Weights of the classes in the loss: `balanced` (rare classes count more), `none`, or one by name. Default `none`. */
  readonly classWeights?: ClassWeights;
  /** Keras's callbacks, as `EarlyStopping` or `TensorBoard`. */
  readonly callbacks?: readonly Callback[];
  /** In Node: a file in which the state of the training is kept, so that `resume` can go on with it. */
  readonly checkpoint?: string;
  /** Go on from `checkpoint`, if it is there: the result is that of a run that was never interrupted. Default false. */
  readonly resume?: boolean;
  /** Seconds between checkpoints within an epoch. Default 10. */
  readonly checkpointSeconds?: number;
  readonly onEpoch?: (epoch: EpochReport) => void;
  readonly onProgress?: ProgressCallback;
  /** Stops training behind the step that runs; the best so far is kept and `stopped` is `aborted`. */
  readonly signal?: AbortSignal;
}

/** @throws UsageError `USAGE_ARGUMENT` */
export function checkFitOptions(options: FitOptions): void {
  const {
    batchSize = 32,
    patience = 0,
    learningRate = 1e-3,
    weightDecay = 0,
    warmUp = 0,
    schedule,
  } = options;
  const { labelSmoothing = 0, mixup = 0, checkpointSeconds = 10, optimizer, callbacks = [] } = options;
  requireWhole('batchSize', batchSize);
  requireWhole('patience', patience, 0);
  const finite = Number.isFinite;
  const rules: [string, unknown, boolean, string][] = [
    ['learningRate', learningRate, learningRate > 0 && finite(learningRate), 'a number above 0'],
    ['weightDecay', weightDecay, weightDecay >= 0 && finite(weightDecay), 'a number of at least 0'],
    ['warmUp', warmUp, warmUp >= 0 && warmUp < 1, 'a number from 0 to below 1'],
    [
      'labelSmoothing',
      labelSmoothing,
      labelSmoothing >= 0 && labelSmoothing < 1,
      'a number from 0 to below 1',
    ],
    ['mixup', mixup, mixup >= 0 && finite(mixup), 'a number of at least 0'],
    ['checkpointSeconds', checkpointSeconds, checkpointSeconds >= 0, 'a number of at least 0'],
    [
      'optimizer',
      optimizer,
      optimizer === undefined || typeof optimizer === 'function',
      'a function that makes one',
    ],
    ['callbacks', callbacks, Array.isArray(callbacks), 'an array of callbacks'],
  ];
  for (const name of ['clipNorm', 'globalClipNorm', 'clipValue'] as const) {
    const value = options[name];
    rules.push([name, value, value === undefined || value > 0, 'a number above 0']);
  }
  for (const [option, value, legal, expected] of rules)
    if (!legal) throw wrongOption(option, value, expected);
  if (typeof schedule === 'string') requireOneOf('schedule', schedule, ['constant', 'cosine', 'oneCycle']);
  else if (schedule !== undefined && typeof schedule !== 'function') {
    throw wrongOption('schedule', schedule, 'constant, cosine, oneCycle or a function');
  }
}

/** What the optimizer and its rate are, as `fit` takes them. */
export function optimizerSettings(
  options: FitOptions,
): Pick<FitSettings, 'makeOptimizer' | 'schedule' | 'clip' | 'labelSmoothing' | 'mixup'> {
  const { learningRate = 1e-3, weightDecay = 0, optimizer, labelSmoothing = 0, mixup = 0 } = options;
  return {
    makeOptimizer:
      optimizer ??
      (() =>
        weightDecay > 0
          ? // Biases and normalization parameters have nothing to gain from being small.
            new AdamW({ learningRate, weightDecay, decays: ({ rank }) => rank > 1 })
          : tf.train.adam(learningRate)),
    schedule: scheduleOf(options),
    clip: clipOf(options),
    labelSmoothing,
    mixup,
  };
}

/** Undefined where the rate stays, so that callbacks may change it. */
function scheduleOf({
  schedule = 'constant',
  learningRate: peak = 1e-3,
  warmUp = 0,
}: FitOptions): Schedule | undefined {
  if (typeof schedule === 'function') return (step, totalSteps) => schedule(step, { totalSteps, peak });
  if (schedule === 'oneCycle') return oneCycleSchedule({ peak });
  if (schedule === 'cosine') return cosineSchedule({ peak, warmUp });
  return warmUp > 0 ? constantSchedule({ peak, warmUp }) : undefined;
}

function clipOf({ clipNorm, clipValue, globalClipNorm }: FitOptions): ClipOptions {
  return {
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(clipValue === undefined ? {} : { clipValue }),
    ...(globalClipNorm === undefined ? {} : { globalClipNorm }),
  };
}

/** What decides what a training gives; for the comparison with a checkpoint. */
export function identityOf(options: FitOptions): Record<string, unknown> {
  const { optimizer, schedule, callbacks, ...rest } = options;
  const plain = Object.fromEntries(
    Object.entries(rest).filter(
      ([name]) =>
        !['onEpoch', 'onProgress', 'signal', 'checkpoint', 'resume', 'checkpointSeconds'].includes(name),
    ),
  );
  return {
    ...plain,
    optimizer: optimizer === undefined ? undefined : String(optimizer),
    schedule: typeof schedule === 'function' ? String(schedule) : schedule,
    callbacks: callbacks?.map((callback) => callback.constructor.name),
  };
}
