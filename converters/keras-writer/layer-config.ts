import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { ModelGraph } from '../graph.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import { toKeras2Layer } from '../keras/legacy.ts';
import { kerasClass } from '../keras/own-layers.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import { isModel } from '../keras/tfjs-support.ts';
import { kerasNames } from './layer-names.ts';
import { layerOptions, type KerasTarget } from './layer-options.ts';

export interface WriteContext {
  readonly target: KerasTarget;
  /** Shown in errors. */
  readonly fileName: string;
  /** Writes a model that is a part of another one, as `{ class_name, config, ... }`. */
  readonly model: (graph: ModelGraph, config: JsonObject) => JsonObject;
}

export function notSaid(
  context: WriteContext,
  layer: { readonly name: string; readonly className: string },
  what: string,
): FormatError {
  const keras = `Keras ${context.target}`;
  return new FormatError(
    'FORMAT_UNSUPPORTED_LAYER',
    `The layer ${layer.name} (${layer.className}) of ${context.fileName} cannot be written for ${keras}: ${what}.`,
    {
      given: `${layer.className}: ${what}`,
      expected: `a layer that ${keras} has, with its options`,
      nextStep: `Write the model for Keras ${context.target === 2 ? 3 : 2} instead, or replace the layer.`,
    },
  );
}

/** Options that change nothing at inference, whatever they say. */
const WITHOUT_MEANING = new Set(
  (
    'batch_input_shape input_shape input_dim input_length input_dtype implementation fused renorm_momentum ' +
    'renorm_clipping virtual_batch_size synchronized seed use_cudnn flash_attention query_shape key_shape value_shape ' +
    'dropout recurrent_dropout activity_regularizer stateful autocast batch_shape dynamic optional num_constants'
  ).split(' '),
);

/** Values that are an option's default where one version lacks it. */
const DEFAULTS: Readonly<Record<string, readonly JsonValue[]>> = {
  data_format: ['channels_last'],
  groups: [1],
  fill_mode: ['constant'],
  fill_value: [0],
  threshold: [0],
  value_range: [
    [0, 255],
    [0, 1],
  ],
};

const MODULES: readonly (readonly [RegExp, string])[] = [
  [/_initializer$/, 'keras.initializers'],
  [/_regularizer$/, 'keras.regularizers'],
  [/_constraint$/, 'keras.constraints'],
];

/** Arguments of calls that the graph keeps among the options. */
export const CALL_OPTIONS: ReadonlySet<string> = new Set(['use_causal_mask']);
/** The names of a call's inputs, where they are not query, value and key. */
export const CALL_INPUTS = 'call_inputs';

function meansNothing(key: string, value: JsonValue): boolean {
  if (CALL_OPTIONS.has(key) || key === CALL_INPUTS || MODULES.some(([pattern]) => pattern.test(key)))
    return true;
  if (value === null || value === false || WITHOUT_MEANING.has(key)) return true;
  const same = JSON.stringify(value);
  return (Object.hasOwn(DEFAULTS, key) ? DEFAULTS[key]! : []).some((item) => JSON.stringify(item) === same);
}

/** Initializers, regularizers and constraints, with the module that both versions state; those of others are left out. */
function trainingObject(key: string, value: JsonValue, target: KerasTarget): JsonValue {
  const module = MODULES.find(([pattern]) => pattern.test(key))?.[1];
  if (module === undefined || !isJsonObject(value)) return value;
  const { class_name: className, config } = value;
  const registered = stringOf(value.registered_name);
  if (typeof className !== 'string' || className.includes('>') || registered?.includes('>') === true) {
    return null;
  }
  const inner = isJsonObject(config) ? { ...config } : {};
  // TensorFlow 1 states the type of the numbers.
  delete inner.dtype;
  if (target === 2) {
    // Keras 3.15 says which axes it counts.
    delete inner.input_axes;
    delete inner.output_axes;
  }
  return { module, class_name: className, config: inner, registered_name: null };
}

const OWN_HARD_SIGMOID = 'keras3_hard_sigmoid';
/** Of Keras 3 alone. */
const NEW_ACTIVATIONS = new Set(
  (
    'celu glu hard_shrink hard_silu hard_swish hard_tanh log_sigmoid soft_shrink sparse_plus sparse_sigmoid sparsemax ' +
    'squareplus tanh_shrink threshold'
  ).split(' '),
);

function activation(
  value: JsonValue,
  context: WriteContext,
  layer: { readonly name: string; readonly className: string },
): JsonValue {
  const name = isJsonObject(value) ? stringOf(value.config ?? value.class_name) : stringOf(value);
  if (context.target === 3) {
    if (name === OWN_HARD_SIGMOID) return 'hard_sigmoid';
    if (name === 'hard_sigmoid')
      throw notSaid(context, layer, 'it has the hard_sigmoid of Keras 2, 0.2 x + 0.5');
    return value;
  }
  if (name === OWN_HARD_SIGMOID)
    throw notSaid(context, layer, 'it has the hard_sigmoid of Keras 3, relu6(x + 3) / 6');
  if (name !== undefined && NEW_ACTIVATIONS.has(name)) {
    throw notSaid(context, layer, `it has the activation ${name}`);
  }
  return value;
}

/** Types as the version states them: a text in Keras 2, a policy in Keras 3. */
export function dtypePolicy(dtype: JsonValue | undefined, target: KerasTarget): JsonValue {
  const name = stringOf(dtype) ?? 'float32';
  if (target === 2) return name;
  return { module: 'keras', class_name: 'DTypePolicy', config: { name }, registered_name: null };
}

const INNER_LAYERS = new Set(['layer', 'backward_layer', 'cell']);

/** A layer within the config of another one, whose name may stand before those of a model's layers. */
function innerLayer(value: JsonValue, outer: string, context: WriteContext): JsonValue {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return value;
  const className = stringOf(value.class_name) ?? '';
  if (isModel({ className, config: value.config })) {
    const given = parseKerasConfig(value, { fileName: context.fileName });
    const { graph } = kerasNames(given, context.target, outer);
    return context.model(graph, { name: graph.name });
  }
  const layer = toKeras2Layer(className, value.config);
  return serializedLayer(layer.className, layer.config, context);
}

const APPLICATIONS: Readonly<Record<string, string>> = {
  CustomScaleLayer: 'keras.src.applications.inception_resnet_v2',
  LayerScale: 'keras.src.applications.convnext',
  StochasticDepth: 'keras.src.applications.convnext',
};

/** Keras 3's names of options. */
function renamedKey(className: string, key: string, target: KerasTarget): string {
  if (target === 2) return key;
  if (className === 'LeakyReLU' && key === 'alpha') return 'negative_slope';
  if (className === 'RandomGaussianBlur' && key === 'stddev') return 'sigma';
  return className === 'InputLayer' && key === 'batch_input_shape' ? 'batch_shape' : key;
}

/** Keras 2 wants to be told that it is not told of what a layer was built for. */
const UNKNOWN_SHAPES: JsonObject = { query_shape: null, key_shape: null, value_shape: null };

/** The config of a layer in the words of the version. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` */
function layerConfig(ownName: string, given: JsonObject, context: WriteContext): JsonObject {
  const className = kerasClass(ownName);
  const { target } = context;
  const { name = '', trainable = true, dtype } = given;
  const layer = { name: stringOf(name) ?? '', className };
  const options = layerOptions(target, className);
  if (options === undefined) throw notSaid(context, layer, 'there is no such layer');
  const input = className === 'InputLayer';
  const config: JsonObject = { name };
  // Two kinds of layers of Keras 3 take neither.
  const bare = input || (target === 3 && /^(Discretization|SpatialDropout)/.test(className));
  if (!bare) config.trainable = trainable;
  config.dtype = bare ? (stringOf(dtype) ?? 'float32') : dtypePolicy(dtype, target);
  if (target === 2 && className === 'MultiHeadAttention') Object.assign(config, UNKNOWN_SHAPES);
  for (const [key, value] of Object.entries(given)) {
    if (key === 'name' || key === 'trainable' || key === 'dtype') continue;
    if (!options.has(key)) {
      if (!meansNothing(key, value)) throw notSaid(context, layer, `${key} is ${excerpt(value, 40)}`);
      continue;
    }
    const renamed = renamedKey(className, key, target);
    if (INNER_LAYERS.has(key)) config[renamed] = innerLayer(value, layer.name, context);
    else if (key === 'cells' && Array.isArray(value)) {
      config[renamed] = value.map((cell) => innerLayer(cell, layer.name, context));
    } else if (key.endsWith('activation')) config[renamed] = activation(value, context, layer);
    else config[renamed] = trainingObject(key, value, target);
  }
  return config;
}

/** A layer as `{ class_name, config }`, with its module for Keras 3. */
export function serializedLayer(ownName: string, given: JsonObject, context: WriteContext): JsonObject {
  const config = layerConfig(ownName, given, context);
  const className = kerasClass(ownName);
  if (context.target === 2) return { class_name: className, config };
  const application = Object.hasOwn(APPLICATIONS, className) ? APPLICATIONS[className] : undefined;
  return {
    module: application ?? 'keras.layers',
    class_name: className,
    config,
    registered_name: application === undefined ? null : className,
  };
}
