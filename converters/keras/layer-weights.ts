import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { kerasClass, ownClass } from './own-layers.ts';
import { parseKerasConfig } from './parse-config.ts';
import { isModel } from './tfjs-support.ts';

/** A weight that a layer has; `null` stands for a size, or a whole shape, that only the input's shape tells. */
export interface ExpectedWeight {
  readonly name: string;
  readonly shape: readonly (number | null)[] | null;
}

export interface ExpectedLayer {
  readonly layer: string;
  readonly weights: readonly ExpectedWeight[];
}

interface Parameter extends ExpectedWeight {
  readonly trainable: boolean;
}

function size(value: JsonValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function sizes(value: JsonValue | undefined, rank: number): (number | null)[] {
  if (Array.isArray(value)) return Array.from({ length: rank }, (_, i) => size(value[i]));
  return Array.from({ length: rank }, () => size(value));
}

const parameter = (name: string, shape: (number | null)[] | null, trainable = true): Parameter => ({
  name,
  shape,
  trainable,
});
const bias = (config: JsonObject, width: number | null) =>
  config.use_bias === false || config.use_bias === 0 ? [] : [parameter('bias', [width])];
const given = (value: JsonValue | undefined) => value !== false;

function convolution(config: JsonObject, rank: number, transposed = false): Parameter[] {
  const filters = size(config.filters);
  const channels = transposed ? [filters, null] : [null, filters];
  return [parameter('kernel', [...sizes(config.kernel_size, rank), ...channels]), ...bias(config, filters)];
}

function depthwiseKernel(config: JsonObject, rank: number): Parameter {
  const shape = [...sizes(config.kernel_size, rank), null, size(config.depth_multiplier ?? 1)];
  return parameter('depthwise_kernel', shape);
}

function separable(config: JsonObject, rank: number): Parameter[] {
  const filters = size(config.filters);
  const ones = Array.from({ length: rank }, () => 1);
  return [
    depthwiseKernel(config, rank),
    parameter('pointwise_kernel', [...ones, null, filters]),
    ...bias(config, filters),
  ];
}

function recurrent(config: JsonObject, gates: number): Parameter[] {
  const units = size(config.units);
  const width = units === null ? null : units * gates;
  return [
    parameter('kernel', [null, width]),
    parameter('recurrent_kernel', [units, width]),
    ...bias(config, width),
  ];
}

/** With `reset_after`, both products of a GRU have a bias. */
function gatedUnit(config: JsonObject): Parameter[] {
  const [kernel, recurrentKernel, ...own] = recurrent(config, 3);
  const double = config.reset_after === true;
  const biases = own.map((item) => (double ? { ...item, shape: [2, ...item.shape!] } : item));
  return [kernel!, recurrentKernel!, ...biases];
}

/** Kernel and bias of each projection, in the order in which Keras makes them. */
function attentionHeads(
  config: JsonObject,
  heads: { queries: number | null; keys: number | null; keyDim: number | null; valueDim: number | null },
): Parameter[] {
  const { queries, keys, keyDim, valueDim } = heads;
  const project = (name: string, count: number | null, dim: number | null) => [
    parameter(`${name}/kernel`, [null, count, dim]),
    ...(given(config.use_bias) ? [parameter(`${name}/bias`, [count, dim])] : []),
  ];
  const { output_shape: output } = config;
  const several = Array.isArray(output) && output.length !== 1;
  return [
    ...project('query', queries, keyDim),
    ...project('key', keys, keyDim),
    ...(config.use_gate === true ? project('gate', queries, valueDim) : []),
    ...project('value', keys, valueDim),
    parameter('attention_output/kernel', several ? null : [queries, valueDim, null]),
    ...(given(config.use_bias) ? [parameter('attention_output/bias', several ? null : [null])] : []),
  ];
}

function normalization(config: JsonObject): Parameter[] {
  const shape = Array.isArray(config.axis) && config.axis.length > 1 ? null : [null];
  return [
    ...(given(config.scale) ? [parameter('gamma', shape)] : []),
    ...(given(config.center) ? [parameter('beta', shape)] : []),
  ];
}

function convolutionalLstm(config: JsonObject, rank: number): Parameter[] {
  const filters = size(config.filters);
  const width = filters === null ? null : filters * 4;
  const kernel = sizes(config.kernel_size, rank);
  return [
    parameter('kernel', [...kernel, null, width]),
    parameter('recurrent_kernel', [...kernel, filters, width]),
    ...bias(config, width),
  ];
}

/** Weights of each layer class, trainable ones first, in the order of Keras's files. */
const PARAMETERS: Record<string, (config: JsonObject) => Parameter[]> = {
  Dense: (config) => [parameter('kernel', [null, size(config.units)]), ...bias(config, size(config.units))],
  Conv1D: (config) => convolution(config, 1),
  Conv2D: (config) => convolution(config, 2),
  Conv3D: (config) => convolution(config, 3),
  GroupedConv2D: (config) => convolution(config, 2),
  Conv2DTranspose: (config) => convolution(config, 2, true),
  Conv3DTranspose: (config) => convolution(config, 3, true),
  Conv1DTranspose: (config) => convolution(config, 1, true),
  DepthwiseConv1D: (config) => [depthwiseKernel(config, 1), ...bias(config, null)],
  DepthwiseConv2D: (config) => [depthwiseKernel(config, 2), ...bias(config, null)],
  SeparableConv1D: (config) => separable(config, 1),
  SeparableConv2D: (config) => separable(config, 2),
  BatchNormalization: (config) => [
    ...normalization(config),
    parameter('moving_mean', [null], false),
    parameter('moving_variance', [null], false),
  ],
  LayerNormalization: (config) =>
    config.rms_scaling === true ? [normalization({ ...config, scale: true })[0]!] : normalization(config),
  GroupNormalization: normalization,
  RMSNormalization: (config) => [
    parameter('scale', Array.isArray(config.axis) && config.axis.length > 1 ? null : [null]),
  ],
  LayerScale: (config) => [parameter('gamma', [size(config.projection_dim)])],
  Normalization: (config) =>
    config.mean != null
      ? []
      : [parameter('mean', null, false), parameter('variance', null, false), parameter('count', [], false)],
  Embedding: (config) => [parameter('embeddings', [size(config.input_dim), size(config.output_dim)])],
  PReLU: () => [parameter('alpha', null)],
  SimpleRNN: (config) => recurrent(config, 1),
  LSTM: (config) => recurrent(config, 4),
  GRU: gatedUnit,
  ConvLSTM1D: (config) => convolutionalLstm(config, 1),
  ConvLSTM2D: (config) => convolutionalLstm(config, 2),
  ConvLSTM3D: (config) => convolutionalLstm(config, 3),
  SimpleRNNCell: (config) => recurrent(config, 1),
  LSTMCell: (config) => recurrent(config, 4),
  GRUCell: gatedUnit,
  EinsumDense: (config) => [
    parameter('kernel', null),
    ...(typeof config.bias_axes === 'string' && config.bias_axes !== '' ? [parameter('bias', null)] : []),
  ],
  Attention: (config) => [
    ...(config.use_scale === true ? [parameter('scale', [])] : []),
    ...(config.score_mode === 'concat' ? [parameter('concat_score_weight', [])] : []),
  ],
  AdditiveAttention: (config) => (given(config.use_scale) ? [parameter('scale', [null])] : []),
  MultiHeadAttention: (config) => {
    const queries = size(config.num_heads);
    const keyDim = size(config.key_dim);
    const valueDim = size(config.value_dim) ?? keyDim;
    return attentionHeads(config, { queries, keys: queries, keyDim, valueDim });
  },
  GroupQueryAttention: (config) => {
    const [queries, keys] = [size(config.num_query_heads), size(config.num_key_value_heads)];
    const dim = size(config.head_dim);
    return attentionHeads(config, { queries, keys, keyDim: dim, valueDim: dim });
  },
};

function named(prefix: string, list: Parameter[], trainable: boolean): Parameter[] {
  return list.map((item) => ({
    ...item,
    name: `${prefix}/${item.name}`,
    trainable: trainable && item.trainable,
  }));
}

function wrapped(
  value: JsonValue | undefined,
  name: (inner: string) => string,
  trainable: boolean,
): Parameter[] {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return [];
  const { config } = value;
  const inner = { className: stringOf(value.class_name) ?? '', config };
  // The layers of a model keep their names, whatever it is wrapped in.
  if (isModel(inner))
    return modelParameters(parseKerasConfig({ class_name: inner.className, config }), trainable);
  const own = name(stringOf(config.name) ?? '');
  return parameters(stringOf(value.class_name) ?? '', config, own, trainable && given(config.trainable));
}

/** Cells have no name of their own in tfjs; those of a stack are numbered. */
function cellParameters(value: JsonValue | undefined, name: string, trainable: boolean): Parameter[] {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return [];
  const { cells } = value.config;
  if (value.class_name !== 'StackedRNNCells' || !Array.isArray(cells)) {
    return wrapped(value, () => name, trainable);
  }
  return cells.flatMap((cell, i) => cellParameters(cell, `${name}/RNNCell_${i}`, trainable));
}

function parameters(written: string, config: JsonObject, name: string, trainable: boolean): Parameter[] {
  const className = kerasClass(written);
  if (['TimeDistributed', 'MaskedLayer', 'InitialStates'].includes(className))
    return wrapped(config.layer, () => name, trainable);
  if (className === 'SpectralNormalization') {
    const vector = parameter('vector_u', [1, null], false);
    return [...wrapped(config.layer, () => name, trainable), ...named(name, [vector], trainable)];
  }
  if (className === 'RNN') return cellParameters(config.cell, name, trainable);
  if (className === 'Bidirectional') {
    const direction = (which: string, layer: JsonValue | undefined) =>
      wrapped(layer, (inner) => `${name}/${which}_${inner}`, trainable);
    const own = ownClass(written, config) !== undefined;
    const backward = own ? config.backward_layer : config.layer;
    return [...direction('forward', config.layer), ...direction('backward', backward)];
  }
  const own = Object.hasOwn(PARAMETERS, className) ? PARAMETERS[className] : undefined;
  return own === undefined ? [] : named(name, own(config), trainable);
}

/** A nested model's trainable weights come first, then all others: so do Keras and tfjs store them. */
function modelParameters(graph: ModelGraph, trainable: boolean): Parameter[] {
  const all = graph.layers.map((inner) => layerParameters(inner, false));
  const first = all.flatMap((list) => list.filter((item) => item.trainable));
  const rest = all.flatMap((list) => list.filter((item) => !item.trainable));
  return [...first, ...rest].map((item) => ({ ...item, trainable: trainable && item.trainable }));
}

function layerParameters(layer: GraphLayer, frozen: boolean): Parameter[] {
  const trainable = !frozen && given(layer.config.trainable);
  if (layer.nested !== undefined) return modelParameters(layer.nested, trainable);
  return parameters(layer.className, layer.config, layer.name, trainable);
}

/** The weights of one layer, all of them where it is a model. */
export function weightsOf(layer: GraphLayer): ExpectedWeight[] {
  return layerParameters(layer, false).map(({ name, shape }) => ({ name, shape }));
}

/**
 * The weights of every layer of a graph, by the names that tfjs gives them, in the order in which Keras's files hold
 * them. Layers whose class is not known have none.
 */
export function expectedWeights(graph: ModelGraph): ExpectedLayer[] {
  return graph.layers.map((layer) => ({ layer: layer.name, weights: weightsOf(layer) }));
}
