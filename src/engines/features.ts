import type * as tf from '@tensorflow/tfjs';
import { compileModel } from './compile-model.ts';
import type { CompiledModel, CompileOptions } from './compiled-model.ts';

/**
 * A network that gives out what one of its layers, or several, compute: its activations. `run` takes a batch
 * `[batch, height, width, 3]`, prepared as the model wants it, and gives one output for each layer in the order of
 * `layers`, feature maps as `[batch, rows, columns, channels]`. Free it with `dispose`; the model stays.
 *
 * ```js
 * const network = await features(model, 'block4_pool');
 * const [map] = await network.run(data, [1, 224, 224, 3]);
 * ```
 *
 * For pictures, and for vectors to train on, see `extractFeatures`.
 *
 * @param layers Names of layers of the model; `dovecote summary` shows them.
 * @throws ModelError `MODEL_OPTION` (no such layer), `MODEL_INPUT`; EngineError `ENGINE_*`
 */
export function features(
  model: tf.LayersModel,
  layers: string | readonly string[],
  options: Pick<CompileOptions, 'engine'> = {},
): Promise<CompiledModel> {
  return compileModel(model, { ...options, outputs: typeof layers === 'string' ? [layers] : layers });
}
