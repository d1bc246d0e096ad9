import { elementwiseActivation } from '../activations.ts';
import { flagOf, numberOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Value, ValueType } from '../value.ts';
import type { Argument } from './operands.ts';
import { commonType, elementByElement, tensorOf } from './operands.ts';

type Unary = (builder: GraphBuilder, x: string, call: LayerCall) => string;
type Binary = (builder: GraphBuilder, a: string, b: string, type: ValueType) => string;
export type Operation = (call: LayerCall, all: readonly Argument[]) => Value | readonly Value[];

const named =
  (opType: string): Unary =>
  (builder, x) =>
    builder.node(opType, [x]);

const square: Unary = (builder, x) => builder.node('Mul', [x, x]);

/** One operand, float32. */
const unary: Readonly<Record<string, Unary>> = {
  sqrt: named('Sqrt'),
  rsqrt: (builder, x) => builder.node('Reciprocal', [builder.node('Sqrt', [x])]),
  reciprocal: named('Reciprocal'),
  exp: named('Exp'),
  expm1: (builder, x) => builder.node('Sub', [builder.node('Exp', [x]), builder.scalar(1)]),
  log: named('Log'),
  log1p: (builder, x) => builder.node('Log', [builder.node('Add', [x, builder.scalar(1)])]),
  sin: named('Sin'),
  cos: named('Cos'),
  tan: named('Tan'),
  arcsin: named('Asin'),
  arccos: named('Acos'),
  arctan: named('Atan'),
  sinh: named('Sinh'),
  cosh: named('Cosh'),
  floor: named('Floor'),
  ceil: named('Ceil'),
  round: named('Round'),
  erf: named('Erf'),
  elu: (builder, x, { config }) => builder.node('Elu', [x], { alpha: { f: numberOf(config, 'alpha', 1) } }),
  leaky_relu: (builder, x, { config }) =>
    builder.node('LeakyRelu', [x], { alpha: { f: numberOf(config, 'negative_slope', 0.2) } }),
  gelu: (builder, x, call) =>
    activation(flagOf(call.config, 'approximate', true) ? 'gelu_tanh' : 'gelu')(builder, x, call),
};

/** One operand, which may be integers and stays what it is. */
const integral: Readonly<Record<string, Unary>> = {
  negative: named('Neg'),
  absolute: named('Abs'),
  sign: named('Sign'),
  square,
};

/** Activations without parameters, by the name that they have among those of layers. */
const activations: Readonly<Record<string, string>> = {
  tanh: 'tanh',
  relu: 'relu',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  log_sigmoid: 'log_sigmoid',
  softplus: 'softplus',
  softsign: 'softsign',
  silu: 'silu',
  mish: 'mish',
  selu: 'selu',
  hard_sigmoid: 'keras3HardSigmoid',
  hard_silu: 'hard_silu',
};

function activation(name: string): Unary {
  const apply = elementwiseActivation(name);
  if (apply === undefined) throw new TypeError(`no activation is called ${name}`);
  return apply;
}

/** The sign of the divisor, as Python's. */
function modulo(builder: GraphBuilder, a: string, b: string, type: ValueType): string {
  if (type === 'int32') return builder.node('Mod', [a, b]);
  const rest = builder.node('Mod', [a, b], { fmod: { i: 1 } });
  const zero = builder.scalar(0);
  const signs = ['Less', 'Less'].map((opType, index) => builder.node(opType, [[rest, b][index]!, zero]));
  const isRest = builder.node('Not', [builder.node('Equal', [rest, zero])]);
  const turn = builder.node('And', [isRest, builder.node('Xor', signs)]);
  return builder.node('Where', [turn, builder.node('Add', [rest, b]), rest]);
}

function floorDivide(builder: GraphBuilder, a: string, b: string, type: ValueType): string {
  if (type === 'float32') return builder.node('Floor', [builder.node('Div', [a, b])]);
  const [left, right] = [builder.cast(a, 'float32'), builder.cast(b, 'float32')];
  return builder.cast(builder.node('Floor', [builder.node('Div', [left, right])]), 'int32');
}

const two =
  (opType: string): Binary =>
  (builder, a, b) =>
    builder.node(opType, [a, b]);

/** Two operands of one type, which is the result's. */
const binary: Readonly<Record<string, Binary>> = {
  add: two('Add'),
  subtract: two('Sub'),
  multiply: two('Mul'),
  floor_divide: floorDivide,
  mod: modulo,
  power: two('Pow'),
  maximum: two('Max'),
  minimum: two('Min'),
  squared_difference: (builder, a, b) => {
    const difference = builder.node('Sub', [a, b]);
    return builder.node('Mul', [difference, difference]);
  },
};

const comparisons: Readonly<Record<string, Binary>> = {
  equal: two('Equal'),
  not_equal: (builder, a, b) => builder.node('Not', [builder.node('Equal', [a, b])]),
  greater: two('Greater'),
  greater_equal: two('GreaterOrEqual'),
  less: two('Less'),
  less_equal: two('LessOrEqual'),
};

const logical: Readonly<Record<string, Binary>> = { logical_and: two('And'), logical_or: two('Or') };

const unaryOperation =
  (apply: Unary, keepsIntegers: boolean): Operation =>
  (call, all) => {
    const type = keepsIntegers ? commonType([{ value: tensorOf(call, all) }]) : 'float32';
    return elementByElement(call, all, type, type, ([x]) => apply(call.builder, x as string, call));
  };

const binaryOperation =
  (apply: Binary, typeOf: (all: readonly Argument[]) => ValueType, output?: ValueType): Operation =>
  (call, all) => {
    if (all.length !== 2) throw unsupportedLayer(call.layer, `it has ${all.length} operands`);
    const type = typeOf(all);
    return elementByElement(call, all, type, output ?? type, ([a, b]) =>
      apply(call.builder, a as string, b as string, type),
    );
  };

/** Between integers, bounds are rounded inwards. */
function clip(call: LayerCall, all: readonly Argument[]): Value {
  const { builder, config } = call;
  const { min, max } = config;
  const type = commonType(all);
  const bound = (value: number, round: (value: number) => number) =>
    type === 'int32' ? builder.int32s([round(value)], []) : builder.scalar(value);
  return elementByElement(call, all, type, type, ([x]) => {
    let y = x as string;
    if (typeof min === 'number') y = builder.node('Max', [y, bound(min, Math.ceil)]);
    if (typeof max === 'number') y = builder.node('Min', [y, bound(max, Math.floor)]);
    return y;
  });
}

function where(call: LayerCall, all: readonly Argument[]): Value {
  const [condition, ...rest] = all;
  if (condition === undefined || rest.length !== 2) {
    throw unsupportedLayer(call.layer, `it has ${all.length} operands`);
  }
  const type = commonType(rest);
  // The condition comes as a bool, whatever the others are.
  const asBool: Argument =
    'value' in condition ? { value: call.builder.castValue(condition.value, 'bool') } : condition;
  return elementByElement(call, [asBool, ...rest], type, type, ([c, a, b]) =>
    call.builder.node('Where', [call.builder.cast(c as string, 'bool'), a as string, b as string]),
  );
}

/** The types that Keras can cast to, as those that there are here. */
function castType(dtype: unknown): ValueType | undefined {
  if (typeof dtype !== 'string') return undefined;
  if (/^(b?float\d*|half|double)$/.test(dtype)) return 'float32';
  if (/^u?int\d*$/.test(dtype)) return 'int32';
  return dtype === 'bool' ? 'bool' : undefined;
}

function cast(call: LayerCall, all: readonly Argument[]): Value {
  const type = castType(call.config.dtype);
  if (type === undefined) {
    throw unsupportedLayer(call.layer, `its dtype is ${JSON.stringify(call.config.dtype)}`);
  }
  return call.builder.castValue(tensorOf(call, all), type);
}

const entries = <T>(table: Readonly<Record<string, T>>, make: (item: T) => Operation) =>
  Object.fromEntries(Object.entries(table).map(([name, item]) => [name, make(item)]));

export const elementwiseOperations: Readonly<Record<string, Operation>> = {
  ...entries(unary, (apply) => unaryOperation(apply, false)),
  ...entries(integral, (apply) => unaryOperation(apply, true)),
  ...entries(activations, (name) => unaryOperation(activation(name), false)),
  ...entries(binary, (apply) => binaryOperation(apply, commonType)),
  ...entries(comparisons, (apply) => binaryOperation(apply, commonType, 'bool')),
  ...entries(logical, (apply) => binaryOperation(apply, () => 'bool')),
  divide: binaryOperation(two('Div'), () => 'float32'),
  identity: (call, all) => tensorOf(call, all),
  logical_not: (call, all) =>
    elementByElement(call, all, 'bool', 'bool', ([x]) => call.builder.node('Not', [x as string])),
  clip,
  where,
  cast,
};
