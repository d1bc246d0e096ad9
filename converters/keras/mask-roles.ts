import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';

export const SEQUENCES = new Set(
  'RNN SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional'.split(' '),
);
/** Layers that take the mask of their one input, and end it or hand it on. */
export const TAKING = new Set([...SEQUENCES, 'GlobalAveragePooling1D', 'Softmax']);
export const OF_LIST = new Set(['Attention', 'AdditiveAttention']);
export const OF_HEADS = new Set(['MultiHeadAttention', 'GroupQueryAttention']);
/** What attention is called with, in the order in which it needs no names. */
export const ATTENTION_INPUTS: readonly string[] = ['query', 'value', 'key'];
export const MERGES = new Set('Add Subtract Multiply Average Maximum Minimum'.split(' '));
/** Layers that hand the mask of their input on. */
export const PASSING = new Set(
  (
    'Activation ActivityRegularization AdditiveAttention AlphaDropout Attention BatchNormalization Dense Dropout ELU ' +
    'GaussianDropout GaussianNoise GroupNormalization LayerNormalization LeakyReLU MultiHeadAttention PReLU ReLU ' +
    'Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D ThresholdedReLU TimeDistributed UnitNormalization'
  ).split(' '),
);

/** Layers that do so in Keras 3 only. */
export const PASSING_IN_KERAS3 = new Set('GroupQueryAttention Identity Normalization Rescaling'.split(' '));
/** Layers whose result depends on a mask. */
export const READING = new Set([...TAKING, 'TimeDistributed', ...OF_LIST, ...OF_HEADS]);

export const makesMask = ({ className, config }: GraphLayer) =>
  className === 'Masking' || (className === 'Embedding' && config.mask_zero === true);

export function returnsSequences({ className, config }: GraphLayer): boolean {
  const inner = config.layer;
  const own = className === 'Bidirectional' && isJsonObject(inner) ? inner.config : config;
  return isJsonObject(own) && own.return_sequences === true;
}

/** Models, and wrappers of layers that take masks: what they would do with one is not known here. */
export function takesWithin(layer: GraphLayer): boolean {
  if (layer.nested !== undefined) return true;
  const inner = layer.config.layer;
  if (!isJsonObject(inner)) return false;
  const className = stringOf(inner.class_name) ?? '';
  const model = isJsonObject(inner.config) && Array.isArray(inner.config.layers);
  return model || TAKING.has(className) || OF_LIST.has(className) || OF_HEADS.has(className);
}

export const keyOf = (layer: string, node: number) => JSON.stringify([layer, node]);

/** Calls of layers in an order in which each comes after those whose outputs it takes. */
export function callsInOrder(graph: ModelGraph): { layer: GraphLayer; node: number }[] {
  const byName = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const done = new Set<string>();
  const order: { layer: GraphLayer; node: number }[] = [];
  for (const start of graph.layers) {
    const stack = start.inbound.map((_, node) => ({ layer: start, node })).reverse();
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { layer, node } = top;
      const missing = (layer.inbound[node] ?? []).filter((ref) => {
        const source = byName.get(ref.layer);
        return source?.inbound[ref.node] !== undefined && !done.has(keyOf(ref.layer, ref.node));
      });
      if (!done.has(keyOf(layer.name, node)) && missing.length > 0) {
        stack.push(...missing.map((ref) => ({ layer: byName.get(ref.layer)!, node: ref.node })));
        continue;
      }
      stack.pop();
      if (done.has(keyOf(layer.name, node))) continue;
      done.add(keyOf(layer.name, node));
      order.push({ layer, node });
    }
  }
  return order;
}

/**
 * Whether tfjs, with the layers of this package, hands the masks of a graph on as Keras does: each goes from the layer
 * that makes it through layers of one input to a recurrent layer or a pooling, and there are no others of these.
 */
export function tfjsHandsOn(graph: ModelGraph): boolean {
  const masked = new Set<string>();
  const reaches = (ref: TensorRef | undefined) =>
    ref !== undefined && ref.tensor === 0 && masked.has(keyOf(ref.layer, ref.node));
  return callsInOrder(graph).every(({ layer, node }) => {
    const refs = layer.inbound[node]!;
    const { className, config } = layer;
    if (layer.nested !== undefined) return !takesOrMakes(layer.nested) && !refs.some(reaches);
    if (makesMask(layer)) {
      masked.add(keyOf(layer.name, node));
      return refs.length === 1 && !refs.some(reaches);
    }
    const first = reaches(refs[0]);
    const sequence = SEQUENCES.has(className);
    if (sequence && (!first || refs.length > 1 || className.startsWith('ConvLSTM'))) return false;
    if (className === 'Bidirectional' && returnsSequences(layer)) return false;
    if (className === 'Softmax' && !first) return false;
    if (takesWithin({ ...layer, config: sequence ? {} : config })) return false;
    if (refs.some(reaches) && (refs.length > 1 || OF_LIST.has(className) || OF_HEADS.has(className)))
      return false;
    if (first && (sequence ? returnsSequences(layer) : PASSING.has(className)))
      masked.add(keyOf(layer.name, node));
    return true;
  });
}

const takesOrMakes = (graph: ModelGraph): boolean =>
  graph.layers.some(
    (layer) =>
      makesMask(layer) ||
      TAKING.has(layer.className) ||
      OF_LIST.has(layer.className) ||
      OF_HEADS.has(layer.className) ||
      takesWithin({ ...layer, nested: undefined }) ||
      (layer.nested !== undefined && takesOrMakes(layer.nested)),
  );

export const hasMasks = (graph: Pick<ModelGraph, 'layers'>): boolean =>
  graph.layers.some((layer) => makesMask(layer) || (layer.nested !== undefined && hasMasks(layer.nested)));
