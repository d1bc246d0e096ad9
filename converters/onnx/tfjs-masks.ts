import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import {
  callsInOrder,
  hasMasks,
  keyOf,
  makesMask,
  returnsSequences,
  SEQUENCES,
} from '../keras/mask-roles.ts';
import { kerasClass } from '../keras/own-layers.ts';
import { unsupportedLayer } from './emitter.ts';

/*
 * tfjs hands a mask on to whatever it runs next, whether that one's inputs have a mask or not, and other layers than
 * Keras's let masks through. What is written here is Keras's way; so masks are written where both are the same.
 */

/** Layers that let the mask of their one input through, in tfjs and as they are written. */
const PASSING = new Set(
  (
    'Activation AlphaDropout BatchNormalization Dense Dropout GaussianDropout GaussianNoise GroupNormalization ' +
    'KerasBatchNormalization KerasELU KerasLayerNormalization KerasLeakyReLU KerasReLU LayerNormalization PReLU ReLU ' +
    'SpatialDropout1D UnitNormalization'
  ).split(' '),
);
/** Layers that know no masks, in tfjs and as they are written. */
const ENDING = new Set(
  (
    'AveragePooling1D Conv1D CustomScaleLayer Flatten GlobalAveragePooling1D GlobalMaxPooling1D KerasConv1D MaxPooling1D ' +
    'Permute RepeatVector Reshape TensorOperation'
  ).split(' '),
);
/** What reads a mask, among layers that are not recurrent. */
const READING = new Set(['KerasGlobalAveragePooling1D', 'KerasSoftmax']);

const isSequence = ({ className }: GraphLayer) => SEQUENCES.has(kerasClass(className));

/** A model or a wrapper in which a layer may read masks, or make them. */
function hidesMasks(layer: GraphLayer): boolean {
  if (layer.nested !== undefined) {
    const { layers } = layer.nested;
    return layers.some((inner) => isSequence(inner) || READING.has(inner.className) || hidesMasks(inner));
  }
  if (isSequence(layer) || layer.className === 'MaskedLayer' || layer.className === 'InitialStates')
    return false;
  const text = JSON.stringify(layer.config.layer ?? null);
  const inside = [...text.matchAll(/"class_name":"(\w+)"/g)].map((match) => match[1] as string);
  return inside.some((name) => READING.has(name) || SEQUENCES.has(kerasClass(name)));
}

/** Why tfjs would do something else with the masks of this call; `undefined` where it would not. */
function problemOf(layer: GraphLayer, masked: readonly boolean[]): string | undefined {
  const { className } = layer;
  const [first = false] = masked;
  const any = masked.includes(true);
  if (makesMask(layer)) return any ? 'it makes a mask and is given one' : undefined;
  if (layer.nested !== undefined) {
    if (any) return 'a mask reaches the model';
    return hidesMasks(layer) ? 'tfjs hands the masks of other layers to it' : undefined;
  }
  if (isSequence(layer) || READING.has(className)) {
    if (!first) return 'tfjs hands the mask of another layer to it';
    if (masked.length > 1) return 'it has a mask and states to begin with';
    const zeros = kerasClass(className) === 'Bidirectional' && returnsSequences(layer);
    return zeros || className === 'ConvLSTM2D' ? 'tfjs computes masked steps otherwise' : undefined;
  }
  if (hidesMasks(layer)) return 'tfjs hands the masks of other layers to it';
  if (!any || ENDING.has(className)) return undefined;
  return PASSING.has(className) && masked.length === 1 ? undefined : 'a mask reaches it';
}

/**
 * Refuses a model of tfjs whose masks it hands on otherwise than they are written. Masks that are inputs of layers are
 * no matter of this.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER`
 */
export function refuseOtherMasks(graph: ModelGraph): void {
  if (!hasMasks(graph)) return;
  const masked = new Set<string>();
  const hasMask = (ref: TensorRef) => ref.tensor === 0 && masked.has(keyOf(ref.layer, ref.node));
  for (const { layer, node } of callsInOrder(graph)) {
    const given = layer.inbound[node]!.map(hasMask);
    const problem = problemOf(layer, given);
    if (problem !== undefined) throw unsupportedLayer(layer, problem);
    const passed = isSequence(layer) ? returnsSequences(layer) : PASSING.has(layer.className);
    if (makesMask(layer) || (given[0] === true && passed)) masked.add(keyOf(layer.name, node));
  }
  for (const { nested } of graph.layers) {
    if (nested === undefined) continue;
    // A mask would go on behind the model in one of the two.
    const out = nested.layers.find(makesMask);
    if (out !== undefined) throw unsupportedLayer(out, 'it makes a mask in a model within the model');
  }
}
