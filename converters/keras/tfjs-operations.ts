import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { maskedLayers } from './mask-flow.ts';
import { operandsOf, operationSpec } from './operation-list.ts';
import { inferRanks } from './ranks.ts';

interface PlainLayer {
  readonly className: string;
  readonly config: JsonObject;
}

/** Operations that are tfjs's `Activation` of the same function. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  identity: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  softplus: 'softplus',
  softsign: 'softsign',
  selu: 'selu',
  silu: 'swish',
  tanh: 'tanh',
};

const MERGES: Readonly<Record<string, string>> = {
  add: 'Add',
  multiply: 'Multiply',
  maximum: 'Maximum',
  minimum: 'Minimum',
};

/** `x + c`, `x - c`, `x * c` and `x / c` as scale and offset. */
function rescaling(operation: string, constant: number): JsonObject | undefined {
  switch (operation) {
    case 'add':
      return { scale: 1, offset: constant };
    case 'subtract':
      return { scale: 1, offset: -constant };
    case 'multiply':
      return { scale: constant, offset: 0 };
    case 'divide':
      return constant === 0 ? undefined : { scale: 1 / constant, offset: 0 };
    default:
      return undefined;
  }
}

/** Layers that surely give floats: operations on integers keep to those, where tfjs's layers would not. */
function floatLayers(graph: ModelGraph): Set<string> {
  const floats = new Set<string>();
  for (const { name, className, config, inbound } of graph.layers) {
    if (className === 'InputLayer') {
      if (config.dtype === undefined || config.dtype === 'float32') floats.add(name);
    } else if (className === 'TensorOperation') {
      const kept = operationSpec(config.operation)?.output === undefined;
      if (kept && inbound.flat().every((ref) => floats.has(ref.layer))) floats.add(name);
    } else floats.add(name);
  }
  return floats;
}

const isFixed = (size: JsonValue): size is number => typeof size === 'number' && size > 0;
const isAxes = (value: JsonValue | undefined, axes: string) => JSON.stringify(value) === axes;

function shaped(config: JsonObject, rank: number | undefined): PlainLayer | undefined {
  const { name = '', operation, axis, keepdims, shape, axes } = config;
  if (operation === 'reshape' && Array.isArray(shape) && shape[0] === -1 && shape.slice(1).every(isFixed))
    return { className: 'Reshape', config: { name, target_shape: shape.slice(1) } };
  if (operation === 'transpose' && Array.isArray(axes) && axes.length === rank && axes[0] === 0)
    return { className: 'Permute', config: { name, dims: axes.slice(1) } };
  if ((operation !== 'mean' && operation !== 'max') || keepdims !== false) return undefined;
  const kind = operation === 'mean' ? 'GlobalAverage' : 'GlobalMax';
  if (rank === 4 && isAxes(axis, '[1,2]'))
    return { className: `${kind}Pooling2D`, config: { name, data_format: 'channels_last' } };
  return rank === 3 && isAxes(axis, '[1]') ? { className: `${kind}Pooling1D`, config: { name } } : undefined;
}

/**
 * For a graph's `TensorOperation` layers the layer that plain tfjs has for the same, and nothing for all others. What
 * it computes is equal for floats.
 */
export function plainLayer(graph: ModelGraph): (layer: GraphLayer) => PlainLayer | undefined {
  // Operations end masks, and tfjs's layers hand them on.
  if (maskedLayers(graph).size > 0) return () => undefined;
  const { outputs } = inferRanks(graph);
  const floats = floatLayers(graph);
  const isFloat = (ref: TensorRef) => floats.has(ref.layer);
  return ({ className, config, inbound }) => {
    const operands = className === 'TensorOperation' ? operandsOf(config) : undefined;
    const refs = inbound[0] ?? [];
    if (operands === undefined || inbound.length !== 1) return undefined;
    const { name = '', operation } = config;
    if (typeof operation !== 'string') return undefined;
    const ranks = refs.map((ref) => (ref.tensor === 0 ? outputs.get(ref.layer) : undefined));
    const [first, second] = operands;
    if (operands.length === 1) {
      if (Object.hasOwn(ACTIVATIONS, operation))
        return { className: 'Activation', config: { name, activation: ACTIVATIONS[operation]! } };
      return shaped(config, ranks[0]);
    }
    if (operands.every((operand, i) => 'tensor' in operand && operand.tensor === i)) {
      if (operation === 'concatenate')
        return { className: 'Concatenate', config: { name, axis: config.axis! } };
      const alike = operands.length === 2 && ranks[0] !== undefined && ranks[0] === ranks[1];
      if (!alike || !Object.hasOwn(MERGES, operation) || !refs.every(isFloat)) return undefined;
      return { className: MERGES[operation]!, config: { name } };
    }
    if (operands.length !== 2 || !refs.every(isFloat)) return undefined;
    const swapped = 'value' in first!;
    if (swapped && operation !== 'add' && operation !== 'multiply') return undefined;
    const constant = swapped ? first.value : 'value' in second! ? second.value : undefined;
    const scale = typeof constant === 'number' ? rescaling(operation, constant) : undefined;
    return scale === undefined ? undefined : { className: 'Rescaling', config: { name, ...scale } };
  };
}
