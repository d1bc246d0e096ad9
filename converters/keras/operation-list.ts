import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';

/*
 * The closed list of what a `TensorOperation` layer computes. Its config is
 *
 *   { name, operation, inputs, ...options }
 *
 * `operation` is a key of `OPERATIONS`. `inputs` has one entry for each operand in order: `{ tensor: i }` is the i-th
 * inbound tensor of the call, `{ value }` a number, a boolean or nested lists of them. At least one operand is a tensor.
 * One tensor may be two operands: `x * x` has one inbound tensor and is `[{ tensor: 0 }, { tensor: 0 }]`. Every option of the operation is
 * always there: the normaliser fills in what Keras leaves out, with the defaults of the list. Axes count the batch axis,
 * and may be negative.
 */

/**
 * How the value of an option looks.
 *
 * - `axis`: an integer. `axes`: a list of integers. `axis?` and `axes?`: the same or `null`, which means all axes.
 * - `shape`: a list of integers of which at most one is -1 (what is left over), batch axis included.
 * - `slices`: one entry for each axis from the first on, as `Slice`.
 * - `pairs`: one `[before, after]` for each axis, batch axis included.
 */
export type OptionType =
  | 'axis'
  | 'axis?'
  | 'axes'
  | 'axes?'
  | 'boolean'
  | 'number'
  | 'number?'
  | 'text'
  | 'shape'
  | 'slices'
  | 'pairs';

/**
 * What `x[...]` says of one axis: a number (the axis goes away), a range as in Python (`null` where nothing is said),
 * a new axis of length 1, or as many whole axes as are left.
 */
export type Slice =
  | { readonly index: number }
  | { readonly start: number | null; readonly stop: number | null; readonly step: number | null }
  | { readonly new_axis: true }
  | { readonly ellipsis: true };

export interface OperationSpec {
  /** How many operands there are; `list` is one or more. */
  readonly operands: 1 | 2 | 3 | 'list';
  readonly options: Readonly<
    Record<
      string,
      { readonly type: OptionType; readonly default?: JsonValue; readonly oneOf?: readonly string[] }
    >
  >;
  /** What the output holds, where it is not what the first operand holds. */
  readonly output?: 'bool' | 'int32' | 'dtype';
  /** True for the operations with several outputs. */
  readonly several?: true;
}

const unary: OperationSpec = { operands: 1, options: {} };
const binary: OperationSpec = { operands: 2, options: {} };
const comparison: OperationSpec = { operands: 2, options: {}, output: 'bool' };
const along: OperationSpec = { operands: 1, options: { axis: { type: 'axis', default: -1 } } };
const reduction: OperationSpec = {
  operands: 1,
  options: { axis: { type: 'axes?', default: null }, keepdims: { type: 'boolean', default: false } },
};
const logicalReduction: OperationSpec = { ...reduction, output: 'bool' };
const indexOf: OperationSpec = {
  operands: 1,
  options: { axis: { type: 'axis?', default: null }, keepdims: { type: 'boolean', default: false } },
  output: 'int32',
};

/** Names are numpy's (Keras 3's `keras.ops`), and so is what they compute; remarks say what else there is to know. */
export const OPERATIONS = {
  // Two operands, broadcast against each other as numpy does.
  add: binary,
  subtract: binary,
  multiply: binary,
  divide: binary,
  /** Rounded towards minus infinity. */
  floor_divide: binary,
  /** The sign of the divisor, as Python's `%`. */
  mod: binary,
  power: binary,
  maximum: binary,
  minimum: binary,
  /** `(a - b)²`. */
  squared_difference: binary,
  equal: comparison,
  not_equal: comparison,
  greater: comparison,
  greater_equal: comparison,
  less: comparison,
  less_equal: comparison,
  logical_and: comparison,
  logical_or: comparison,
  /** Operands: condition, where it is true, where it is not. All three are broadcast. */
  where: { operands: 3, options: {} },

  // One operand, element by element.
  identity: unary,
  negative: unary,
  absolute: unary,
  sign: unary,
  sqrt: unary,
  rsqrt: unary,
  square: unary,
  reciprocal: unary,
  exp: unary,
  expm1: unary,
  log: unary,
  log1p: unary,
  sin: unary,
  cos: unary,
  tan: unary,
  arcsin: unary,
  arccos: unary,
  arctan: unary,
  sinh: unary,
  cosh: unary,
  tanh: unary,
  floor: unary,
  ceil: unary,
  /** Halves go to the even neighbour. */
  round: unary,
  erf: unary,
  logical_not: { operands: 1, options: {}, output: 'bool' },
  /** `null` is no bound. */
  clip: {
    operands: 1,
    options: { min: { type: 'number?', default: null }, max: { type: 'number?', default: null } },
  },
  cast: { operands: 1, options: { dtype: { type: 'text' } }, output: 'dtype' },

  // Activations.
  relu: unary,
  relu6: unary,
  sigmoid: unary,
  log_sigmoid: unary,
  softplus: unary,
  softsign: unary,
  silu: unary,
  mish: unary,
  selu: unary,
  elu: { operands: 1, options: { alpha: { type: 'number', default: 1 } } },
  leaky_relu: { operands: 1, options: { negative_slope: { type: 'number', default: 0.2 } } },
  /** Keras 3's: `relu6(x + 3) / 6`. */
  hard_sigmoid: unary,
  hard_silu: unary,
  /** With the error function, or by tanh where `approximate`. */
  gelu: { operands: 1, options: { approximate: { type: 'boolean', default: true } } },
  softmax: along,
  log_softmax: along,
  /** `x * rsqrt(maximum(sum(x²), epsilon))` over the axes. */
  l2_normalize: {
    operands: 1,
    options: { axis: { type: 'axes?', default: null }, epsilon: { type: 'number', default: 1e-12 } },
  },

  // Reductions.
  mean: reduction,
  sum: reduction,
  prod: reduction,
  max: reduction,
  min: reduction,
  /** The mean of squared deviations (divided by n, not n - 1). */
  var: reduction,
  std: reduction,
  logsumexp: reduction,
  any: logicalReduction,
  all: logicalReduction,
  /** `axis: null` is the index in the flattened tensor. */
  argmax: indexOf,
  argmin: indexOf,
  cumsum: {
    operands: 1,
    options: {
      axis: { type: 'axis', default: 0 },
      exclusive: { type: 'boolean', default: false },
      reverse: { type: 'boolean', default: false },
    },
  },

  // Shapes.
  reshape: { operands: 1, options: { shape: { type: 'shape' } } },
  /** `null` turns the order of the axes around. */
  transpose: { operands: 1, options: { axes: { type: 'axes?', default: null } } },
  /** Places in the result's shape. */
  expand_dims: { operands: 1, options: { axis: { type: 'axes' } } },
  /** `null` takes away every axis of length 1. */
  squeeze: { operands: 1, options: { axis: { type: 'axes?', default: null } } },
  concatenate: { operands: 'list', options: { axis: { type: 'axis', default: -1 } } },
  stack: { operands: 'list', options: { axis: { type: 'axis', default: 0 } } },
  /** Either `sections` equal parts, or parts that begin at 0 and at each of `indices`. The other one is `null` or []. */
  split: {
    operands: 1,
    options: {
      sections: { type: 'number?', default: null },
      indices: { type: 'axes', default: [] },
      axis: { type: 'axis', default: 0 },
    },
    several: true,
  },
  get_item: { operands: 1, options: { slices: { type: 'slices' } } },
  /** Operands: the tensor, whole-numbered indices (never negative). The indices' shape takes the place of the axis. */
  take: { operands: 2, options: { axis: { type: 'axis', default: 0 } } },
  /** One count for each axis. */
  tile: { operands: 1, options: { repeats: { type: 'axes' } } },
  /** Each element `repeats` times along the axis. */
  repeat: { operands: 1, options: { repeats: { type: 'number' }, axis: { type: 'axis' } } },
  flip: { operands: 1, options: { axis: { type: 'axes?', default: null } } },
  pad: {
    operands: 1,
    options: {
      pad_width: { type: 'pairs' },
      mode: { type: 'text', default: 'constant', oneOf: ['constant', 'reflect', 'symmetric'] },
      constant_values: { type: 'number', default: 0 },
    },
  },
  /** The new axis comes last. */
  one_hot: { operands: 1, options: { num_classes: { type: 'number' } } },

  // Several axes at once.
  /** Over the last two axes; what stands before is broadcast. */
  matmul: {
    operands: 2,
    options: {
      transpose_a: { type: 'boolean', default: false },
      transpose_b: { type: 'boolean', default: false },
    },
  },
  einsum: { operands: 'list', options: { subscripts: { type: 'text' } } },
  /** Pictures `(batch, rows, columns, channels)`; half-pixel centres, no antialiasing. `size` is rows, columns. */
  resize: {
    operands: 1,
    options: {
      size: { type: 'axes' },
      interpolation: { type: 'text', default: 'bilinear', oneOf: ['bilinear', 'nearest'] },
    },
  },
  /** Channels last; the first `block_size²`-th of the channels is what stands at the corner of each block. */
  depth_to_space: { operands: 1, options: { block_size: { type: 'number' } } },
  space_to_depth: { operands: 1, options: { block_size: { type: 'number' } } },
} as const satisfies Record<string, OperationSpec>;

export type OperationName = keyof typeof OPERATIONS;

/** The description of an operation; `undefined` for names that are not in the list. */
export function operationSpec(name: JsonValue | undefined): OperationSpec | undefined {
  return typeof name === 'string' && Object.hasOwn(OPERATIONS, name)
    ? OPERATIONS[name as OperationName]
    : undefined;
}

export type Operand = { readonly tensor: number } | { readonly value: JsonValue };

/** The operands of a `TensorOperation` layer's config, in order; `undefined` when they are not as this file says. */
export function operandsOf(config: JsonObject): Operand[] | undefined {
  const { inputs } = config;
  if (!Array.isArray(inputs) || inputs.length === 0) return undefined;
  const operands: Operand[] = [];
  for (const input of inputs) {
    if (!isJsonObject(input)) return undefined;
    const { tensor, value } = input;
    if (typeof tensor === 'number' && Number.isInteger(tensor) && tensor >= 0) operands.push({ tensor });
    else if (value !== undefined && value !== null) operands.push({ value });
    else return undefined;
  }
  return operands;
}
