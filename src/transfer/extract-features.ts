import * as tf from '@tensorflow/tfjs';
import { requireOneOf, requireWhole } from '../base/checks.ts';
import { ModelError } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import { compileModel } from '../engines/compile-model.ts';
import type { CompiledModel } from '../engines/compiled-model.ts';
import { requireLayer } from '../engines/missing-layer.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { imageRows } from '../pipeline/image-rows.ts';
import type { FeatureStore } from '../platform.ts';
import { featureStoreOf } from '../training/boundary-rows.ts';
import { lookUp } from '../../zoo/registry.ts';
import { featureLayerIn } from '../../zoo/variants.ts';
import { getMetadata } from '../models/metadata.ts';
import { requireModel } from '../models/require-model.ts';

export interface FeatureOptions extends Omit<RecipeOptions, 'labels'> {
  /** The layer whose output is taken. Default: the card's feature layer, or the output of a model without top. */
  readonly featureLayer?: string;
  /** How a feature map becomes a vector. Default `avg`. */
  readonly pooling?: 'avg' | 'max';
  /** Default `auto`. */
  readonly engine?: EngineName;
  /** Default 16. */
  readonly batchSize?: number;
  /**
   * Keeps features on disk, by the content of photo, model and preprocessing, and uses those of earlier runs: in the cache
   * folder, or under the folder that is given. In Node, on the onnx engine. Default false.
   */
  readonly cache?: boolean | string;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface Features {
  /** Row-major `[rows.length, width]`. */
  readonly data: Float32Array;
  readonly width: number;
  /** For each row the index of its picture; unreadable pictures have no row. */
  readonly rows: readonly number[];
  readonly skipped: readonly SkippedImage[];
}

/** A network cut at its feature layer and compiled, ready for many pictures. */
export interface FeatureExtractor {
  readonly recipe: InputRecipe;
  readonly width: number;
  readonly engine: CompiledModel['engine'];
  /** The last layer that is kept and how its output is pooled (`null` when it is a vector already). */
  readonly featureLayer: string;
  readonly pooling: 'avg' | 'max' | null;
  extract(images: readonly ImageSource[], options?: ExtractOptions): Promise<Features>;
  dispose(): Promise<void>;
}

export interface ExtractOptions {
  readonly phase?: string;
  readonly decode?: (image: ImageSource, index: number) => Promise<Pixels>;
  /** What the pictures are called in `skipped`. */
  readonly names?: readonly (string | undefined)[];
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/**
 * The pooled features of pictures: what a new head is trained on.
 *
 * @throws ModelError `MODEL_INPUT`; UsageError `USAGE_ARGUMENT`; EngineError `ENGINE_*`; AbortedError `ABORTED`
 */
export async function extractFeatures(
  model: tf.LayersModel,
  images: readonly ImageSource[],
  options: FeatureOptions = {},
): Promise<Features> {
  const extractor = await createFeatureExtractor(model, options);
  try {
    return await extractor.extract(images, options);
  } finally {
    await extractor.dispose();
  }
}

/** For several calls of `extract`; `dispose` it. The model stays the caller's. */
export async function createFeatureExtractor(
  model: tf.LayersModel,
  options: FeatureOptions = {},
): Promise<FeatureExtractor> {
  requireModel(model, 'model');
  const { engine = 'auto', batchSize = 16 } = options;
  requireWhole('batchSize', batchSize);
  requireOneOf('pooling', options.pooling ?? 'avg', ['avg', 'max']);
  const recipe = inputRecipeOf(model, options);
  const featureLayer = featureLayerOf(model, options.featureLayer);
  const features = outputOf(model, featureLayer);
  const pooling = features.shape.length === 4 ? (options.pooling ?? 'avg') : null;
  const pool = poolingLayer(pooling, headNames(model, features).pool);
  const pooled = pool?.apply(features) as tf.SymbolicTensor | undefined;
  const cut = tf.model({ name: 'features', inputs: model.inputs, outputs: pooled ?? features });
  const cache = options.cache ?? false;
  const pixels = recipe.preprocessing;
  const network = await compileModel(cut, { engine, pixels, fingerprint: cache !== false });
  const store = await featureStoreOf(network.fingerprint, recipe, cache);
  return {
    recipe,
    width: cut.outputs[0]!.shape[1] as number,
    engine: network.engine,
    featureLayer,
    pooling,
    extract: (images, extractOptions = {}) =>
      extract(images, { network, recipe, store, batchSize }, extractOptions),
    // The cut model shares the caller's layers: it has no weights of its own to free.
    dispose: () => {
      // But its layer would hang on to them, one more at each call.
      const { sourceLayer } = features;
      sourceLayer.outboundNodes = sourceLayer.outboundNodes.filter((node) => node.outboundLayer !== pool);
      return network.dispose();
    },
  };
}

interface Extraction {
  readonly network: CompiledModel;
  readonly recipe: InputRecipe;
  readonly store: FeatureStore | undefined;
  readonly batchSize: number;
}

async function extract(
  images: readonly ImageSource[],
  { network, recipe, store, batchSize }: Extraction,
  { phase = 'features', decode, names, onProgress, signal }: ExtractOptions,
): Promise<Features> {
  const found = await imageRows(images, network, recipe, {
    allocate: (length) => new Float32Array(length),
    batchSize,
    phase,
    // Pictures that are varied at random are new ones each time.
    store: decode === undefined ? store : undefined,
    decode,
    names,
    onProgress,
    signal,
  });
  const { values, width, indices, skipped } = found;
  return { data: values, width, rows: indices, skipped };
}

/** The layer on which a new head stands. */
export function featureLayerOf(model: tf.LayersModel, asked?: string): string {
  if (asked !== undefined) return asked;
  const { architecture, variant = {}, features } = getMetadata(model) ?? {};
  const card = architecture === undefined ? undefined : lookUp(architecture)?.card;
  const names = new Set(model.layers.map((layer) => layer.name));
  const known = features ?? (card === undefined ? undefined : featureLayerIn(names, card, variant));
  if (known !== undefined && names.has(known)) return known;
  if (model.outputs.length === 1 && model.outputs[0]!.shape.length === 4) return model.layers.at(-1)!.name;
  throw new ModelError(
    'MODEL_INPUT',
    `It is not known where the features of "${model.name}" end and its classifier begins.`,
    {
      given: `a model that ends in ${JSON.stringify(model.outputs.map((output) => output.shape))}`,
      expected: 'a network of the zoo, a model without top, or the name of a layer',
      nextStep:
        'pass `featureLayer` with the name of the last layer to keep (`dovecote summary` shows the names)',
    },
  );
}

/** The output of a layer of the model, checked to be something that a head can stand on. */
export function outputOf(model: tf.LayersModel, layerName: string): tf.SymbolicTensor {
  requireLayer(model, layerName, { code: 'MODEL_INPUT', option: 'featureLayer' });
  const layer = model.getLayer(layerName);
  const output = outputIn(layer);
  if (
    output === undefined ||
    Array.isArray(output) ||
    (output.shape.length !== 4 && output.shape.length !== 2)
  ) {
    throw new ModelError(
      'MODEL_INPUT',
      `The layer "${layerName}" of "${model.name}" cannot carry a new head.`,
      {
        given: `output of shape ${JSON.stringify(layer.outputShape)}`,
        expected: 'a layer with one output of shape [batch, height, width, channels] or [batch, features]',
        nextStep: '`dovecote summary` shows the layers and their shapes',
      },
    );
  }
  return output;
}

/** A nested model is called once, behind the node of its own creation; of a shared layer there is no one output. */
function outputIn(layer: tf.layers.Layer): tf.SymbolicTensor | tf.SymbolicTensor[] | undefined {
  const nested = (layer as Partial<tf.LayersModel>).layers !== undefined;
  if (nested) return layer.getOutputAt(layer.inboundNodes.length - 1);
  return layer.inboundNodes.length === 1 ? layer.output : undefined;
}

export interface HeadNames {
  readonly pool: string;
  readonly dropout: string;
  readonly predictions: string;
}

/**
 * Names for the layers of a head on `features`. A number is added where the base has such a layer already, as one that
 * was trained here and keeps a part of its old head.
 */
export function headNames(base: tf.LayersModel, features: tf.SymbolicTensor): HeadNames {
  const kept = tf.model({ name: 'kept', inputs: base.inputs, outputs: features });
  const taken = new Set(kept.layers.map((layer) => layer.name));
  const free = (name: string) => {
    let candidate = name;
    for (let number = 2; taken.has(candidate); number++) candidate = `${name}_${number}`;
    return candidate;
  };
  return { pool: free('head_pool'), dropout: free('head_dropout'), predictions: free('head_predictions') };
}

export function poolingLayer(pooling: 'avg' | 'max' | null, name: string): tf.layers.Layer | undefined {
  if (pooling === null) return undefined;
  return pooling === 'avg'
    ? tf.layers.globalAveragePooling2d({ name })
    : tf.layers.globalMaxPooling2d({ name });
}
