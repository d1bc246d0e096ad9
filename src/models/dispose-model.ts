import type * as tf from '@tensorflow/tfjs';
import { reasonOf } from '../base/errors.ts';
import { disposeEngines } from '../engines/session-cache.ts';

/**
 * Frees a model's weights, its optimiser if it owns one, and every session that was compiled from it. Layers that it
 * shares with another model are freed for both; a model that is disposed of already is left as it is.
 */
export async function disposeModel(model: tf.LayersModel): Promise<void> {
  await disposeEngines(model);
  // tfjs counts the uses of a layer: shared layers would stay, and freeing them once more would throw.
  const left = model.weights.filter((weight) => !isDisposed(weight));
  try {
    if (left.length > 0) model.dispose();
  } catch (error) {
    if (!/already disposed/.test(reasonOf(error))) throw error;
  }
  left.filter((weight) => !isDisposed(weight)).forEach((weight) => weight.dispose());
}

/** tfjs keeps the variable behind a weight private, and reading a freed one throws. */
export function isDisposed(weight: tf.LayersModel['weights'][number]): boolean {
  return (weight as unknown as { val: tf.Variable }).val.isDisposed;
}
