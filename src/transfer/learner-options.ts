import { requireWhole, wrongOption } from '../base/checks.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { AugmentOptions } from './augment.ts';
import { checkAugmentOptions } from './augment.ts';
import type { FitOptions } from './fit-options.ts';
import type { Evaluation } from './metrics.ts';

export interface LearnerOptions extends Omit<RecipeOptions, 'labels'> {
  /** Pictures to validate on, in any of the forms of the training pictures. */
  readonly validation?: DatasetSource;
  /** Without `validation`: the share of every class that is set aside, above 0 and below 1. Default 0.2. */
  readonly validationSplit?: number;
  /** Random crops, mirroring, brightness and contrast, anew in each epoch. Default false. */
  readonly augment?: boolean | AugmentOptions;
  /** For the frozen half of the model. Default `auto`. */
  readonly engine?: EngineName;
  /**
   * Features of the frozen half are kept on disk, by the content of photo, model and preprocessing, and used again in
   * later runs: in the cache folder, or under the folder that is given. Default true in Node; browsers have no such cache.
   */
  readonly cache?: boolean | string;
  /** Features that take more bytes than this together are computed anew in every epoch. Default 2 GiB. */
  readonly memoryLimit?: number;
  /** The same seed gives the same result on the same engine. Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface HeadFitOptions extends FitOptions {
  /** Penalty on the squared norm of the head's kernel, on features scaled to a standard deviation of 1. Default 0.1. */
  readonly l2?: number;
}

export interface LearnerResult {
  readonly history: readonly EpochReport[];
  /** The epoch whose weights the model has, from 1; 0 when no epoch was better than the start (in a second stage). */
  readonly bestEpoch: number;
  /** Of that epoch on the validation pictures. */
  readonly evaluation: Evaluation;
  readonly trainingImages: number;
  readonly validationImages: number;
  readonly frozenLayers: number;
  readonly trainedLayers: number;
  /** What computed the frozen half; undefined when nothing is frozen. */
  readonly engine: 'onnx' | 'tfjs' | undefined;
  /** Pictures whose features came out of the cache. */
  readonly cachedImages: number;
  /** Why features could not be kept on disk; undefined while all went well. */
  readonly cacheProblem?: string;
  readonly stopped: 'completed' | 'early' | 'aborted';
  readonly seconds: number;
}

/** What `Learner.fineTune` takes: options of the first stage, and what is different in the second. */
export interface StagesOptions {
  /** Of the first stage, in which the head alone is trained. */
  readonly frozen?: HeadFitOptions;
  /** Of the second stage. Its learning rate is 0.00003 by default. */
  readonly unfrozen?: FitOptions;
  /** What is trained in the second stage: from this layer or stage on, as `unfreezeFrom` takes it. Default -1. */
  readonly unfreezeFrom?: string | number;
  /** Whether BatchNormalization is trained as well. Default false. */
  readonly batchNormalization?: boolean;
}

export interface StagesResult {
  readonly frozen: LearnerResult;
  /** Undefined when there was no second stage, or the first one was stopped. */
  readonly unfrozen: LearnerResult | undefined;
}

export interface LearningRateOptions extends Pick<
  FitOptions,
  | 'optimizer'
  | 'weightDecay'
  | 'labelSmoothing'
  | 'mixup'
  | 'clipNorm'
  | 'globalClipNorm'
  | 'clipValue'
  | 'batchSize'
  | 'classWeights'
  | 'onProgress'
  | 'signal'
> {
  /** Default 1e-6. */
  readonly lowest?: number;
  /** Default 1. */
  readonly highest?: number;
  /** Default 60. */
  readonly steps?: number;
}

/** @throws UsageError `USAGE_ARGUMENT` */
export function checkLearnerOptions(options: LearnerOptions): void {
  const { seed = 1, memoryLimit = 2 ** 31, validationSplit = 0.2, augment } = options;
  requireWhole('seed', seed, 0);
  if (!(memoryLimit >= 0)) throw wrongOption('memoryLimit', memoryLimit, 'a number of bytes');
  if (!(validationSplit > 0 && validationSplit < 1))
    throw wrongOption('validationSplit', validationSplit, 'a number between 0 and 1');
  if (typeof augment === 'object') checkAugmentOptions(augment);
}
