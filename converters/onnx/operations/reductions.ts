import { flagOf, numberOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Shape, Value } from '../value.ts';
import { bornAxis, bornForm, plainValue, valueType } from '../value.ts';
import type { Operation } from './elementwise.ts';
import type { Argument } from './operands.ts';
import { tensorOf } from './operands.ts';

/** `config.axis` counted from the front; all axes where it is null. */
export function operationAxes(call: LayerCall, rank: number, key = 'axis'): number[] {
  const value = call.config[key] ?? null;
  if (value === null) return Array.from({ length: rank }, (_, axis) => axis);
  return (Array.isArray(value) ? value : [value]).map((axis) => {
    if (typeof axis === 'number' && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
    throw unsupportedLayer(
      call.layer,
      `its ${key} is ${JSON.stringify(value)} and its input has ${rank} axes`,
    );
  });
}

function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  if (keepdims) return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Writes a reduction with its axes kept; the axes are those of the layout that `x` has. */
type Reduce = (builder: GraphBuilder, x: string, axes: readonly number[]) => string;

const reduction =
  (opType: string): Reduce =>
  (builder, x, axes) =>
    builder.node(opType, [x], { axes: { ints: axes }, keepdims: { i: 1 } });

const mean = reduction('ReduceMean');
const sum: Reduce = (builder, x, axes) =>
  builder.node('ReduceSum', [x, builder.integers(axes)], { keepdims: { i: 1 } });

const variance: Reduce = (builder, x, axes) => {
  const centered = builder.node('Sub', [x, mean(builder, x, axes)]);
  return mean(builder, builder.node('Mul', [centered, centered]), axes);
};

const deviation: Reduce = (builder, x, axes) => builder.node('Sqrt', [variance(builder, x, axes)]);

interface Reducer {
  readonly reduce: Reduce;
  /** `same`: integers stay integers; `logical`: truth values in and out; otherwise float32. */
  readonly type?: 'same' | 'logical';
}

const reducers: Readonly<Record<string, Reducer>> = {
  mean: { reduce: mean },
  sum: { reduce: sum, type: 'same' },
  prod: { reduce: reduction('ReduceProd'), type: 'same' },
  max: { reduce: reduction('ReduceMax'), type: 'same' },
  min: { reduce: reduction('ReduceMin'), type: 'same' },
  var: { reduce: variance },
  std: { reduce: deviation },
  logsumexp: { reduce: reduction('ReduceLogSumExp') },
  any: { reduce: reduction('ReduceMax'), type: 'logical' },
  all: { reduce: reduction('ReduceMin'), type: 'logical' },
};

/** In the layout that the tensor was born in; taking reduced axes away brings the others into Keras's order. */
function reduceOperation({ reduce, type }: Reducer): Operation {
  return (call, all) => {
    const { builder } = call;
    const given = tensorOf(call, all);
    const integers = type === 'same' && valueType(given) !== 'float32';
    const working = type === 'logical' || integers ? 'int32' : 'float32';
    const asBool = type === 'logical' ? builder.castValue(given, 'bool') : given;
    const input = builder.castValue(asBool, working);
    const axes = operationAxes(call, input.shape.length);
    if (axes.length === 0) return input;
    const keepdims = flagOf(call.config, 'keepdims', false);
    const positions = axes.map((axis) => bornAxis(input, axis));
    const kept = reduce(builder, bornForm(input), positions);
    const output = type === 'logical' ? 'bool' : working;
    const typed = type === 'logical' ? builder.cast(kept, 'bool') : kept;
    const shape = reducedShape(input.shape, axes, true);
    const value: Value = {
      ...plainValue(typed, shape, output),
      born: input.born,
      forms: { [input.born]: typed },
    };
    if (keepdims) return value;
    const name = builder.node('Squeeze', [builder.plain(value), builder.integers(axes)]);
    return plainValue(name, reducedShape(input.shape, axes, false), output);
  };
}

function indexOf(opType: 'ArgMax' | 'ArgMin'): Operation {
  return (call, all) => {
    const { builder } = call;
    const input = builder.castValue(tensorOf(call, all), 'float32');
    const rank = input.shape.length;
    const keepdims = flagOf(call.config, 'keepdims', false);
    const flat = call.config.axis == null;
    const x = flat ? builder.reshape(builder.plain(input), [-1]) : builder.plain(input);
    const axes = operationAxes(call, rank);
    const attributes = {
      axis: { i: flat ? 0 : (axes[0] as number) },
      keepdims: { i: keepdims && !flat ? 1 : 0 },
    };
    const index = builder.cast(builder.node(opType, [x], attributes), 'int32');
    const name = flat && keepdims ? builder.reshape(index, Array<number>(rank).fill(1)) : index;
    return plainValue(name, reducedShape(input.shape, axes, keepdims), 'int32');
  };
}

function cumsum(call: LayerCall, all: readonly Argument[]): Value {
  const { builder, config } = call;
  const input = tensorOf(call, all);
  const [axis] = operationAxes(call, input.shape.length) as [number];
  const typed = valueType(input) === 'bool' ? builder.castValue(input, 'int32') : input;
  const name = builder.node('CumSum', [builder.plain(typed), builder.integers([axis], [])], {
    exclusive: { i: flagOf(config, 'exclusive', false) ? 1 : 0 },
    reverse: { i: flagOf(config, 'reverse', false) ? 1 : 0 },
  });
  return plainValue(name, input.shape, valueType(typed));
}

function l2Normalize(call: LayerCall, all: readonly Argument[]): Value {
  const { builder } = call;
  const input = builder.castValue(tensorOf(call, all), 'float32');
  const axes = operationAxes(call, input.shape.length).map((axis) => bornAxis(input, axis));
  const x = bornForm(input);
  const squares = builder.node('ReduceSumSquare', [x], { axes: { ints: axes }, keepdims: { i: 1 } });
  const least = builder.scalar(numberOf(call.config, 'epsilon', 1e-12));
  const norm = builder.node('Sqrt', [builder.node('Max', [squares, least])]);
  return { ...input, forms: { [input.born]: builder.node('Div', [x, norm]) } };
}

/** Softmax and its logarithm along one axis. */
function along(opType: string): Operation {
  return (call, all) => {
    const input = call.builder.castValue(tensorOf(call, all), 'float32');
    const [axis] = operationAxes(call, input.shape.length) as [number];
    const attributes = { axis: { i: bornAxis(input, axis) } };
    const name = call.builder.node(opType, [bornForm(input)], attributes);
    return { shape: input.shape, born: input.born, forms: { [input.born]: name } };
  };
}

export const reductionOperations: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(Object.entries(reducers).map(([name, item]) => [name, reduceOperation(item)])),
  argmax: indexOf('ArgMax'),
  argmin: indexOf('ArgMin'),
  cumsum,
  l2_normalize: l2Normalize,
  softmax: along('Softmax'),
  log_softmax: along('LogSoftmax'),
};
