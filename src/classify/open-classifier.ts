import type * as tf from '@tensorflow/tfjs';
import { cachedCompile } from '../engines/session-cache.ts';
import type { CompiledModel } from '../engines/compiled-model.ts';
import { disposeModel } from '../models/dispose-model.ts';
import { loadOnHost } from '../models/load-model.ts';
import type { labelsOf } from '../models/metadata.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { platform } from '../platform.ts';
import { compileModel } from '../quantization/compile-model.ts';
import type { ClassifyOptions } from './classify.ts';
import { endsWithLogits, softmax } from './probabilities.ts';
import { recipeOf } from './recipe.ts';

/** A classifier that takes pixels. */
export interface OpenClassifier {
  readonly model: tf.LayersModel;
  readonly recipe: InputRecipe;
  /** Empty where nothing says what the classes are called. */
  readonly labels: ReturnType<typeof labelsOf>;
  readonly network: CompiledModel;
  /** Of a row of outputs: 0 to 1. */
  readonly probabilitiesOf: (output: Float32Array) => Float32Array;
  /** Frees a model that was loaded here. */
  readonly close: () => Promise<void>;
}

export type OpenOptions = Pick<
  ClassifyOptions,
  | 'weights'
  | 'alpha'
  | 'minimalistic'
  | 'engine'
  | 'device'
  | 'precision'
  | 'calibration'
  | 'preprocessing'
  | 'labels'
  | 'resize'
  | 'onProgress'
  | 'signal'
>;

/**
 * @param asked A loaded model, which stays the caller's, or what `loadModel` takes.
 * @throws ModelError `MODEL_*`; EngineError `ENGINE_*`; and what `loadModel` throws
 */
export async function openClassifier(
  asked: tf.LayersModel | string,
  options: OpenOptions,
): Promise<OpenClassifier> {
  const { weights, alpha, minimalistic, engine = 'auto', onProgress, signal } = options;
  let model: tf.LayersModel;
  if (typeof asked === 'string') {
    // ONNX Runtime copies the weights: a backend that computes is started only when it is known to be needed.
    await platform().prepareTfjs({ hostOnly: engine !== 'tfjs' });
    model = await loadOnHost(asked, { weights, alpha, minimalistic, onProgress, signal });
  } else model = asked;
  const close = () => (typeof asked === 'string' ? disposeModel(model) : Promise.resolve());
  try {
    const { recipe, labels } = recipeOf(model, options);
    const network = await cachedCompile(
      model,
      {
        engine,
        device: options.device,
        pixels: recipe.preprocessing,
        precision: options.precision,
        calibration: options.calibration,
      },
      (each, given) => compileModel(each, { ...given, onProgress, signal }),
    );
    if (network.engine === 'tfjs') await platform().prepareTfjs();
    const logits = endsWithLogits(model);
    const probabilitiesOf = (output: Float32Array) => (logits ? softmax(output) : output);
    return { model, recipe, labels, network, probabilitiesOf, close };
  } catch (error) {
    await close();
    throw error;
  }
}
