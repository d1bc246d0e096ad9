import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { MERGES } from './mask-roles.ts';
import { operandsOf, operationSpec } from './operation-list.ts';

/** Ranks of outputs by layer, batch axis included; absent where it cannot be told. */
type Ranks = Map<string, number>;
type Rank = number | undefined;

const FLAT = new Set([
  'Flatten',
  'GlobalAveragePooling1D',
  'GlobalAveragePooling2D',
  'GlobalAveragePooling3D',
  'GlobalMaxPooling1D',
  'GlobalMaxPooling2D',
  'GlobalMaxPooling3D',
]);
const RECURRENT = new Set(['LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional']);
const UNKNOWN = new Set([
  'ConvLSTM1D',
  'ConvLSTM2D',
  'ConvLSTM3D',
  'Dot',
  'CategoryEncoding',
  'UnknownOperation',
]);

const length = (value: JsonValue | undefined) => (Array.isArray(value) ? value.length : undefined);

function recurrentRank(config: JsonObject): number {
  const inner = config.layer;
  const own = isJsonObject(inner) ? inner.config : config;
  return isJsonObject(own) && own.return_sequences === true ? 3 : 2;
}

/** The most axes of all; numbers have none. */
function broadcast(ranks: readonly Rank[]): Rank {
  const known = ranks.filter((rank) => rank !== undefined);
  return known.length === ranks.length ? Math.max(...known) : undefined;
}

function rankOfValue(value: JsonValue): number {
  let rank = 0;
  for (let item: JsonValue | undefined = value; Array.isArray(item); item = item[0]) rank += 1;
  return rank;
}

function indexedRank(slices: JsonValue | undefined, input: number): Rank {
  if (!Array.isArray(slices)) return undefined;
  const has = (key: string) => slices.filter((slice) => isJsonObject(slice) && key in slice).length;
  return input - has('index') + has('new_axis');
}

function operationRank(config: JsonObject, inputs: readonly Rank[]): Rank {
  const spec = operationSpec(config.operation);
  const operands = operandsOf(config);
  if (spec === undefined || operands === undefined) return undefined;
  const ranks = operands.map((operand) =>
    'tensor' in operand ? inputs[operand.tensor] : rankOfValue(operand.value),
  );
  const [first] = ranks;
  const axes = length(config.axis);
  const name: string = stringOf(config.operation) ?? '';
  switch (name) {
    case 'reshape':
      return length(config.shape);
    case 'einsum':
      return stringOf(config.subscripts)?.split('->')[1]?.trim().length;
    case 'matmul':
      return broadcast(ranks);
    case 'expand_dims':
      return first === undefined || axes === undefined ? undefined : first + axes;
    case 'squeeze':
      return first === undefined || axes === undefined ? undefined : first - axes;
    case 'stack':
    case 'one_hot':
      return first === undefined ? undefined : first + 1;
    case 'take':
      return first === undefined || ranks[1] === undefined ? undefined : first + ranks[1] - 1;
    case 'get_item':
      return first === undefined ? undefined : indexedRank(config.slices, first);
  }
  if ('keepdims' in spec.options && config.keepdims !== true) {
    if (config.axis === null) return 0;
    return first === undefined ? undefined : first - (axes ?? 1);
  }
  return typeof spec.operands === 'number' && spec.operands > 1 ? broadcast(ranks) : first;
}

function outputRank(layer: GraphLayer, inputs: readonly Rank[]): Rank {
  const { className, config } = layer;
  const [input] = inputs;
  if (className === 'InputLayer') return length(config.batch_input_shape);
  if (className === 'TensorOperation') return operationRank(config, inputs);
  if (FLAT.has(className)) return config.keepdims === true ? input : 2;
  if (RECURRENT.has(className)) return recurrentRank(config);
  if (UNKNOWN.has(className)) return undefined;
  if (MERGES.has(className)) return broadcast(inputs);
  if (className === 'Reshape') {
    const target = length(config.target_shape);
    return target === undefined ? undefined : target + 1;
  }
  if (className === 'RepeatVector') return 3;
  if (className === 'Embedding') return input === undefined ? undefined : input + 1;
  if (className === 'EinsumDense') return einsumRank(config, input);
  if (className === 'TimeDistributed') return undefined;
  if (/[a-z]1D(Transpose)?$/.test(className)) return 3;
  if (/[a-z]2D(Transpose)?$/.test(className)) return 4;
  if (/[a-z]3D(Transpose)?$/.test(className)) return 5;
  if (layer.nested !== undefined) {
    const [output] = layer.nested.outputs;
    return output === undefined ? undefined : inferRanks(layer.nested).outputs.get(output.layer);
  }
  return input;
}

function einsumRank(config: JsonObject, input: Rank): Rank {
  const equation = stringOf(config.equation);
  const result = equation?.split('->')[1]?.trim();
  if (equation === undefined || result === undefined) return undefined;
  const first = equation.split(',')[0]!.trim();
  if (!result.includes('...')) return result.length;
  const rest = input === undefined ? undefined : input - first.replace('...', '').length;
  return rest === undefined ? undefined : result.replace('...', '').length + rest;
}

/** Further outputs of recurrent layers are states; of other layers, they are as the first. */
function rankOf(ref: TensorRef, layers: ReadonlyMap<string, GraphLayer>, outputs: Ranks): Rank {
  const layer = layers.get(ref.layer);
  if (ref.tensor === 0 || layer === undefined) return outputs.get(ref.layer);
  if (RECURRENT.has(layer.className)) return 2;
  if (layer.nested === undefined) return outputs.get(ref.layer);
  const output = layer.nested.outputs[ref.tensor];
  return output === undefined ? undefined : inferRanks(layer.nested).outputs.get(output.layer);
}

interface GraphRanks {
  readonly inputs: Ranks;
  readonly outputs: Ranks;
}

/** Graphs never change, and models within models are asked for again and again. */
const KNOWN = new WeakMap<ModelGraph, GraphRanks>();

/**
 * The rank of what goes into and comes out of each layer, as far as the classes tell. Layers stand in any order: a
 * layer is looked at again when one that it reads becomes known.
 */
export function inferRanks(graph: ModelGraph): GraphRanks {
  const known = KNOWN.get(graph) ?? walk(graph);
  KNOWN.set(graph, known);
  return known;
}

function walk(graph: ModelGraph): GraphRanks {
  const inputs: Ranks = new Map();
  const outputs: Ranks = new Map();
  const layers = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const known = (refs: readonly TensorRef[] = []) => refs.map((ref) => rankOf(ref, layers, outputs));
  const readers = new Map<string, GraphLayer[]>();
  for (const layer of graph.layers) {
    for (const ref of layer.inbound[0] ?? [])
      (readers.get(ref.layer) ?? readers.set(ref.layer, []).get(ref.layer)!).push(layer);
  }
  const queue = [...graph.layers];
  for (let layer = queue.pop(); layer !== undefined; layer = queue.pop()) {
    if (outputs.has(layer.name)) continue;
    const rank = outputRank(layer, known(layer.inbound[0]));
    if (rank === undefined) continue;
    outputs.set(layer.name, rank);
    queue.push(...(readers.get(layer.name) ?? []));
  }
  for (const layer of graph.layers) {
    const [input] = known(layer.inbound[0]);
    if (input !== undefined) inputs.set(layer.name, input);
  }
  return { inputs, outputs };
}
