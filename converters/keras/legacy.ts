import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';

export interface Keras2Layer {
  readonly className: string;
  readonly config: JsonObject;
}

/** Keras 1 class -> Keras 2 class, and names that later releases gave to the same layer. */
const RENAMED_CLASSES: Record<string, string> = {
  Convolution1D: 'Conv1D',
  Convolution2D: 'Conv2D',
  Convolution3D: 'Conv3D',
  AtrousConvolution1D: 'Conv1D',
  AtrousConvolution2D: 'Conv2D',
  AtrousConv1D: 'Conv1D',
  AtrousConv2D: 'Conv2D',
  SeparableConvolution2D: 'SeparableConv2D',
  Convolution2DTranspose: 'Conv2DTranspose',
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
  GroupedQueryAttention: 'GroupQueryAttention',
  // Keras Applications registers its own layers as users do theirs.
  'Custom>CustomScaleLayer': 'CustomScaleLayer',
  'Custom>LayerScale': 'LayerScale',
  'Custom>StochasticDepth': 'StochasticDepth',
};

/** Keras 1 key -> Keras 2 key, where the meaning of the value stays. */
const RENAMED_KEYS: Record<string, string> = {
  nb_filter: 'filters',
  subsample: 'strides',
  border_mode: 'padding',
  atrous_rate: 'dilation_rate',
  bias: 'use_bias',
  p: 'rate',
  sigma: 'stddev',
  pool_length: 'pool_size',
  stride: 'strides',
  subsample_length: 'strides',
  input_dtype: 'dtype',
  inner_activation: 'recurrent_activation',
  dropout_W: 'dropout',
  dropout_U: 'recurrent_dropout',
  inner_init: 'recurrent_initializer',
  W_regularizer: 'kernel_regularizer',
  U_regularizer: 'recurrent_regularizer',
  b_regularizer: 'bias_regularizer',
  W_constraint: 'kernel_constraint',
  U_constraint: 'recurrent_constraint',
  b_constraint: 'bias_constraint',
};

/** Keras 1 keys that changed nothing but how a layer was computed, or that the weights replace. */
const DROPPED_KEYS = new Set([
  'consume_less',
  'forget_bias_init',
  'nb_row',
  'nb_col',
  'filter_length',
  'dim_ordering',
  'init',
]);

const KEYS_BY_CLASS: Record<string, Record<string, string>> = {
  Dense: { output_dim: 'units' },
  SimpleRNN: { output_dim: 'units' },
  LSTM: { output_dim: 'units' },
  GRU: { output_dim: 'units' },
  Embedding: { W_regularizer: 'embeddings_regularizer', W_constraint: 'embeddings_constraint' },
  UpSampling1D: { length: 'size' },
};

const MERGES: Record<string, string> = {
  concat: 'Concatenate',
  sum: 'Add',
  mul: 'Multiply',
  ave: 'Average',
  max: 'Maximum',
};

const INITIALIZERS: Record<string, string> = {
  zero: 'Zeros',
  one: 'Ones',
  normal: 'RandomNormal',
  uniform: 'RandomUniform',
  glorot_normal: 'GlorotNormal',
  glorot_uniform: 'GlorotUniform',
  he_normal: 'HeNormal',
  he_uniform: 'HeUniform',
  lecun_uniform: 'LecunUniform',
  orthogonal: 'Orthogonal',
  identity: 'Identity',
};

function initializerKey(className: string): string {
  if (className === 'Embedding') return 'embeddings_initializer';
  return className === 'PReLU' ? 'alpha_initializer' : 'kernel_initializer';
}

/** `nb_row` and `nb_col`, `filter_length`, or `kernel_dim1..3`. */
function kernelSize(config: JsonObject): JsonValue | undefined {
  const { nb_row, nb_col, filter_length, kernel_dim1, kernel_dim2, kernel_dim3 } = config;
  if (nb_row !== undefined && nb_col !== undefined) return [nb_row, nb_col];
  if (filter_length !== undefined) return [filter_length];
  if (kernel_dim1 !== undefined && kernel_dim2 !== undefined && kernel_dim3 !== undefined) {
    return [kernel_dim1, kernel_dim2, kernel_dim3];
  }
  return undefined;
}

function merge(config: JsonObject): Keras2Layer | undefined {
  const mode = stringOf(config.mode) ?? '';
  const { name = '', trainable = true } = config;
  // A Merge that holds its branches as layers, or runs a Python function, has no counterpart.
  if (Array.isArray(config.layers) && config.layers.length > 0) return undefined;
  if (mode === 'dot' || mode === 'cos') {
    return {
      className: 'Dot',
      config: { name, trainable, axes: config.dot_axes ?? -1, normalize: mode === 'cos' },
    };
  }
  const className = Object.hasOwn(MERGES, mode) ? MERGES[mode] : undefined;
  if (className === undefined) return undefined;
  const merged: JsonObject = { name, trainable };
  if (className === 'Concatenate') merged.axis = config.concat_axis ?? -1;
  return { className, config: merged };
}

/** ZeroPadding2D of Keras 1 takes `[top, bottom, left, right]`, or a dictionary, besides what Keras 2 takes. */
function zeroPadding(padding: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(padding) && padding.length === 4) return [padding.slice(0, 2), padding.slice(2)];
  if (isJsonObject(padding)) {
    const side = (name: string): JsonValue => padding[`${name}_pad`] ?? 0;
    return [
      [side('top'), side('bottom')],
      [side('left'), side('right')],
    ];
  }
  return padding;
}

/** Mixed-precision policies are objects in Keras 2; the weights are float32 in all of them. */
function dtypeOf(dtype: JsonValue): JsonValue {
  if (!isJsonObject(dtype)) return dtype;
  const policy = isJsonObject(dtype.config) ? stringOf(dtype.config.name) : undefined;
  // Quantized weights are no matter of types alone: the policy stays, for the writers to refuse.
  if (dtype.class_name !== 'DTypePolicy' && dtype.class_name !== 'Policy' && policy === undefined)
    return dtype;
  if (typeof dtype.class_name === 'string' && dtype.class_name.startsWith('Quantized')) return dtype;
  return policy === undefined || policy.startsWith('mixed_') ? 'float32' : policy;
}

function renameKeys(className: string, given: JsonObject): JsonObject {
  const config: JsonObject = {};
  const own = (Object.hasOwn(KEYS_BY_CLASS, className) ? KEYS_BY_CLASS[className] : undefined) ?? {};
  for (const [key, value] of Object.entries(given)) {
    if (DROPPED_KEYS.has(key) || key.startsWith('kernel_dim')) continue;
    // For an Embedding it is the type of the indices; `dtype` would be that of the weights.
    if (key === 'input_dtype' && className !== 'InputLayer') continue;
    const renamed = own[key] ?? (Object.hasOwn(RENAMED_KEYS, key) ? RENAMED_KEYS[key]! : key);
    // A key of Keras 2 wins over its older name.
    if (renamed !== key && Object.hasOwn(given, renamed)) continue;
    config[renamed] = value;
  }
  return config;
}

function completeConfig(className: string, given: JsonObject, config: JsonObject): void {
  const kernel = kernelSize(given);
  if (kernel !== undefined) config.kernel_size ??= kernel;
  if (given.dim_ordering === 'tf') config.data_format ??= 'channels_last';
  if (given.dim_ordering === 'th') config.data_format ??= 'channels_first';
  if (typeof given.init === 'string') {
    const known = Object.hasOwn(INITIALIZERS, given.init) ? INITIALIZERS[given.init]! : given.init;
    config[initializerKey(className)] ??= { class_name: known, config: {} };
  }
  if (className.startsWith('ZeroPadding2D')) {
    const padding = zeroPadding(given.padding);
    if (padding !== undefined) config.padding = padding;
  }
  if (config.dtype !== undefined) config.dtype = dtypeOf(config.dtype);
  // TensorFlow writes the axis of BatchNormalization as a list of one.
  if (className === 'BatchNormalization') {
    if (Array.isArray(config.axis) && config.axis.length === 1) config.axis = config.axis[0]!;
    if (config.mode === 0) delete config.mode;
  }
}

/**
 * One layer in the vocabulary of Keras 2, from any of Keras 1's and Keras 2's. It goes by the words that are there
 * rather than by the file's version, which is often missing. What has no counterpart is left as it is, and so are
 * layers within its config.
 */
export function toKeras2Layer(className: string, given: JsonObject): Keras2Layer {
  if (className === 'Merge') return merge(given) ?? { className, config: given };
  const renamed = Object.hasOwn(RENAMED_CLASSES, className) ? RENAMED_CLASSES[className]! : className;
  const config = renameKeys(renamed, given);
  completeConfig(renamed, given, config);
  return { className: renamed, config };
}

/** True when the layers of a Keras 1 config state the dimension ordering `th`, channels before rows, and no other. */
export function usesTheanoOrdering(config: JsonObject): boolean {
  const text = JSON.stringify(config);
  return text.includes('"dim_ordering":"th"') && !text.includes('"dim_ordering":"tf"');
}
