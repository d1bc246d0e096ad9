import * as tf from '@tensorflow/tfjs';
import { withMathRandom } from '../base/random.ts';
import { clipGradients } from '../optimizers/clip-gradients.ts';
import type { FitSettings } from './fit-loop.ts';
import { drawMixture, targetsOf } from './targets.ts';
import type { Trainee, TrainingRows } from './trainee.ts';

export interface StepResult {
  /** Mean weighted cross-entropy in nats. */
  readonly loss: number;
  readonly right: number;
}

type StepSettings = Pick<FitSettings, 'classWeights' | 'labelSmoothing' | 'mixup' | 'clip'>;

/** One step of the optimizer on the rows of one batch. */
export function trainingStep(
  trainee: Trainee,
  rows: TrainingRows,
  picked: readonly number[],
  optimizer: tf.Optimizer,
  { classWeights, labelSmoothing, mixup, clip }: StepSettings,
  random: () => number,
): StepResult {
  const labels = picked.map((row) => rows.labels[row]!);
  const classes = trainee.classes.length;
  const mixture = mixup > 0 ? drawMixture(picked.length, mixup, random) : undefined;
  const targets = targetsOf(labels, classes, labelSmoothing, mixture);
  const result = { loss: Number.NaN, right: 0 };
  tf.tidy(() => {
    let inputs = rows.batch(picked, random);
    if (mixture !== undefined) {
      const { share, partners } = mixture;
      const order = tf.tensor1d(partners as number[], 'int32');
      inputs = inputs.map((input) =>
        tf.add(tf.mul(input, share), tf.mul(tf.gather(input, order), 1 - share)),
      );
    }
    const wanted = tf.tensor2d(targets, [picked.length, classes]);
    // A mixed row counts as both of its labels do.
    const weights = labels.map((label, row) => {
      const own = classWeights[label] ?? 1;
      if (mixture === undefined) return own;
      const partner = classWeights[labels[mixture.partners[row]!]!] ?? 1;
      return mixture.share * own + (1 - mixture.share) * partner;
    });
    const importance = tf.tensor1d(weights);
    let crossEntropy: tf.Scalar | undefined;
    let logProbabilities: tf.Tensor2D | undefined;
    const loss = () => {
      logProbabilities = tf.keep(trainee.logProbabilities(inputs, true));
      const each = tf.neg(tf.sum(tf.mul(wanted, logProbabilities), 1));
      crossEntropy = tf.keep(tf.mean<tf.Scalar>(tf.mul(each, importance)));
      return tf.add<tf.Scalar>(crossEntropy, trainee.penalty());
    };
    const { grads } = withMathRandom(random, () =>
      optimizer.computeGradients(loss, trainee.variables as tf.Variable[]),
    );
    // No part of the loss depends on the others.
    const names = trainee.variables.map(({ name }) => name).filter((name) => name in grads);
    const clipped = new Map(
      clipGradients(
        names.map((name) => grads[name]!),
        clip,
      ).map((tensor, index) => [names[index]!, tensor]),
    );
    // All of them, so that each keeps its place among the optimizer's moments.
    optimizer.applyGradients(
      trainee.variables.map(({ name }) => ({ name, tensor: clipped.get(name) as tf.Tensor })),
    );
    result.loss = crossEntropy!.dataSync()[0]!;
    const predicted = tf.argMax(logProbabilities!, 1).dataSync();
    result.right = labels.filter((label, row) => predicted[row] === label).length;
    tf.dispose([crossEntropy!, logProbabilities!]);
  });
  return result;
}
