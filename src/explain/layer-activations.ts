import type * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { throwIfAborted } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import { compileModel } from '../engines/compile-model.ts';
import type { EngineName, EngineOutput } from '../engines/compiled-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { requireModel } from '../models/require-model.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { platform } from '../platform.ts';
import type { LayerCall, OpenedModel } from './layer-calls.ts';
import { callNamed, isFeatureMap, openModel, stagesOf } from './layer-calls.ts';
import { partialModel } from './partial-model.ts';

/** What a filter is asked about. */
export interface ActivationLayer {
  /** The layer's name; from its second call on (shared layers, nested models) with `:2`, `:3` and so on behind it. */
  readonly name: string;
  readonly className: string;
  /** Of the layer's output without the batch; `null` where the model takes pictures of any size. */
  readonly shape: readonly (number | null)[];
}

/** What a layer gave out for one picture. */
export interface Activation {
  readonly name: string;
  readonly className: string;
  /** Without the batch: `[rows, columns, channels]` for a feature map, of which there are `maxChannels` at most. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
  /** Channels that the layer has, of which `data` may hold the first only; the last side of another output. */
  readonly channels: number;
}

export interface ActivationOptions extends Omit<RecipeOptions, 'labels'> {
  /**
   * Which layers: `maps` (default), all that give out a feature map of more than one place; `stages`, the last one of each
   * size of feature map; names; or a function that is asked about every layer with one output.
   */
  readonly layers?: 'maps' | 'stages' | readonly string[] | ((layer: ActivationLayer) => boolean);
  /** The first channels of a feature map that are handed out, at most. Default 64. */
  readonly maxChannels?: number;
  /** Default `auto`. */
  readonly engine?: EngineName;
  readonly signal?: AbortSignal;
}

/** Bytes of outputs that are computed together. */
const TOGETHER = 64 * 2 ** 20;

/**
 * What the layers of a model make of a picture, one after the other in the order in which they run; layers inside of nested
 * models too. At most about 64 MiB of them are in memory: what comes later is computed when it is asked for.
 *
 * ```js
 * for await (const { name, shape, data } of layerActivations(model, 'cat.jpg', { layers: 'stages' })) ...
 * ```
 *
 * @param model With one input `[batch, height, width, 3]`. It stays yours and as it is.
 * @throws ModelError `MODEL_INPUT`, `MODEL_OPTION` (no such layer, or one of several outputs); UsageError
 *   `USAGE_ARGUMENT`; ImageError `IMAGE_*`; EngineError `ENGINE_*`; AbortedError `ABORTED`
 */
export async function* layerActivations(
  model: tf.LayersModel,
  image: ImageSource,
  options: ActivationOptions = {},
): AsyncGenerator<Activation> {
  requireModel(model, 'model');
  const { maxChannels = 64, engine, signal } = options;
  requireWhole('maxChannels', maxChannels);
  const recipe = inputRecipeOf(model, options);
  const opened = openModel(model);
  const chosen = choose(model, opened, options.layers ?? 'maps');
  await platform().prepareTfjs();
  const { inputSize, resize } = recipe;
  const pixels = await loadPixels(image, { size: inputSize, ...resize, ...(signal && { signal }) });
  for (const together of batches(chosen, inputSize)) {
    throwIfAborted(signal, 'Computing activations');
    const outputs = await compute(model, opened, together, pixels, recipe, engine);
    for (const { name, call } of together) {
      const output = outputs.shift()!;
      yield { name, className: call.layer.getClassName(), ...firstChannels(output, maxChannels) };
    }
  }
}

function choose(
  model: tf.LayersModel,
  { named }: OpenedModel,
  layers: NonNullable<ActivationOptions['layers']>,
): LayerCall[] {
  if (layers === 'maps') return named.filter(({ call }) => isFeatureMap(call));
  if (layers === 'stages') return stagesOf(named);
  if (typeof layers === 'function') {
    return named.filter(({ name, call: { layer, shapes } }) => {
      if (shapes.length !== 1) return false;
      return layers({ name, className: layer.getClassName(), shape: shapes[0]!.slice(1) });
    });
  }
  if (!Array.isArray(layers)) {
    throw wrongOption('layers', layers, "'maps', 'stages', an array of names or a function");
  }
  const wanted = new Set(layers.map((name: string) => callNamed(named, name, { model, option: 'layers' })));
  return named.filter((each) => wanted.has(each));
}

/** Layers in order, as many at a time as fit into memory. */
function* batches(
  layers: readonly LayerCall[],
  [height, width]: InputRecipe['inputSize'],
): Generator<LayerCall[]> {
  let together: LayerCall[] = [];
  let bytes = 0;
  for (const layer of layers) {
    const [, ...sides] = layer.call.shapes[0]!;
    // Where a model takes any size, no map is larger than the picture.
    const size = sides.reduce<number>((all, side, axis) => all * (side ?? (axis === 0 ? height : width)), 4);
    if (together.length > 0 && bytes + size > TOGETHER) {
      yield together;
      together = [];
      bytes = 0;
    }
    together.push(layer);
    bytes += size;
  }
  if (together.length > 0) yield together;
}

async function compute(
  model: tf.LayersModel,
  { calls }: OpenedModel,
  layers: readonly LayerCall[],
  pixels: Pixels,
  { inputSize, preprocessing }: InputRecipe,
  engine: EngineName | undefined,
): Promise<EngineOutput[]> {
  const values = layers.map(({ call }) => ({ call, output: 0 }));
  const part = partialModel(model, calls, values, inputSize);
  try {
    const network = await compileModel(part.model, { engine: engine ?? 'auto', pixels: preprocessing });
    try {
      return await network.run(pixels.data, [1, ...inputSize, 3]);
    } finally {
      await network.dispose();
    }
  } finally {
    part.release();
  }
}

function firstChannels(
  { data, shape: [, ...shape] }: EngineOutput,
  most: number,
): Pick<Activation, 'shape' | 'data' | 'channels'> {
  const channels = shape.at(-1) ?? 1;
  if (shape.length !== 3 || channels <= most) return { shape, data, channels };
  const places = data.length / channels;
  const kept = new Float32Array(places * most);
  for (let place = 0; place < places; place++) {
    kept.set(data.subarray(place * channels, place * channels + most), place * most);
  }
  return { shape: [...shape.slice(0, 2), most], data: kept, channels };
}
