import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';

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

function recurrent(config: JsonObject, gates: number): Parameter[] {
  const units = size(config.units);
  const width = units === null ? null : units * gates;
  return [
    parameter('kernel', [null, width]),
    parameter('recurrent_kernel', [units, width]),
    ...bias(config, width),
  ];
}

function normalization(config: JsonObject): Parameter[] {
  const shape = Array.isArray(config.axis) && config.axis.length > 1 ? null : [null];
  return [
    ...(given(config.scale) ? [parameter('gamma', shape)] : []),
    ...(given(config.center) ? [parameter('beta', shape)] : []),
  ];
}

function convolutionalLstm(config: JsonObject): Parameter[] {
  const filters = size(config.filters);
  const width = filters === null ? null : filters * 4;
  const kernel = sizes(config.kernel_size, 2);
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
  DepthwiseConv2D: (config) => [
    parameter('depthwise_kernel', [
      ...sizes(config.kernel_size, 2),
      null,
      size(config.depth_multiplier ?? 1),
    ]),
    ...bias(config, null),
  ],
  SeparableConv2D: (config) => [
    parameter('depthwise_kernel', [
      ...sizes(config.kernel_size, 2),
      null,
      size(config.depth_multiplier ?? 1),
    ]),
    parameter('pointwise_kernel', [1, 1, null, size(config.filters)]),
    ...bias(config, size(config.filters)),
  ],
  BatchNormalization: (config) => [
    ...normalization(config),
    parameter('moving_mean', [null], false),
    parameter('moving_variance', [null], false),
  ],
  LayerNormalization: (config) =>
    Array.isArray(config.axis) && config.axis.length > 1 ? [] : normalization(config),
  LayerScale: (config) => [parameter('gamma', [size(config.projection_dim)])],
  Normalization: (config) =>
    config.mean != null
      ? []
      : [parameter('mean', null, false), parameter('variance', null, false), parameter('count', [], false)],
  Embedding: (config) => [parameter('embeddings', [size(config.input_dim), size(config.output_dim)])],
  PReLU: () => [parameter('alpha', null)],
  SimpleRNN: (config) => recurrent(config, 1),
  LSTM: (config) => recurrent(config, 4),
  GRU: (config) => recurrent(config, 3),
  ConvLSTM2D: convolutionalLstm,
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
  const own = name(stringOf(config.name) ?? '');
  return parameters(stringOf(value.class_name) ?? '', config, own, trainable && given(config.trainable));
}

function parameters(className: string, config: JsonObject, name: string, trainable: boolean): Parameter[] {
  if (className === 'TimeDistributed') return wrapped(config.layer, () => name, trainable);
  if (className === 'Bidirectional') {
    const direction = (which: string) =>
      wrapped(config.layer, (inner) => `${name}/${which}_${inner}`, trainable);
    return [...direction('forward'), ...direction('backward')];
  }
  const own = Object.hasOwn(PARAMETERS, className) ? PARAMETERS[className] : undefined;
  return own === undefined ? [] : named(name, own(config), trainable);
}

/** A nested model's trainable weights come first, then all others: so do Keras and tfjs store them. */
function layerParameters(layer: GraphLayer, frozen: boolean): Parameter[] {
  const trainable = !frozen && given(layer.config.trainable);
  if (layer.nested === undefined) return parameters(layer.className, layer.config, layer.name, trainable);
  const all = layer.nested.layers.map((inner) => layerParameters(inner, false));
  const first = all.flatMap((list) => list.filter((item) => item.trainable));
  const rest = all.flatMap((list) => list.filter((item) => !item.trainable));
  return [...first, ...rest].map((item) => ({ ...item, trainable: trainable && item.trainable }));
}

/**
 * The weights of every layer of a graph, by the names that tfjs gives them, in the order in which Keras's files hold
 * them. Layers whose class is not known have none.
 */
export function expectedWeights(graph: ModelGraph): ExpectedLayer[] {
  return graph.layers.map((layer) => ({
    layer: layer.name,
    weights: layerParameters(layer, false).map(({ name, shape }) => ({ name, shape })),
  }));
}
