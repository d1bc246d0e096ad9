import { customScaleAffine } from '../affine.ts';
import { numberOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import { broadcastShape } from '../operations/operands.ts';
import type { Value } from '../value.ts';
import { channelsFirstAxis, channelsFirstValue, plainValue } from '../value.ts';

/** Keras puts the missing axes of a smaller input behind its batch axis. */
function sameRank(call: LayerCall, inputs: readonly Value[]): Value[] {
  const rank = Math.max(...inputs.map((input) => input.shape.length));
  return inputs.map((input) => {
    const missing = rank - input.shape.length;
    if (missing === 0) return input;
    const axes = Array.from({ length: missing }, (_, index) => index + 1);
    const [batch = null, ...rest] = input.shape;
    const name = call.builder.node('Unsqueeze', [call.builder.plain(input), call.builder.integers(axes)]);
    return plainValue(name, [batch, ...axes.map(() => 1), ...rest]);
  });
}

function bringTogether(
  call: LayerCall,
  inputs: readonly Value[],
): { names: string[]; channelsFirst: boolean } {
  const channelsFirst = inputs.some((input) => input.born === 'channelsFirst');
  const names = inputs.map((input) =>
    channelsFirst ? call.builder.channelsFirst(input) : call.builder.plain(input),
  );
  return { names, channelsFirst };
}

function elementwise(combine: (call: LayerCall, names: string[]) => string): LayerEmitter {
  return {
    emit(call) {
      if (call.inputs.length < 2) throw unsupportedLayer(call.layer, 'it has fewer than 2 inputs');
      const inputs = sameRank(call, call.inputs);
      const shape = broadcastShape(
        call,
        inputs.map((input) => input.shape),
      );
      const { names, channelsFirst } = bringTogether(call, inputs);
      const name = combine(call, names);
      return channelsFirst ? channelsFirstValue(name, shape) : plainValue(name, shape);
    },
  };
}

/** A chain of two-operand nodes, which the runtime fuses into convolutions where it can. */
function chain(opType: string, call: LayerCall, names: readonly string[]): string {
  return names.reduce((left, right) => call.builder.node(opType, [left, right]));
}

function concatenate(call: LayerCall): Value {
  const { inputs } = call;
  const first = inputs[0];
  if (first === undefined) throw unsupportedLayer(call.layer, 'it has no inputs');
  const rank = first.shape.length;
  const given = numberOf(call.config, 'axis', -1);
  const axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis >= rank || inputs.some((input) => input.shape.length !== rank)) {
    throw unsupportedLayer(call.layer, `its axis is ${given} and its inputs have ${rank} axes`);
  }
  const sizes = inputs.map((input) => input.shape[axis] as number | null);
  const total = sizes.includes(null)
    ? null
    : sizes.reduce((sum, size) => (sum as number) + (size as number), 0);
  const shape = first.shape.map((size, index) => (index === axis ? total : size));
  const { names, channelsFirst } = bringTogether(call, inputs);
  const position = channelsFirst ? channelsFirstAxis(axis, rank) : axis;
  const name = call.builder.node('Concat', names, { axis: { i: position } });
  return channelsFirst ? channelsFirstValue(name, shape) : plainValue(name, shape);
}

/** `shortcut + residual * scale`, where the residual's producer may have scaled already. */
const customScale = elementwise((call, names) => {
  const [shortcut, residual] = names;
  if (names.length !== 2 || shortcut === undefined || residual === undefined) {
    throw unsupportedLayer(call.layer, `it has ${names.length} inputs`);
  }
  const scale = numberOf(call.config, 'scale', 1);
  const scaled =
    call.inputFolded === true || scale === 1
      ? residual
      : call.builder.node('Mul', [residual, call.builder.scalar(scale)]);
  return call.builder.node('Add', [shortcut, scaled]);
});

export const mergeEmitters: Readonly<Record<string, LayerEmitter>> = {
  Add: elementwise((call, names) => chain('Add', call, names)),
  Multiply: elementwise((call, names) => chain('Mul', call, names)),
  Subtract: elementwise((call, names) => {
    if (names.length !== 2) throw unsupportedLayer(call.layer, `it has ${names.length} inputs`);
    return call.builder.node('Sub', names);
  }),
  Average: elementwise((call, names) =>
    call.builder.node('Mul', [chain('Add', call, names), call.builder.scalar(1 / names.length)]),
  ),
  Maximum: elementwise((call, names) => call.builder.node('Max', names)),
  Minimum: elementwise((call, names) => call.builder.node('Min', names)),
  Concatenate: { emit: concatenate },
  CustomScaleLayer: {
    ...customScale,
    inputAffine: (source, index, shape, axis) =>
      index === 1 ? customScaleAffine(source, shape, axis) : undefined,
  },
};
