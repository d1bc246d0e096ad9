import type * as tf from '@tensorflow/tfjs';
import type { ProgressCallback } from '../base/types.ts';
import { lookUp } from '../../zoo/registry.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { platform } from '../platform.ts';
import { disposeEngines } from '../engines/session-cache.ts';
import type { WeightsSource } from '../models/load-model.ts';
import { loadModel } from '../models/load-model.ts';
import { loadZooModel } from '../models/load-zoo-model.ts';
import { refuseForLoaded, requireModel } from '../models/require-model.ts';

/** A base to build on, and how to let go of it once `successor` (if any) has been built from its layers. */
export interface BorrowedBase {
  readonly model: tf.LayersModel;
  readonly release: (successor: tf.LayersModel | undefined) => Promise<void>;
}

export interface BaseOptions extends VariantOptions {
  readonly weights?: WeightsSource;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/** The caller's model, or a model that is loaded here, with whatever top its weights have. */
export async function borrowBase(base: string | tf.LayersModel, options: BaseOptions): Promise<BorrowedBase> {
  if (typeof base !== 'string') {
    refuseForLoaded('base', options);
    requireModel(base, 'base');
    await platform().prepareTfjs();
    return { model: base, release: () => Promise.resolve() };
  }
  const { weights, alpha, minimalistic, onProgress, signal } = options;
  await platform().prepareTfjs();
  const entry = lookUp(base);
  const model =
    entry === undefined
      ? await loadModel(base, { weights, alpha, minimalistic, onProgress, signal })
      : await loadZooModel(entry, {
          weights,
          alpha,
          minimalistic,
          includeTop: 'auto',
          onProgress,
          signal,
        });
  return { model, release: (successor) => releaseExcept(model, successor) };
}

/** Frees the layers that the successor does not use; without one, all. */
async function releaseExcept(model: tf.LayersModel, successor: tf.LayersModel | undefined): Promise<void> {
  await disposeEngines(model);
  const kept = new Set(successor?.layers);
  for (const layer of model.layers) {
    if (!kept.has(layer)) layer.weights.forEach((weight) => weight.dispose());
  }
}
