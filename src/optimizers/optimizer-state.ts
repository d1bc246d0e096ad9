import * as tf from '@tensorflow/tfjs';
import { FormatError } from '../base/errors.ts';
import { setLearningRate } from './learning-rate.ts';

export interface OptimizerState {
  /** Class, learning rate and the number of steps. */
  readonly json: unknown;
  readonly tensors: readonly StateTensor[];
}

export interface StateTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/** Of which a new optimizer makes one from its options, and steps change none. */
const CONSTANT = new Set(['c', 'm']);

function isMoments(value: unknown): value is (Moment | undefined)[] {
  return Array.isArray(value) && value.every((each) => each === undefined || isMoment(each));
}

function isMoment(value: unknown): value is Moment {
  return (value as Partial<Moment> | null)?.variable instanceof tf.Variable;
}

/**
 * All that steps have changed in one of tfjs's optimizers, to the last bit: `getWeights` leaves out the powers of Adam's
 * betas, which are not those that `setWeights` computes.
 */
export function captureOptimizer(optimizer: tf.Optimizer): OptimizerState {
  const tensors: StateTensor[] = [];
  const add = (name: string, variable: tf.Variable) =>
    tensors.push({ name, shape: variable.shape, values: Float32Array.from(variable.dataSync()) });
  for (const [key, value] of Object.entries(optimizer) as [string, unknown][]) {
    if (value instanceof tf.Variable && !CONSTANT.has(key)) {
      add(key, value as tf.Variable);
    } else if (isMoments(value)) {
      value.forEach((moment, index) => {
        if (moment !== undefined) add(`${key}/${index}`, moment.variable);
      });
    }
  }
  const { learningRate } = optimizer as unknown as { learningRate?: number };
  return {
    json: { optimizer: optimizer.getClassName(), learningRate, iterations: optimizer.iterations },
    tensors,
  };
}

/**
 * Puts back what `captureOptimizer` took, into a new optimizer with the same options. Moments belong to the trained values by
 * their order, not by their names, which are others in each process.
 *
 * @throws FormatError `FORMAT_DAMAGED` when the state is that of another optimizer, or of other variables
 */
export function restoreOptimizer(
  optimizer: tf.Optimizer,
  variables: readonly tf.Variable[],
  { json, tensors }: OptimizerState,
): void {
  const { optimizer: name, learningRate, iterations } = json as Readonly<Record<string, unknown>>;
  const changed = optimizer as unknown as Record<string, unknown>;
  if (name !== optimizer.getClassName()) throw unfit(`the state of the optimizer ${String(name)}`);
  for (const { name: place, shape, values } of tensors) {
    const [key, index] = place.split('/') as [string, string | undefined];
    if (index === undefined) {
      const variable = changed[key];
      if (!(variable instanceof tf.Variable)) throw unfit(`a value "${key}"`);
      tf.tidy(() => variable.assign(tf.tensor(values, [...shape])));
      continue;
    }
    const owner = variables[Number(index)];
    if (owner?.shape.join() !== shape.join()) throw unfit(`a moment of shape [${shape.join()}]`);
    const moments = (changed[key] ??= []) as Moment[];
    moments[Number(index)]?.variable.dispose();
    moments[Number(index)] = {
      originalName: `${owner.name}/${key}`,
      variable: tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), false)),
    };
  }
  if (typeof learningRate === 'number') setLearningRate(optimizer, learningRate);
  changed['iterations_'] = iterations;
}

function unfit(given: string): FormatError {
  return new FormatError('FORMAT_DAMAGED', "The state of the optimizer does not fit this training's.", {
    given,
    expected: 'the state of the same optimizer on the same weights',
    nextStep: 'begin anew',
  });
}
