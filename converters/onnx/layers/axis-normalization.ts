import { mapValue } from '../activations.ts';
import { axesOf, countOf, flagOf, numberOf, rangeOf } from '../config.ts';
import type { CheckedWeight, LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf, refuseInTfjs, unsupportedLayer } from '../emitter.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Value } from '../value.ts';
import { bornAxis, plainValue } from '../value.ts';

interface Parameters {
  readonly gamma?: CheckedWeight;
  readonly beta?: CheckedWeight;
}

/** `gamma` if the layer scales, and behind it `beta` if it centers. */
function parametersOf(call: LayerCall, dims: readonly (number | null)[]): Parameters {
  const scales = flagOf(call.config, 'scale', true);
  const gamma = scales ? checkedWeight(call, 0, 'gamma', dims) : undefined;
  const centers = flagOf(call.config, 'center', true);
  return { gamma, beta: centers ? checkedWeight(call, scales ? 1 : 0, 'beta', dims) : undefined };
}

function sizesAt(call: LayerCall, value: Value, axes: readonly number[]): number[] {
  return axes.map((axis) => {
    const size = value.shape[axis];
    if (size == null) throw unsupportedLayer(call.layer, 'the size of its normalized axes is not known');
    return size;
  });
}

const reduced = (builder: GraphBuilder, opType: string, x: string, axes: readonly number[]) =>
  builder.node(opType, [x], { axes: { ints: axes }, keepdims: { i: 1 } });

/** `x * rsqrt(mean(x²) + epsilon)` over the axes. */
function byRootMeanSquare(
  builder: GraphBuilder,
  x: string,
  spread: string,
  axes: readonly number[],
  epsilon: number,
): string {
  const mean = reduced(builder, 'ReduceMean', builder.node('Mul', [spread, spread]), axes);
  return builder.node('Div', [
    x,
    builder.node('Sqrt', [builder.node('Add', [mean, builder.scalar(epsilon)])]),
  ]);
}

/** Gamma and beta, whose axes are some of the input's in Keras's order, for `x` in its born layout. */
function scaled(
  call: LayerCall,
  input: Value,
  x: string,
  axes: readonly number[],
  { gamma, beta }: Parameters,
): string {
  const { builder } = call;
  const positions = axes.map((axis) => bornAxis(input, axis));
  const dims = input.shape.map(() => 1);
  positions.forEach((position, index) => (dims[position] = input.shape[axes[index] as number] as number));
  const constant = (role: string, weight: CheckedWeight) =>
    builder.weights(`${call.weightKey}:${dims.join('x')}:${role}`, dims, weight.tensor);
  const product = gamma === undefined ? x : builder.node('Mul', [x, constant('gamma', gamma)]);
  return beta === undefined ? product : builder.node('Add', [product, constant('beta', beta)]);
}

/** The input in a layout in which numbers along several axes keep Keras's order. */
function inKerasOrder(call: LayerCall, input: Value, axes: readonly number[]): Value {
  if (input.born === 'plain' || axes.length === 1) return input;
  return plainValue(call.builder.plain(input), input.shape);
}

function layerNormalization(call: LayerCall): Value {
  const input = inputOf(call);
  const rank = input.shape.length;
  const axes = axesOf(call, rank);
  const dims = sizesAt(call, input, axes);
  const epsilon = numberOf(call.config, 'epsilon', 1e-3);
  if (flagOf(call.config, 'rms_scaling', false)) {
    // Keras divides by the deviation from the mean, and takes no mean off; it has a gamma only.
    const gamma = checkedWeight(call, 0, 'gamma', dims);
    return overAxes(call, input, axes, epsilon, { gamma }, 'deviation');
  }
  const parameters = parametersOf(call, dims);
  const first = axes[0] as number;
  const last = axes.length === rank - first && axes.every((axis, index) => axis === first + index);
  if (!last) refuseInTfjs(call);
  if (!last || first === 0) return overAxes(call, input, axes, epsilon, parameters, 'centered');
  return fused(call, input, first, dims, epsilon, parameters);
}

/** ONNX's own operator, which normalizes the last axes. */
function fused(
  call: LayerCall,
  input: Value,
  first: number,
  dims: readonly number[],
  epsilon: number,
  { gamma, beta }: Parameters,
): Value {
  const { builder } = call;
  const length = dims.reduce((product, size) => product * size, 1);
  const ones = () => new Float32Array(length).fill(1);
  const scale = builder.weights(`${call.weightKey}:gamma`, dims, gamma?.tensor ?? ones);
  const inputs = [builder.plain(input), scale];
  if (beta !== undefined) inputs.push(builder.weights(`${call.weightKey}:beta`, dims, beta.tensor));
  const name = builder.node('LayerNormalization', inputs, { axis: { i: first }, epsilon: { f: epsilon } });
  if (input.born === 'plain' || first !== 3) return plainValue(name, input.shape);
  // Back to NCHW at once: a block of ConvNeXt takes 9 to 22 % less time when its dense layers are 1x1 convolutions.
  const channelsFirst = builder.node('Transpose', [name], { perm: { ints: [0, 3, 1, 2] } });
  return { shape: input.shape, born: 'channelsFirst', forms: { plain: name, channelsFirst } };
}

/** `plain` divides by the root of the mean square; `deviation` by that of the centered values; `centered` centers too. */
function overAxes(
  call: LayerCall,
  given: Value,
  axes: readonly number[],
  epsilon: number,
  parameters: Parameters,
  mode: 'plain' | 'deviation' | 'centered',
): Value {
  const { builder } = call;
  const input = inKerasOrder(call, given, axes);
  const positions = axes.map((axis) => bornAxis(input, axis));
  return mapValue(input, (x) => {
    const spread =
      mode === 'plain' ? x : builder.node('Sub', [x, reduced(builder, 'ReduceMean', x, positions)]);
    const y = byRootMeanSquare(builder, mode === 'centered' ? spread : x, spread, positions, epsilon);
    return scaled(call, input, y, axes, parameters);
  });
}

function rmsNormalization(call: LayerCall): Value {
  const input = inputOf(call);
  const axes = axesOf(call, input.shape.length);
  // Keras's scale has the axes' sizes, and is broadcast from the last axis on.
  const last = input.shape.length - axes.length;
  if (axes.some((axis, index) => axis !== last + index)) {
    throw unsupportedLayer(call.layer, `its axis is ${JSON.stringify(call.config.axis)}, not the last ones`);
  }
  const gamma = checkedWeight(call, 0, 'scale', sizesAt(call, input, axes));
  return overAxes(call, input, axes, numberOf(call.config, 'epsilon', 1e-6), { gamma }, 'plain');
}

/** `x * rsqrt(sum(x²))`, and zeros stay zeros. */
function unitNormalization(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const positions = axesOf(call, input.shape.length).map((axis) => bornAxis(input, axis));
  return mapValue(input, (x) => {
    const norm = reduced(builder, 'ReduceL2', x, positions);
    return builder.node('Div', [x, builder.node('Max', [norm, builder.scalar(1e-12)])]);
  });
}

/** Each group of channels is normalized together with all that is not the batch. */
function groupNormalization(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const rank = input.shape.length;
  const [axis, ...more] = axesOf(call, rank) as [number, ...number[]];
  const channels = sizesAt(call, input, [axis])[0] as number;
  const groups = call.config.groups === -1 ? channels : countOf(call, 'groups', 32);
  if (axis === 0 || more.length > 0 || channels % groups !== 0) {
    throw unsupportedLayer(call.layer, `its axis is ${axis} with ${channels} channels in ${groups} groups`);
  }
  const parameters = parametersOf(call, [channels]);
  const each = rangeOf(call.layer, groups);
  const parts = [builder.floats(each.map(() => 1)), builder.floats(each.map(() => 0))];
  const epsilon = { epsilon: { f: numberOf(call.config, 'epsilon', 1e-3) } };
  const normalized = (x: string): string => {
    const grouped = builder.reshape(x, [0, groups, -1]);
    const result = builder.node('InstanceNormalization', [grouped, ...parts], epsilon);
    return builder.node('Reshape', [result, builder.node('Shape', [x])]);
  };
  if (axis === rank - 1 && rank > 2) {
    const name = normalized(builder.channelsFirst(input));
    const value: Value = { shape: input.shape, born: 'channelsFirst', forms: { channelsFirst: name } };
    return mapValue(value, (x) => scaled(call, value, x, [axis], parameters));
  }
  const plain = plainValue(builder.plain(input), input.shape);
  const order = [0, axis, ...input.shape.map((_, index) => index).filter((i) => i !== 0 && i !== axis)];
  const back = input.shape.map((_, index) => order.indexOf(index));
  return mapValue(plain, (x) => {
    const name = builder.transpose(normalized(builder.transpose(x, order)), back);
    return scaled(call, plain, name, [axis], parameters);
  });
}

export const axisNormalizationEmitters: Readonly<Record<string, LayerEmitter>> = {
  LayerNormalization: { emit: layerNormalization },
  RMSNormalization: { emit: rmsNormalization },
  UnitNormalization: { emit: unitNormalization },
  GroupNormalization: { emit: groupNormalization },
};
