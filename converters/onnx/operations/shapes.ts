import type { JsonValue } from '../../../src/base/types.ts';
import { countOf, numberOf, rangeOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Shape, Value } from '../value.ts';
import { plainValue, valueType } from '../value.ts';
import type { Operation } from './elementwise.ts';
import type { Argument } from './operands.ts';
import { commonType, plainName, shapeOfArgument, tensorOf } from './operands.ts';
import { operationAxes } from './reductions.ts';

/** A list of integers in the operation's config. */
function integersOf(call: LayerCall, key: string): number[] {
  const value = call.config[key];
  if (Array.isArray(value) && value.every((item) => Number.isInteger(item))) return value as number[];
  throw unsupportedLayer(call.layer, `its ${key} is ${JSON.stringify(value ?? null)}`);
}

/** A value of the same type in Keras's order of axes. */
const like = (input: Value, name: string, shape: Shape): Value => plainValue(name, shape, valueType(input));

function reshape(call: LayerCall, all: readonly Argument[]): Value {
  const input = tensorOf(call, all);
  const target = integersOf(call, 'shape');
  const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (target.filter((size) => size === -1).length > 1 || known === 0) {
    throw unsupportedLayer(call.layer, `its shape is ${JSON.stringify(target)}`);
  }
  const elements = input.shape.reduce<number | null>(
    (product, size) => (product === null || size === null ? null : product * size),
    1,
  );
  const shape = target.map((size) => (size === -1 ? (elements === null ? null : elements / known) : size));
  return like(input, call.builder.reshape(call.builder.plain(input), target), shape);
}

function transpose(call: LayerCall, all: readonly Argument[]): Value {
  const input = tensorOf(call, all);
  const rank = input.shape.length;
  const reversed = Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const order = call.config.axes == null ? reversed : operationAxes(call, rank, 'axes');
  const shape = order.map((axis) => input.shape[axis] as number | null);
  return like(input, call.builder.transpose(call.builder.plain(input), order), shape);
}

function expandDims(call: LayerCall, all: readonly Argument[]): Value {
  const input = tensorOf(call, all);
  const { axis } = call.config;
  const count = Array.isArray(axis) ? axis.length : 1;
  const rank = input.shape.length + count;
  const axes = operationAxes(call, rank);
  const rest = [...input.shape];
  const shape = Array.from({ length: rank }, (_, index) =>
    axes.includes(index) ? 1 : (rest.shift() as number | null),
  );
  const name = call.builder.node('Unsqueeze', [call.builder.plain(input), call.builder.integers(axes)]);
  return like(input, name, shape);
}

function squeeze(call: LayerCall, all: readonly Argument[]): Value {
  const input = tensorOf(call, all);
  const ones = input.shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  const axes = call.config.axis == null ? ones : operationAxes(call, input.shape.length);
  if (axes.length === 0) return input;
  const name = call.builder.node('Squeeze', [call.builder.plain(input), call.builder.integers(axes)]);
  return like(
    input,
    name,
    input.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

function concatenate(call: LayerCall, all: readonly Argument[]): Value {
  const type = commonType(all);
  const shapes = all.map(shapeOfArgument);
  const [first] = shapes as [Shape, ...Shape[]];
  const [axis] = operationAxes(call, first.length) as [number];
  const sizes = shapes.map((shape) => shape[axis] ?? null);
  const total = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0);
  const names = all.map((argument) => plainName(call, argument, type));
  const name = call.builder.node('Concat', names, { axis: { i: axis } });
  return plainValue(
    name,
    first.map((size, index) => (index === axis ? total : size)),
    type,
  );
}

function stack(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const type = commonType(all);
  const [first] = all.map(shapeOfArgument) as [Shape, ...Shape[]];
  const [axis] = operationAxes(call, first.length + 1) as [number];
  const names = all.map((argument) =>
    builder.node('Unsqueeze', [plainName(call, argument, type), builder.integers([axis])]),
  );
  const name = builder.node('Concat', names, { axis: { i: axis } });
  return plainValue(name, first.toSpliced(axis, 0, all.length), type);
}

function split(call: LayerCall, all: readonly Argument[]): Value[] {
  const { builder } = call;
  const input = tensorOf(call, all);
  const [axis] = operationAxes(call, input.shape.length) as [number];
  const size = input.shape[axis];
  if (size == null) throw unsupportedLayer(call.layer, 'the size of the axis that it splits is not known');
  const { sections } = call.config;
  const parts: number[] = [];
  if (typeof sections === 'number') {
    if (size % sections !== 0) throw unsupportedLayer(call.layer, `it splits ${size} into ${sections}`);
    for (let index = 0; index < sections; index++) parts.push(size / sections);
  } else {
    const ends = [...integersOf(call, 'indices').map((at) => (at < 0 ? at + size : at)), size];
    ends.forEach((end, index) => parts.push(end - (ends[index - 1] ?? 0)));
    if (parts.some((part) => part < 0)) throw unsupportedLayer(call.layer, 'its indices do not ascend');
  }
  const names = builder.nodes('Split', [builder.plain(input), builder.integers(parts)], parts.length, {
    axis: { i: axis },
  });
  return names.map((name, index) => like(input, name, input.shape.with(axis, parts[index] as number)));
}

function take(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const [from, at] = all;
  if (from === undefined || at === undefined) throw unsupportedLayer(call.layer, 'it has no indices');
  const type = 'value' in from ? valueType(from.value) : commonType([from]);
  const shape = shapeOfArgument(from);
  const [axis] = operationAxes(call, shape.length) as [number];
  const names = [plainName(call, from, type), plainName(call, at, 'int32')];
  const name = builder.node('Gather', names, { axis: { i: axis } });
  return plainValue(name, [...shape.slice(0, axis), ...shapeOfArgument(at), ...shape.slice(axis + 1)], type);
}

function tile(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const input = tensorOf(call, all);
  const given = integersOf(call, 'repeats');
  const rank = Math.max(given.length, input.shape.length);
  const ones = (count: number) => Array<number>(count).fill(1);
  const repeats = [...ones(rank - given.length), ...given];
  const missing = rank - input.shape.length;
  const shape = [...ones(missing), ...input.shape];
  const leading = builder.integers(ones(missing).map((_, axis) => axis));
  const x = missing === 0 ? builder.plain(input) : builder.node('Unsqueeze', [builder.plain(input), leading]);
  return like(
    input,
    builder.node('Tile', [x, builder.integers(repeats)]),
    shape.map((size, axis) => (size === null ? null : size * (repeats[axis] as number))),
  );
}

/** Takes elements of one axis by their places, which are known when the size is. */
function gathered(call: LayerCall, input: Value, axis: number, places: (size: number) => number[]): Value {
  const size = input.shape[axis];
  if (size == null) throw unsupportedLayer(call.layer, `the size of axis ${axis} is not known`);
  const indices = places(size);
  const name = call.builder.node('Gather', [call.builder.plain(input), call.builder.integers(indices)], {
    axis: { i: axis },
  });
  return like(input, name, input.shape.with(axis, indices.length));
}

function repeat(call: LayerCall, all: readonly Argument[]): Value {
  const input = tensorOf(call, all);
  const [axis] = operationAxes(call, input.shape.length) as [number];
  const count = countOf(call, 'repeats');
  return gathered(call, input, axis, (size) =>
    rangeOf(call.layer, size * count).map((index) => Math.floor(index / count)),
  );
}

function flip(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const input = tensorOf(call, all);
  const axes = operationAxes(call, input.shape.length);
  const name = builder.node('Slice', [
    builder.plain(input),
    builder.integers(axes.map(() => -1)),
    builder.integers(axes.map(() => Number.MIN_SAFE_INTEGER)),
    builder.integers(axes),
    builder.integers(axes.map(() => -1)),
  ]);
  return like(input, name, input.shape);
}

function pad(call: LayerCall, all: readonly Argument[]): Value {
  const { builder, config } = call;
  const input = tensorOf(call, all);
  const pairs = (Array.isArray(config.pad_width) ? config.pad_width : []).map((pair: JsonValue) => {
    const [before, behind] = Array.isArray(pair) ? pair : [];
    if (typeof before === 'number' && typeof behind === 'number') return [before, behind] as const;
    throw unsupportedLayer(call.layer, `its pad_width is ${JSON.stringify(config.pad_width)}`);
  });
  if (pairs.length !== input.shape.length) {
    throw unsupportedLayer(call.layer, `its pad_width is ${JSON.stringify(config.pad_width ?? null)}`);
  }
  if (config.mode === 'symmetric') {
    return pairs.reduce<Value>((value, [before, behind], axis) => {
      if (before === 0 && behind === 0) return value;
      return gathered(call, value, axis, (size) =>
        rangeOf(call.layer, before + size + behind).map((index) => {
          const place = index - before;
          if (place < 0) return -place - 1;
          return place < size ? place : 2 * size - 1 - place;
        }),
      );
    }, input);
  }
  const type = valueType(input);
  const whole = numberOf(config, 'constant_values', 0);
  const fill = type === 'int32' ? builder.int32s([whole], []) : builder.scalar(whole);
  const constant = (config.mode ?? 'constant') === 'constant';
  const flat = builder.integers([...pairs.map(([before]) => before), ...pairs.map(([, behind]) => behind)]);
  const name = builder.node('Pad', [builder.plain(input), flat, ...(constant ? [fill] : [])], {
    mode: { s: constant ? 'constant' : 'reflect' },
  });
  return like(
    input,
    name,
    input.shape.map((size, axis) => {
      const [before, behind] = pairs[axis] as readonly [number, number];
      return size === null ? null : size + before + behind;
    }),
  );
}

function oneHot(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const input = builder.castValue(tensorOf(call, all), 'int32');
  const classes = countOf(call, 'num_classes');
  const x = builder.node('Unsqueeze', [builder.plain(input), builder.integers([-1])]);
  const range = builder.int32s(rangeOf(call.layer, classes));
  const hot = builder.cast(builder.node('Equal', [x, range]), 'float32');
  return plainValue(hot, [...input.shape, classes]);
}

export const shapeOperations: Readonly<Record<string, Operation>> = {
  reshape,
  transpose,
  expand_dims: expandDims,
  squeeze,
  concatenate,
  stack,
  split,
  take,
  tile,
  repeat,
  flip,
  pad,
  one_hot: oneHot,
};
