import type * as tf from '@tensorflow/tfjs';
import { disposeEngines } from '../engines/session-cache.ts';

/** Frees a model's weights and every session that was compiled from it. */
export async function disposeModel(model: tf.LayersModel): Promise<void> {
  await disposeEngines(model);
  model.dispose();
}
