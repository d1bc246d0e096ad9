import * as tf from '@tensorflow/tfjs';
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
  model.layers.forEach(dropMasks);
}

/** Frees what a model has for itself: weights that one of the other models uses stay, until the last of them goes. */
export async function disposeApart(model: tf.LayersModel, others: Iterable<tf.LayersModel>): Promise<void> {
  const used = new Set([...others].flatMap((other) => other.weights));
  if (!model.weights.some((weight) => used.has(weight))) return disposeModel(model);
  await disposeEngines(model);
  model.weights
    .filter((weight) => !used.has(weight) && !isDisposed(weight))
    .forEach((weight) => weight.dispose());
}

/** The parts of tfjs's recurrent layers, wrappers and models that this has to do with. */
interface Parts {
  readonly layers?: readonly object[];
  readonly layer?: object;
  readonly forwardLayer?: object;
  readonly backwardLayer?: object;
  readonly cell?: object;
  readonly cells?: readonly object[];
  dropoutMask?: tf.Tensor | tf.Tensor[] | null;
  recurrentDropoutMask?: tf.Tensor | tf.Tensor[] | null;
}

/** tfjs's recurrent cells with dropout keep the masks of their last call, for the next step. */
function dropMasks(part: object): void {
  const { layers = [], layer, forwardLayer, backwardLayer, cell, cells = [] } = part as Parts;
  [...layers, layer, forwardLayer, backwardLayer, cell, ...cells].forEach((inner) => {
    if (inner !== undefined && inner !== null) dropMasks(inner);
  });
  for (const mask of ['dropoutMask', 'recurrentDropoutMask'] as const) {
    const held = (part as Parts)[mask];
    if (held === undefined || held === null) continue;
    tf.dispose(held);
    (part as Parts)[mask] = null;
  }
}

/** tfjs keeps the variable behind a weight private, and reading a freed one throws. */
export function isDisposed(weight: tf.LayersModel['weights'][number]): boolean {
  return (weight as unknown as { val: tf.Variable }).val.isDisposed;
}
