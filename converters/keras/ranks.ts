import type { JsonObject } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';

/** Ranks of outputs by layer, batch axis included; absent where it cannot be told. */
type Ranks = Map<string, number>;

const FLAT = new Set([
  'Flatten',
  'GlobalAveragePooling1D',
  'GlobalAveragePooling2D',
  'GlobalAveragePooling3D',
  'GlobalMaxPooling1D',
  'GlobalMaxPooling2D',
  'GlobalMaxPooling3D',
]);
const RECURRENT = new Set(['LSTM', 'GRU', 'SimpleRNN', 'Bidirectional']);

const length = (value: JsonObject[string] | undefined) => (Array.isArray(value) ? value.length : undefined);

function recurrentRank(config: JsonObject): number {
  const inner = config.layer;
  const own = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner.config : config;
  const sequences =
    typeof own === 'object' && own !== null && !Array.isArray(own) && own.return_sequences === true;
  return sequences ? 3 : 2;
}

function outputRank(layer: GraphLayer, input: number | undefined): number | undefined {
  const { className, config } = layer;
  if (className === 'InputLayer') return length(config.batch_input_shape);
  if (FLAT.has(className)) return config.keepdims === true ? input : 2;
  if (RECURRENT.has(className)) return recurrentRank(config);
  if (className === 'Reshape') {
    const target = length(config.target_shape);
    return target === undefined ? undefined : target + 1;
  }
  if (className === 'RepeatVector') return 3;
  if (className === 'Embedding') return input === undefined ? undefined : input + 1;
  if (/[a-z]1D(Transpose)?$/.test(className)) return 3;
  if (/[a-z]2D(Transpose)?$/.test(className) && className !== 'ConvLSTM2D') return 4;
  if (/[a-z]3D(Transpose)?$/.test(className)) return 5;
  if (layer.nested !== undefined) {
    const [output] = layer.nested.outputs;
    return output === undefined ? undefined : inferRanks(layer.nested).outputs.get(output.layer);
  }
  return className === 'ConvLSTM2D' || className === 'Dot' ? undefined : input;
}

/**
 * The rank of what goes into and comes out of each layer, as far as the classes tell. Layers stand in any order, so
 * that the walk goes on until nothing new is learned.
 */
export function inferRanks(graph: ModelGraph): { inputs: Ranks; outputs: Ranks } {
  const inputs: Ranks = new Map();
  const outputs: Ranks = new Map();
  const known = (ref: TensorRef | undefined) => (ref === undefined ? undefined : outputs.get(ref.layer));
  for (let grown = true; grown;) {
    grown = false;
    for (const layer of graph.layers) {
      if (outputs.has(layer.name)) continue;
      const input = known(layer.inbound[0]?.[0]);
      const rank = outputRank(layer, input);
      if (input !== undefined) inputs.set(layer.name, input);
      if (rank === undefined) continue;
      outputs.set(layer.name, rank);
      grown = true;
    }
  }
  for (const layer of graph.layers) {
    const input = known(layer.inbound[0]?.[0]);
    if (input !== undefined) inputs.set(layer.name, input);
  }
  return { inputs, outputs };
}
