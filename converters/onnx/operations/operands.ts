import type { JsonValue } from '../../../src/base/types.ts';
import type { Operand } from '../../keras/operation-list.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Shape, Value, ValueType } from '../value.ts';
import { channelsFirstValue, plainValue, valueType } from '../value.ts';

/** A constant operand; its type is that of the tensors that it meets. */
interface Constant {
  readonly numbers: readonly number[];
  readonly shape: readonly number[];
  readonly isWhole: boolean;
  readonly isBoolean: boolean;
}

/** What an operation works on: a tensor of the model or numbers of its config. */
export type Argument = { readonly value: Value } | { readonly constant: Constant };

export function argumentOf(call: LayerCall, operand: Operand): Argument {
  if (!('tensor' in operand)) return { constant: constantOf(call, operand.value) };
  const value = call.inputs[operand.tensor];
  if (value !== undefined) return { value };
  throw unsupportedLayer(
    call.layer,
    `it has ${call.inputs.length} inputs and reads number ${operand.tensor + 1}`,
  );
}

function constantOf(call: LayerCall, value: JsonValue): Constant {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0] as JsonValue) shape.push(inner.length);
  const numbers: (number | boolean)[] = [];
  const walk = (item: JsonValue, depth: number): void => {
    if (Array.isArray(item) && item.length === shape[depth]) for (const inner of item) walk(inner, depth + 1);
    else if ((typeof item === 'number' || typeof item === 'boolean') && depth === shape.length)
      numbers.push(item);
    else throw unsupportedLayer(call.layer, 'a constant operand is not numbers in lists of one length');
  };
  walk(value, 0);
  return {
    numbers: numbers.map(Number),
    shape,
    isWhole: numbers.every((item) => Number.isInteger(Number(item)) && Math.abs(Number(item)) < 2 ** 31),
    isBoolean: numbers.every((item) => typeof item === 'boolean'),
  };
}

export function shapeOfArgument(argument: Argument): Shape {
  return 'value' in argument ? argument.value.shape : argument.constant.shape;
}

/** float32 unless all operands are integers, or truth values, which count as 0 and 1. */
export function commonType(all: readonly Argument[]): 'float32' | 'int32' {
  const integers = all.every((argument) =>
    'value' in argument ? valueType(argument.value) !== 'float32' : argument.constant.isWhole,
  );
  return integers ? 'int32' : 'float32';
}

/** The name of an operand of a type, in Keras's order of axes. */
export function plainName(call: LayerCall, argument: Argument, type: ValueType): string {
  const { builder } = call;
  if ('value' in argument) return builder.plain(builder.castValue(argument.value, type));
  const { numbers, shape } = argument.constant;
  if (type === 'float32') return builder.floats(numbers, shape);
  const integers = builder.int32s(numbers, shape);
  return type === 'int32' ? integers : builder.cast(integers, 'bool');
}

/** As numpy does: shapes are aligned at their ends, and a size of 1 fits every other. */
export function broadcastShape(call: LayerCall, shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes
      .map((shape) => shape[axis - rank + shape.length])
      .filter((size) => size !== undefined);
    const known = [...new Set(sizes.filter((size) => size !== null && size !== 1))];
    if (known.length > 1)
      throw unsupportedLayer(call.layer, `its inputs have ${known.join(' and ')} elements`);
    return known[0] ?? (sizes.includes(null) ? null : 1);
  });
}

/**
 * Element by element over operands of one type, in the layout that most of a network around it has: with channels first
 * where all tensors have one rank and one of them was made so, and all constants are single numbers.
 */
export function elementByElement(
  call: LayerCall,
  all: readonly Argument[],
  type: ValueType,
  outputType: ValueType,
  combine: (names: string[]) => string,
): Value {
  const { builder } = call;
  const shape = broadcastShape(call, all.map(shapeOfArgument));
  const values = all.flatMap((argument) => ('value' in argument ? [argument.value] : []));
  const turned =
    values.some((value) => value.born === 'channelsFirst') &&
    values.every((value) => value.shape.length === shape.length) &&
    all.every((argument) => 'value' in argument || argument.constant.shape.length === 0);
  const names = all.map((argument) => {
    if (!turned || !('value' in argument)) return plainName(call, argument, type);
    return builder.channelsFirst(builder.castValue(argument.value, type));
  });
  const name = combine(names);
  return turned ? channelsFirstValue(name, shape, outputType) : plainValue(name, shape, outputType);
}

/** The single tensor of an operation with one operand. */
export function tensorOf(call: LayerCall, all: readonly Argument[]): Value {
  const [argument] = all;
  if (all.length === 1 && argument !== undefined && 'value' in argument) return argument.value;
  throw unsupportedLayer(call.layer, `it has ${all.length} operands and one tensor was expected`);
}
