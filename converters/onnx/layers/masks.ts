import type { JsonValue } from '../../../src/base/types.ts';
import type { GraphLayer } from '../../graph.ts';
import { isJsonObject } from '../../json.ts';
import { numberOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer, wrappedLayer } from '../emitter.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Value } from '../value.ts';
import { plainValue, valueType } from '../value.ts';

/** What gives out the mask of its first input (`supports_masking` without a `compute_mask` of its own). */
const PASSING = new Set(
  (
    'Activation ActivityRegularization AlphaDropout BatchNormalization Dense Dropout ELU GaussianDropout ' +
    'GaussianNoise GroupNormalization LayerNormalization LeakyReLU PReLU ReLU SpatialDropout1D ' +
    'SpatialDropout2D SpatialDropout3D ThresholdedReLU UnitNormalization'
  ).split(' '),
);
const MERGING = new Set('Add Average Maximum Minimum Multiply Subtract'.split(' '));
/** Of all outputs only the first has the mask of the first input. */
const ATTENTION = new Set('AdditiveAttention Attention MultiHeadAttention'.split(' '));
const RECURRENT = new Set('ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU LSTM RNN SimpleRNN'.split(' '));
/** Their emitters say what is masked. */
const OWN = new Set(['Masking', 'TimeDistributed']);

/** The value with the mask that Keras gives output `index` of this call; called after every emitter. */
export function maskAfter(call: LayerCall, value: Value, index: number): Value {
  const mask = outputMask(call, value, index);
  return value.mask === mask ? value : { ...value, mask };
}

/** The value behind a layer that was folded into another one. */
export function behindFolded({ className }: GraphLayer, value: Value): Value {
  return value.mask === undefined || PASSING.has(className) ? value : { ...value, mask: undefined };
}

function outputMask(call: LayerCall, value: Value, index: number): Value | undefined {
  const { className } = call.layer;
  const first = call.inputs[0]?.mask;
  if (OWN.has(className)) return value.mask;
  if (PASSING.has(className)) return first;
  if (MERGING.has(className)) return mergedMask(call);
  if (className === 'Concatenate') return concatenatedMask(call, value);
  if (className === 'Embedding') return call.config.mask_zero === true ? nonZero(call) : undefined;
  if (ATTENTION.has(className)) return index === 0 ? first : undefined;
  if (RECURRENT.has(className)) {
    return index === 0 && call.config.return_sequences === true ? first : undefined;
  }
  if (className === 'Bidirectional') {
    const sequences = index === 0 || (index === 1 && call.config.merge_mode === null);
    return sequences && returnsSequences(call.config.layer) ? first : undefined;
  }
  if (className === 'Softmax' && first !== undefined) {
    throw unsupportedLayer(call.layer, 'its input is masked');
  }
  return undefined;
}

function returnsSequences(layer: JsonValue | undefined): boolean {
  return isJsonObject(layer) && isJsonObject(layer.config) && layer.config.return_sequences === true;
}

function nonZero({ builder, inputs }: LayerCall): Value | undefined {
  const [indices] = inputs;
  if (indices === undefined) return undefined;
  const zero = valueType(indices) === 'int32' ? builder.int32s([0], []) : builder.scalar(0);
  const isZero = builder.node('Equal', [builder.plain(indices), zero]);
  return plainValue(builder.node('Not', [isZero]), indices.shape, 'bool');
}

/** Steps count that count in all inputs which have a mask. */
function mergedMask({ builder, inputs }: LayerCall): Value | undefined {
  const masks = inputs.flatMap(({ mask }) => (mask === undefined ? [] : [mask]));
  return masks.length === 0 ? undefined : masks.reduce((a, b) => bothMasks(builder, a, b));
}

/** True where both are. */
function bothMasks(builder: GraphBuilder, a: Value, b: Value): Value {
  if (a === b) return a;
  const name = builder.node('And', [builder.plain(a), builder.plain(b)]);
  return plainValue(
    name,
    a.shape.map((size, axis) => (size === 1 || size === null ? (b.shape[axis] ?? size) : size)),
    'bool',
  );
}

/** The masks side by side along the layer's axis, as far as that is not the last axis; a step counts if all of it does. */
function concatenatedMask(call: LayerCall, value: Value): Value | undefined {
  const { builder, inputs } = call;
  if (inputs.every(({ mask }) => mask === undefined)) return undefined;
  const rank = value.shape.length;
  const given = numberOf(call.config, 'axis', -1);
  const axis = given < 0 ? given + rank : given;
  if (inputs.some(({ mask }) => mask !== undefined && mask.shape.length !== rank - 1)) {
    throw unsupportedLayer(call.layer, 'its inputs have masks of another number of axes');
  }
  const all = (input: Value) => {
    // As many elements along each axis but the last as the input has.
    const shape = builder.node('Slice', [
      builder.node('Shape', [builder.plain(input)]),
      builder.integers([0]),
      builder.integers([-1]),
    ]);
    const zeros = builder.node('ConstantOfShape', [shape]);
    return builder.node('Equal', [zeros, builder.scalar(0)]);
  };
  if (axis === rank - 1) return mergedMask(call);
  const names = inputs.map((input) => (input.mask === undefined ? all(input) : builder.plain(input.mask)));
  return plainValue(builder.node('Concat', names, { axis: { i: axis } }), value.shape.slice(0, -1), 'bool');
}

/** What is masked becomes zero, and where `marks` is true it is marked as masked for the layers behind. */
function masking(call: LayerCall, marks: boolean): Value {
  const { builder } = call;
  const input = inputOf(call);
  const x = builder.plain(input);
  const given = call.config.mask_value ?? 0;
  if (typeof given !== 'number') {
    throw unsupportedLayer(call.layer, `its mask_value is ${JSON.stringify(given)}`);
  }
  const equal = builder.cast(builder.node('Equal', [x, builder.scalar(given)]), 'float32');
  const allEqual = builder.node('ReduceMin', [equal], { axes: { ints: [-1] }, keepdims: { i: 1 } });
  const counts = builder.node('Less', [allEqual, builder.scalar(0.5)]);
  const output = plainValue(builder.node('Where', [counts, x, builder.scalar(0)]), input.shape);
  if (!marks) return output;
  const mask = builder.node('Squeeze', [counts, builder.integers([-1])]);
  return { ...output, mask: plainValue(mask, input.shape.slice(0, -1), 'bool') };
}

/** This package's layer for tfjs: its second input is the mask of the layer inside, and none goes on. */
function masked(call: LayerCall): readonly Value[] {
  const { layer } = call;
  const [x, mask, ...states] = call.inputs;
  if (x === undefined || mask === undefined) throw unsupportedLayer(layer, 'it has no mask');
  if (states.length > 0) {
    // tfjs gives the state for a masked step, Keras what was last given out: at the start these are two things.
    throw unsupportedLayer(layer, 'it has a mask and states to begin with');
  }
  const given = { ...x, mask: call.builder.castValue(mask, 'bool') };
  return call.inner({ ...wrappedLayer(call), name: layer.name, inbound: [] }, [given], call.weights);
}

/** This package's layer for tfjs, which reads no masks. */
function started(call: LayerCall): readonly Value[] {
  const inputs = call.inputs.map((input) => ({ ...input, mask: undefined }));
  return call.inner({ ...wrappedLayer(call), name: call.layer.name, inbound: [] }, inputs, call.weights);
}

export const maskEmitters: Readonly<Record<string, LayerEmitter>> = {
  Masking: { emit: (call) => masking(call, true) },
  KerasMasking: { emit: (call) => masking(call, false) },
  InitialStates: { emit: started },
  MaskedLayer: { emit: masked, takesIntegers: true },
};
