import * as tf from '@tensorflow/tfjs';
import { CheckpointError } from '../base/errors.ts';
import { createRandom, joinSeeds, shuffled } from '../base/random.ts';
import type { Callback, CallbackState } from '../callbacks/callback.ts';
import type { RunParams } from '../callbacks/callback-runner.ts';
import { CallbackRunner } from '../callbacks/callback-runner.ts';
import type { ClipOptions } from '../optimizers/clip-gradients.ts';
import { disposeOptimizer, setLearningRate } from '../optimizers/learning-rate.ts';
import { captureOptimizer, restoreOptimizer } from '../optimizers/optimizer-state.ts';
import type { CheckpointFile } from '../platform.ts';
import type { Evaluation } from '../transfer/metrics.ts';
import { evaluate } from '../transfer/metrics.ts';
import type { BestEpoch, RunPosition } from './checkpoint.ts';
import { checkpointFromBytes, checkpointToBytes, requireSameRun } from './checkpoint.ts';
import type { EpochReport } from './epoch-report.ts';
import { isBetter } from './epoch-report.ts';
import { pause } from './pause.ts';
import type { Trainee, TrainingRows } from './trainee.ts';
import { contextOf } from './training-context.ts';
import { trainingStep } from './training-step.ts';

export interface FitSettings {
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Epochs without a better validation result after which training stops; 0 never stops early. */
  readonly patience: number;
  /** Whether the trainee ends as its best epoch left it. */
  readonly restoreBestWeights: boolean;
  /** Whether what the trainee is at the start counts as an epoch that later ones have to be better than. */
  readonly keepStart: boolean;
  /** Weight of each class in the loss, in index order. */
  readonly classWeights: readonly number[];
  readonly labelSmoothing: number;
  /** The parameter of mixup's Beta distribution; 0 mixes nothing. */
  readonly mixup: number;
  readonly clip: ClipOptions;
  readonly makeOptimizer: () => tf.Optimizer;
  /** The learning rate of each step, from 0. Without it the optimizer's own stays. */
  readonly schedule?: ((step: number, totalSteps: number) => number) | undefined;
  readonly callbacks: readonly Callback[];
  /** What callbacks add to the epoch: the epochs of earlier stages. */
  readonly initialEpoch: number;
  readonly checkpoint?: CheckpointSettings | undefined;
  readonly onEpoch?: ((epoch: EpochReport) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CheckpointSettings {
  readonly file: CheckpointFile;
  /** What has to be the same for a resumed training to give the same result. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** Whether to go on from the file, if it is there. Otherwise there must be none. */
  readonly resume: boolean;
  /** Between two checkpoints within an epoch. */
  readonly seconds: number;
}

export interface FitResult {
  readonly history: readonly EpochReport[];
  /** The epoch whose weights the trainee has, from 1; 0 for those of the start. */
  readonly bestEpoch: number;
  readonly evaluation: Evaluation;
  readonly stopped: 'completed' | 'early' | 'aborted';
}

/**
 * Trains: cross-entropy and penalty, shuffled anew in each epoch, evaluated behind each. Whatever is drawn at random in a
 * step depends on the seed, the epoch and the step alone, so that a run which goes on from a checkpoint is the same run.
 *
 * @returns undefined when the signal fired before the first epoch had ended (and the start does not count)
 */
export async function fit(trainee: Trainee, settings: FitSettings): Promise<FitResult | undefined> {
  const run = new Run(trainee, settings);
  try {
    return await run.train();
  } finally {
    run.dispose();
  }
}

/** Seconds of an epoch from which a checkpoint at its end is worth writing. */
const WORTHWHILE_SECONDS = 1;

class Run {
  readonly #optimizer: tf.Optimizer;
  readonly #runner: CallbackRunner;
  #position: RunPosition = { epoch: 1, step: 0, lossSum: 0, right: 0 };
  #history: EpochReport[] = [];
  #best: BestEpoch | undefined;
  #ended: 'completed' | 'early' | undefined;
  #savedAt = performance.now();
  #callbackStates: readonly CallbackState[] = [];

  constructor(
    private readonly trainee: Trainee,
    private readonly settings: FitSettings,
  ) {
    this.#optimizer = settings.makeOptimizer();
    const context = contextOf(trainee, this.#optimizer, () => this.#runner.stop());
    this.#runner = new CallbackRunner(settings.callbacks, context);
  }

  async train(): Promise<FitResult | undefined> {
    const { settings, trainee } = this;
    const { signal } = settings;
    const isResumed = await this.#resume();
    if (!isResumed && settings.keepStart) {
      this.#best = { epoch: 0, evaluation: await this.#evaluate(), state: trainee.capture() };
    }
    try {
      await this.#epochs();
    } catch (error) {
      // Stopped in the middle of an epoch: what was reached before it is still good.
      if (!signal?.aborted) throw error;
    }
    if (this.#ended === undefined) await this.#save();
    if (this.#best === undefined) return undefined;
    if (settings.restoreBestWeights) trainee.restore(this.#best.state);
    // Callbacks may have put back the weights of another epoch.
    else if (settings.callbacks.length > 0) this.#best = await this.#asItIs(this.#best);
    trainee.publish();
    const { epoch, evaluation } = this.#best;
    return { history: this.#history, bestEpoch: epoch, evaluation, stopped: this.#ended ?? 'aborted' };
  }

  async #asItIs(last: BestEpoch): Promise<BestEpoch> {
    const evaluation = await this.#evaluate();
    const found = this.#history.find(
      ({ valLoss, valAccuracy }) => valLoss === evaluation.loss && valAccuracy === evaluation.accuracy,
    );
    return { ...last, epoch: found?.epoch ?? last.epoch, evaluation };
  }

  async #epochs(): Promise<void> {
    const { epochs, batchSize, signal, initialEpoch } = this.settings;
    if (this.#ended !== undefined) {
      await this.#runner.restore(this.#callbackStates);
      return;
    }
    let hasBegun = false;
    while (this.#position.epoch <= epochs) {
      const { epoch, step: firstStep } = this.#position;
      if (signal?.aborted) return;
      const rows = await this.trainee.rows(epoch);
      const steps = Math.ceil(rows.labels.length / batchSize);
      if (!hasBegun) {
        hasBegun = true;
        await this.#begin({
          epochs: initialEpoch + epochs,
          steps,
          samples: rows.labels.length,
          initialEpoch,
        });
      }
      if (firstStep === 0) await this.#runner.epochBegin(initialEpoch + epoch - 1);
      if (!(await this.#steps(rows, steps))) return;
      await this.#endEpoch(rows.labels.length);
      if (this.#ended !== undefined) break;
    }
    this.#ended ??= 'completed';
    await this.#runner.trainEnd();
    await this.#save();
  }

  async #begin(params: RunParams): Promise<void> {
    if (this.settings.callbacks.length === 0) return;
    this.#runner.setParams(params);
    await this.#runner.trainBegin();
    await this.#runner.restore(this.#callbackStates);
    // From now on callbacks leave traces, which a resumed run has to find.
    if (this.#callbackStates.length === 0) await this.#save();
  }

  /** False when it was stopped. */
  async #steps(rows: TrainingRows, steps: number): Promise<boolean> {
    const { batchSize, seed, schedule, signal, epochs } = this.settings;
    const { epoch } = this.#position;
    const order = shuffled([...rows.labels.keys()], createRandom(joinSeeds(seed, epoch)));
    while (this.#position.step < steps) {
      await pause();
      if (signal?.aborted) return false;
      const { step, lossSum, right } = this.#position;
      const picked = order.slice(step * batchSize, (step + 1) * batchSize);
      const random = createRandom(joinSeeds(seed, epoch, step + 1));
      if (schedule !== undefined) {
        setLearningRate(this.#optimizer, schedule((epoch - 1) * steps + step, epochs * steps));
      }
      await this.#runner.batchBegin(step);
      const done = trainingStep(this.trainee, rows, picked, this.#optimizer, this.settings, random);
      this.#position = {
        epoch,
        step: step + 1,
        lossSum: lossSum + done.loss * picked.length,
        right: right + done.right,
      };
      await this.#runner.batchEnd(step, {
        loss: done.loss,
        accuracy: done.right / picked.length,
        size: picked.length,
      });
      await this.#saveAfter(this.settings.checkpoint?.seconds ?? Infinity);
    }
    return true;
  }

  async #endEpoch(count: number): Promise<void> {
    const { patience, restoreBestWeights, onEpoch } = this.settings;
    const { epoch, lossSum, right } = this.#position;
    const evaluation = await this.#evaluate();
    const report: EpochReport = {
      epoch,
      loss: lossSum / count,
      accuracy: right / count,
      valLoss: evaluation.loss,
      valAccuracy: evaluation.accuracy,
    };
    this.#history.push(report);
    const isBest = this.#best === undefined || isBetter(evaluation, this.#best.evaluation);
    if (isBest || !restoreBestWeights) {
      this.#best = { epoch, evaluation, state: restoreBestWeights ? this.trainee.capture() : {} };
    }
    await this.#runner.epochEnd(this.settings.initialEpoch + epoch - 1, {
      loss: report.loss,
      accuracy: report.accuracy,
      val_loss: report.valLoss,
      val_accuracy: report.valAccuracy,
    });
    this.#position = { epoch: epoch + 1, step: 0, lossSum: 0, right: 0 };
    if (this.#runner.stopTraining || (patience > 0 && epoch - this.#best!.epoch >= patience)) {
      this.#ended = 'early';
    } else await this.#saveAfter(WORTHWHILE_SECONDS);
    onEpoch?.(report);
  }

  async #evaluate(): Promise<Evaluation> {
    const { validation, classes } = this.trainee;
    const count = validation.labels.length;
    const probabilities = new Float32Array(count * classes.length);
    const size = Math.max(this.settings.batchSize, 32);
    for (let from = 0; from < count; from += size) {
      await pause();
      const rows = Array.from({ length: Math.min(size, count - from) }, (_, index) => from + index);
      tf.tidy(() => {
        const logarithms = this.trainee.logProbabilities(validation.batch(rows), false);
        probabilities.set(tf.exp(logarithms).dataSync(), from * classes.length);
      });
    }
    return evaluate(probabilities, validation.labels, classes);
  }

  /** Whether there was something to go on from. */
  async #resume(): Promise<boolean> {
    const { checkpoint, restoreBestWeights } = this.settings;
    const bytes = await checkpoint?.file.read();
    if (checkpoint === undefined || bytes === undefined) return false;
    const { path } = checkpoint.file;
    if (!checkpoint.resume) {
      throw new CheckpointError('CHECKPOINT_EXISTS', `An interrupted training is kept in ${path}.`, {
        given: 'a new training with the same place for checkpoints',
        expected: 'to go on with it, or another place',
        nextStep: 'resume it (`--resume`, or `resume: true`), or remove the file to begin anew',
      });
    }
    const found = checkpointFromBytes(bytes, path);
    requireSameRun(found, checkpoint.identity, path);
    this.trainee.restore(found.state);
    restoreOptimizer(this.#optimizer, this.trainee.variables, {
      json: found.optimizer.json,
      tensors: Object.entries(found.optimizer.tensors).map(([name, values]) => ({ name, ...values })),
    });
    this.#callbackStates = found.callbacks;
    this.#position = found.position;
    this.#history = [...found.history];
    this.#best = found.best && { ...found.best, state: restoreBestWeights ? found.best.state : {} };
    this.#ended = found.ended;
    return true;
  }

  async #saveAfter(seconds: number): Promise<void> {
    if (performance.now() - this.#savedAt >= 1000 * seconds) await this.#save();
  }

  async #save(): Promise<void> {
    const { checkpoint } = this.settings;
    if (checkpoint === undefined) return;
    const optimizer = captureOptimizer(this.#optimizer);
    await checkpoint.file.write(
      checkpointToBytes({
        identity: checkpoint.identity,
        position: this.#position,
        history: this.#history,
        ended: this.#ended,
        state: this.trainee.capture(),
        best: this.#best,
        optimizer: {
          json: optimizer.json,
          tensors: Object.fromEntries(optimizer.tensors.map(({ name, ...values }) => [name, values])),
        },
        callbacks: this.#runner.states(),
      }),
    );
    this.#savedAt = performance.now();
  }

  dispose(): void {
    disposeOptimizer(this.#optimizer);
  }
}
