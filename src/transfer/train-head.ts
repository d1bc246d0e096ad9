import * as tf from '@tensorflow/tfjs';
import { createRandom, shuffled } from '../base/random.ts';
import type { Evaluation } from './metrics.ts';
import { evaluate } from './metrics.ts';

/** Feature vectors with their classes: row-major `[labels.length, width]`. */
export interface HeadData {
  readonly features: Float32Array;
  readonly labels: readonly number[];
}

export interface HeadOptions {
  readonly epochs: number;
  /** Adam's step size. */
  readonly learningRate: number;
  readonly batchSize: number;
  /** Share of the features that is set to zero in each step. */
  readonly dropout: number;
  /** Weight of the squared norm of the kernel (on scaled features) in the loss. */
  readonly l2: number;
  /** Epochs without a better validation result after which training stops; 0 never stops early. */
  readonly patience: number;
  readonly seed: number;
  /** Weight of each class in the loss, in index order. */
  readonly classWeights: readonly number[];
  readonly onEpoch?: (epoch: EpochReport) => void;
  readonly signal?: AbortSignal;
}

export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** Mean weighted cross-entropy of the epoch's steps, in nats, without the L2 penalty. */
  readonly loss: number;
  readonly accuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
}

export interface TrainedHead {
  /** Row-major `[width, classes]`, for raw (not standardised) features. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly history: readonly EpochReport[];
  /** The epoch whose weights these are. */
  readonly bestEpoch: number;
  readonly evaluation: Evaluation;
  readonly stopped: 'completed' | 'early' | 'aborted';
}

interface Scale {
  readonly mean: Float32Array;
  readonly deviation: number;
}

/**
 * Trains a dense softmax layer on feature vectors: Adam, cross-entropy, L2, dropout; the weights with the best
 * validation accuracy (the lower loss among equals) are kept.
 *
 * Features are centred and divided by their common standard deviation while training, so that one learning rate and one
 * L2 suit every base; the scale is folded into the kernel and the bias at the end.
 *
 * @param trainingData Called once before every epoch: the same data each time, or freshly augmented ones.
 * @returns undefined when the signal fired before the first epoch had ended.
 */
export async function trainHead(
  trainingData: (epoch: number) => Promise<HeadData>,
  validation: HeadData,
  classes: readonly string[],
  options: HeadOptions,
): Promise<TrainedHead | undefined> {
  const random = createRandom(options.seed);
  const first = await trainingData(1);
  const width = first.features.length / first.labels.length;
  const scale = measureScale(first.features, width);
  const validationFeatures = standardise(validation.features, scale);

  // Zeros: the loss of a single softmax layer is convex, random weights would only be noise to unlearn. Inside tidy,
  // which frees the tensors that the variables start from and keeps the variables.
  const [kernel, bias] = tf.tidy<[tf.Variable, tf.Variable]>(() => [
    tf.variable(tf.zeros([width, classes.length])),
    tf.variable(tf.zeros([classes.length])),
  ]);
  const optimizer = tf.train.adam(options.learningRate);
  const history: EpochReport[] = [];
  let data: HeadData | undefined;
  let features: Float32Array = new Float32Array();
  let best: { kernel: Float32Array; bias: Float32Array; epoch: number; evaluation: Evaluation } | undefined;
  let stopped: TrainedHead['stopped'] = 'completed';
  try {
    for (let epoch = 1; epoch <= options.epochs; epoch++) {
      // Lets Ctrl-C and progress through: the steps below do not wait for anything.
      await new Promise((resolve) => setTimeout(resolve));
      if (options.signal?.aborted) break;
      const next = epoch === 1 ? first : await trainingData(epoch);
      // Without augmentation it is the same data in every epoch.
      if (next !== data) features = standardise((data = next).features, scale);
      const fit = runEpoch(
        features,
        data.labels,
        { kernel, bias, optimizer, width, classes: classes.length },
        options,
        random,
      );
      const evaluation = evaluate(
        predict(validationFeatures, width, kernel, bias),
        validation.labels,
        classes,
      );
      const report = { epoch, ...fit, valLoss: evaluation.loss, valAccuracy: evaluation.accuracy };
      history.push(report);
      if (best === undefined || isBetter(evaluation, best.evaluation)) {
        best = {
          kernel: Float32Array.from(kernel.dataSync()),
          bias: Float32Array.from(bias.dataSync()),
          epoch,
          evaluation,
        };
      }
      options.onEpoch?.(report);
      if (options.patience > 0 && epoch - best.epoch >= options.patience) {
        stopped = 'early';
        break;
      }
    }
  } catch (error) {
    // Stopped in the middle of an augmented epoch: what was reached before it is still good.
    if (!options.signal?.aborted || best === undefined) throw error;
  } finally {
    optimizer.dispose();
    kernel.dispose();
    bias.dispose();
  }
  if (best === undefined) return undefined;
  if (options.signal?.aborted) stopped = 'aborted';
  return {
    ...foldScale(best.kernel, best.bias, scale),
    history,
    bestEpoch: best.epoch,
    evaluation: best.evaluation,
    stopped,
  };
}

interface HeadState {
  readonly kernel: tf.Variable;
  readonly bias: tf.Variable;
  readonly optimizer: tf.Optimizer;
  readonly width: number;
  readonly classes: number;
}

function runEpoch(
  features: Float32Array,
  labels: readonly number[],
  { kernel, bias, optimizer, width, classes }: HeadState,
  { batchSize, dropout, l2, classWeights }: HeadOptions,
  random: () => number,
): { loss: number; accuracy: number } {
  const order = shuffled(
    labels.map((_, row) => row),
    random,
  );
  let lossSum = 0;
  let right = 0;
  for (let from = 0; from < order.length; from += batchSize) {
    const rows = order.slice(from, from + batchSize);
    const batch = new Float32Array(rows.length * width);
    const targets = new Float32Array(rows.length * classes);
    rows.forEach((row, position) => {
      batch.set(features.subarray(row * width, (row + 1) * width), position * width);
      const label = labels[row] as number;
      targets[position * classes + label] = classWeights[label] ?? 1;
    });
    if (dropout > 0) dropOut(batch, dropout, random);
    tf.tidy(() => {
      const x = tf.tensor2d(batch, [rows.length, width]);
      const weightedTargets = tf.tensor2d(targets, [rows.length, classes]);
      let crossEntropy: tf.Scalar | undefined;
      let logProbabilities: tf.Tensor | undefined;
      optimizer.minimize(() => {
        logProbabilities = tf.logSoftmax(tf.add(tf.matMul(x, kernel), bias));
        crossEntropy = tf.div<tf.Scalar>(
          tf.neg(tf.sum(tf.mul(weightedTargets, logProbabilities))),
          rows.length,
        );
        tf.keep(logProbabilities);
        tf.keep(crossEntropy);
        return tf.add<tf.Scalar>(crossEntropy, tf.mul(l2, tf.sum(tf.square(kernel))));
      });
      lossSum += crossEntropy!.dataSync()[0]! * rows.length;
      const predicted = tf.argMax(logProbabilities!, 1).dataSync();
      rows.forEach((row, position) => {
        if (predicted[position] === labels[row]) right++;
      });
      crossEntropy!.dispose();
      logProbabilities!.dispose();
    });
  }
  return { loss: lossSum / order.length, accuracy: right / order.length };
}

function predict(
  features: Float32Array,
  width: number,
  kernel: tf.Variable,
  bias: tf.Variable,
): Float32Array {
  return tf.tidy(() => {
    const x = tf.tensor2d(features, [features.length / width, width]);
    return tf
      .softmax(tf.add(tf.matMul(x, kernel), bias))
      .dataSync<'float32'>()
      .slice();
  });
}

function isBetter(candidate: Evaluation, best: Evaluation): boolean {
  return (
    candidate.accuracy > best.accuracy || (candidate.accuracy === best.accuracy && candidate.loss < best.loss)
  );
}

/** tfjs's own dropout repeats one mask when it is seeded; this one draws from the run's generator. */
function dropOut(values: Float32Array, rate: number, random: () => number): void {
  const scale = 1 / (1 - rate);
  for (let index = 0; index < values.length; index++) {
    values[index] = random() < rate ? 0 : (values[index] as number) * scale;
  }
}

/** One deviation for all features: a feature that varies little says little, and must not be blown up to the others' size. */
function measureScale(features: Float32Array, width: number): Scale {
  const count = features.length / width;
  const mean = new Float64Array(width);
  features.forEach((value, index) => (mean[index % width]! += value / count));
  let variance = 0;
  features.forEach((value, index) => (variance += (value - mean[index % width]!) ** 2 / features.length));
  // Where no feature varies there is nothing to scale.
  return { mean: Float32Array.from(mean), deviation: Math.fround(Math.sqrt(variance)) || 1 };
}

function standardise(features: Float32Array, { mean, deviation }: Scale): Float32Array {
  const width = mean.length;
  return features.map((value, index) => (value - mean[index % width]!) / deviation);
}

function foldScale(kernel: Float32Array, bias: Float32Array, { mean, deviation }: Scale) {
  const classes = bias.length;
  const foldedBias = Float64Array.from(bias);
  const foldedKernel = kernel.map((weight, index) => {
    const feature = Math.floor(index / classes);
    const folded = weight / deviation;
    foldedBias[index % classes]! -= folded * mean[feature]!;
    return folded;
  });
  return { kernel: foldedKernel, bias: Float32Array.from(foldedBias) };
}
