import * as tf from '@tensorflow/tfjs';
import { AbortedError, DatasetError } from '../base/errors.ts';
import { createRandom, shuffled } from '../base/random.ts';
import { endsWithLogits, softmax } from '../classify/probabilities.ts';
import type { ImageDataset, SkippedImage } from '../datasets/labelled-images.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { augmentedDecoder } from '../transfer/augmented-decoder.ts';
import type { ClassWeights } from '../transfer/class-weights.ts';
import { classWeightsOf } from '../transfer/class-weights.ts';
import type { Evaluation } from '../transfer/metrics.ts';
import { evaluate } from '../transfer/metrics.ts';
import type { EpochReport } from '../transfer/train-head.ts';
import type { BoundarySource } from './boundary-rows.ts';
import { withNativeForward } from './kernels/register.ts';
import type { SplitModel } from './split-model.ts';
import type { TrainModelOptions, TrainModelResult } from './train-model.ts';

/** The options of a training, checked and complete. */
export interface Settings {
  readonly epochs: number;
  readonly batchSize: number;
  readonly patience: number;
  readonly seed: number;
  readonly memoryLimit: number;
  readonly restoreBestWeights: boolean;
  readonly classWeights: ClassWeights;
  readonly makeOptimizer: () => tf.Optimizer;
}

interface Rows {
  readonly rows: readonly (Float32Array | Uint8Array)[];
  readonly labels: readonly number[];
}

/** One training: the state that its epochs share. */
export class TrainingRun {
  readonly skipped = new Map<string, SkippedImage>();
  cachedImages = 0;
  readonly #logits: boolean;

  constructor(
    model: tf.LayersModel,
    private readonly split: SplitModel,
    private readonly source: BoundarySource,
    private readonly recipe: InputRecipe,
    private readonly classes: readonly string[],
    private readonly settings: Settings,
    private readonly options: TrainModelOptions,
  ) {
    this.#logits = endsWithLogits(model);
  }

  async train(training: ImageDataset, validation: ImageDataset) {
    const { epochs, patience, restoreBestWeights, seed } = this.settings;
    const { signal, onEpoch, onProgress } = this.options;
    const validationRows = await this.#rows(validation, 'features of the validation pictures');
    let trainingRows = await this.#rows(training, 'features of the training pictures', 1);
    this.#check(trainingRows, validationRows);
    const weights = classWeightsOf(this.settings.classWeights, this.classes, trainingRows.labels);
    const fits = this.source.rowBytes * training.images.length <= this.settings.memoryLimit;
    const random = createRandom(seed + 0x51ed);
    const optimizer = this.settings.makeOptimizer();
    const history: EpochReport[] = [];
    let best: { epoch: number; evaluation: Evaluation; state: tf.Tensor[] } | undefined;
    let stopped: TrainModelResult['stopped'] = 'completed';
    try {
      for (let epoch = 1; epoch <= epochs; epoch++) {
        if (epoch > 1 && (this.#augments || !fits)) {
          trainingRows = await this.#rows(training, `features, epoch ${epoch}`, epoch);
        }
        const fit = await this.#epoch(trainingRows, weights, optimizer, random);
        if (fit === undefined) break;
        const evaluation = this.#evaluate(validationRows);
        const report = { epoch, ...fit, valLoss: evaluation.loss, valAccuracy: evaluation.accuracy };
        history.push(report);
        if (best === undefined || !restoreBestWeights || isBetter(evaluation, best.evaluation)) {
          tf.dispose(best?.state);
          const state = this.split.state.map((weight) => tf.keep(weight.read().clone()));
          best = { epoch, evaluation, state };
        }
        onEpoch?.(report);
        onProgress?.({ phase: 'train', done: epoch, total: epochs, unit: 'epochs', note: noteOf(report) });
        if (patience > 0 && epoch - best.epoch >= patience) {
          stopped = 'early';
          break;
        }
      }
      if (best === undefined)
        throw new AbortedError('Training was stopped before its first epoch had ended.');
      if (signal?.aborted) stopped = 'aborted';
      if (restoreBestWeights) {
        best.state.forEach((value, index) => this.split.state[index]!.write(value));
      }
      return {
        history,
        bestEpoch: best.epoch,
        evaluation: best.evaluation,
        trainingImages: trainingRows.labels.length,
        validationImages: validationRows.labels.length,
        stopped,
      };
    } finally {
      optimizer.dispose();
      tf.dispose(best?.state);
    }
  }

  get #augments(): boolean {
    return this.options.augment !== undefined && this.options.augment !== false;
  }

  async #rows(dataset: ImageDataset, phase: string, epoch?: number): Promise<Rows> {
    const { augment, onProgress, signal } = this.options;
    const varies = epoch !== undefined && augment !== undefined && augment !== false;
    const decode = varies
      ? augmentedDecoder(this.recipe, this.settings.seed + epoch, augment === true ? {} : augment)
      : undefined;
    const found = await this.source.rowsOf(
      dataset.images.map(({ image }) => image),
      { phase, names: dataset.images.map(({ name }) => name), decode, onProgress, signal },
    );
    found.skipped.forEach((file) => this.skipped.set(file.image, file));
    this.cachedImages += found.stored;
    const labels = found.indices.map((index) => this.classes.indexOf(dataset.images[index]!.label));
    return { rows: found.rows, labels };
  }

  /** @throws DatasetError `DATASET_EMPTY` */
  #check(training: Rows, validation: Rows): void {
    const unread = this.classes.find((_, index) => !training.labels.includes(index));
    if (unread === undefined && validation.labels.length > 0) return;
    throw new DatasetError(
      'DATASET_EMPTY',
      unread === undefined
        ? 'No validation picture can be read.'
        : `No picture of the class "${unread}" can be read.`,
      {
        given: `${this.skipped.size} files that are no readable pictures`,
        expected: 'readable pictures in every class',
        nextStep: 'replace the damaged files, or remove the class',
      },
    );
  }

  /** Undefined when it was stopped. */
  async #epoch(
    { rows, labels }: Rows,
    classWeights: readonly number[],
    optimizer: tf.Optimizer,
    random: () => number,
  ): Promise<{ loss: number; accuracy: number } | undefined> {
    const order = shuffled([...rows.keys()], random);
    let lossSum = 0;
    let right = 0;
    for (let from = 0; from < order.length; from += this.settings.batchSize) {
      // Lets Ctrl-C and progress through: a step does not wait for anything.
      await new Promise((resolve) => setTimeout(resolve));
      if (this.options.signal?.aborted) return undefined;
      const picked = order.slice(from, from + this.settings.batchSize);
      const batch = picked.map((row) => rows[row]!);
      const actual = picked.map((row) => labels[row]!);
      const step = this.#step(batch, actual, classWeights, optimizer);
      lossSum += step.loss * picked.length;
      right += step.right;
    }
    return { loss: lossSum / order.length, accuracy: right / order.length };
  }

  #step(
    rows: readonly (Float32Array | Uint8Array)[],
    labels: readonly number[],
    classWeights: readonly number[],
    optimizer: tf.Optimizer,
  ): { loss: number; right: number } {
    const width = this.classes.length;
    return tf.tidy(() => {
      const inputs = this.source.batch(tf, rows);
      const targets = new Float32Array(rows.length * width);
      labels.forEach((label, row) => (targets[row * width + label] = 1));
      const actual = tf.tensor2d(targets, [rows.length, width]);
      const importance = tf.tensor1d(labels.map((label) => classWeights[label] ?? 1));
      let crossEntropy: tf.Scalar | undefined;
      let output: tf.Tensor | undefined;
      const loss = () => {
        output = tf.keep(this.split.run(inputs, true));
        const each = this.#logits
          ? tf.neg(tf.sum(tf.mul(actual, tf.logSoftmax(output as tf.Tensor2D)), 1))
          : tf.metrics.categoricalCrossentropy(actual, output);
        const mean = tf.keep(tf.mean<tf.Scalar>(tf.mul(each, importance)));
        crossEntropy = mean;
        return tf.add<tf.Scalar>(mean, this.split.penalty());
      };
      const variables = this.split.weights.map((weight) => weight.read() as tf.Variable);
      optimizer.minimize(loss, false, variables);
      const predicted = tf.argMax(output!, 1).dataSync();
      const result = {
        loss: crossEntropy!.dataSync()[0]!,
        right: labels.filter((label, row) => predicted[row] === label).length,
      };
      tf.dispose([output!, crossEntropy!]);
      return result;
    });
  }

  #evaluate({ rows, labels }: Rows): Evaluation {
    const width = this.classes.length;
    const probabilities = new Float32Array(rows.length * width);
    for (let from = 0; from < rows.length; from += this.settings.batchSize) {
      const batch = rows.slice(from, from + this.settings.batchSize);
      const values = tf.tidy(() =>
        withNativeForward(() => this.split.run(this.source.batch(tf, batch), false))
          .dataSync<'float32'>()
          .slice(),
      );
      probabilities.set(values, from * width);
    }
    if (this.#logits) {
      for (let at = 0; at < probabilities.length; at += width) {
        probabilities.set(softmax(probabilities.slice(at, at + width)), at);
      }
    }
    return evaluate(probabilities, labels, this.classes);
  }
}

function isBetter(candidate: Evaluation, best: Evaluation): boolean {
  return (
    candidate.accuracy > best.accuracy || (candidate.accuracy === best.accuracy && candidate.loss < best.loss)
  );
}

function noteOf({ loss, valAccuracy }: EpochReport): string {
  return `loss ${loss.toFixed(3)}, validation accuracy ${valAccuracy.toFixed(3)}`;
}
