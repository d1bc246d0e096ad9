import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';
import type { OperationName } from './operation-list.ts';
import type { OperationRule } from './operations.ts';

const one = (operation: OperationName, operand = 'x'): OperationRule => ({ operation, operands: [operand] });
const two = (operation: OperationName): OperationRule => ({ operation, operands: ['x1', 'x2'] });
const along = (operation: OperationName, standard: JsonValue): OperationRule => ({
  operation,
  operands: ['x'],
  options: { axis: 'axis' },
  defaults: { axis: standard },
});
const reduce = (operation: OperationName): OperationRule => ({
  operation,
  operands: ['x'],
  options: { axis: 'axis', keepdims: 'keepdims' },
});

const CHANNELS_LAST = { data_format: ['channels_last'] };
const FLOAT32 = { dtype: ['float32'] };

/** The norm is bounded by epsilon from below in Keras 3, its square in the list. */
function normalize(options: JsonObject): JsonObject | string {
  const { order = 2, epsilon, ...rest } = options;
  if (order !== 2) return `its order is ${JSON.stringify(order)}`;
  const bound = typeof epsilon === 'number' ? epsilon : 1e-7;
  return { ...rest, epsilon: bound * bound };
}

function split(options: JsonObject): JsonObject {
  const { parts = null, ...rest } = options;
  return Array.isArray(parts) ? { ...rest, indices: parts } : { ...rest, sections: parts };
}

function pad(options: JsonObject): JsonObject | string {
  const { pad_width } = options;
  // One pair alone stands for all axes, however many there are.
  if (!Array.isArray(pad_width) || pad_width.length < 2) return 'its pad_width is not given for each axis';
  return options;
}

/** What the policies of mixed precision add between layers: everything is computed in float32 here. */
export function castDtype(options: JsonObject): JsonObject {
  const { dtype } = options;
  const half = dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float64';
  return half ? { dtype: 'float32' } : options;
}

const RULES: Readonly<Record<string, OperationRule>> = {
  ...Object.fromEntries(
    (
      'Negative Sign Sqrt Rsqrt Square Reciprocal Exp Expm1 Log Log1p Sin Cos Tan Arcsin Arccos Arctan Sinh Cosh ' +
      'Tanh Floor Ceil Erf Absolute Relu Relu6 Sigmoid Softplus Softsign Silu Selu'
    )
      .split(' ')
      .map((name) => [name, one(name.toLowerCase() as OperationName)]),
  ),
  ...Object.fromEntries(
    'Add Subtract Multiply Divide Mod Power Maximum Minimum Equal Greater Less'
      .split(' ')
      .map((name) => [name, two(name.toLowerCase() as OperationName)]),
  ),
  ...Object.fromEntries(
    'Mean Sum Max Min Var Std Logsumexp Any All Argmax Argmin'
      .split(' ')
      .map((name) => [name, reduce(name.toLowerCase() as OperationName)]),
  ),
  Fabs: one('absolute'),
  LogSigmoid: one('log_sigmoid'),
  HardSigmoid: one('hard_sigmoid'),
  HardSilu: one('hard_silu'),
  LogicalNot: one('logical_not'),
  StopGradient: one('identity', 'variable'),
  Copy: one('identity'),
  ConvertToTensor: { ...one('identity'), harmless: { sparse: [false], ragged: [false] } },
  Round: { ...one('round'), harmless: { decimals: [0] } },
  Clip: { operation: 'clip', operands: ['x'], options: { min: 'x_min', max: 'x_max' } },
  Cast: { operation: 'cast', operands: ['x'], options: { dtype: 'dtype' }, adapt: castDtype },
  Elu: { operation: 'elu', operands: ['x'], options: { alpha: 'alpha' } },
  LeakyRelu: { operation: 'leaky_relu', operands: ['x'], options: { negative_slope: 'negative_slope' } },
  Gelu: { operation: 'gelu', operands: ['x'], options: { approximate: 'approximate' } },
  Softmax: along('softmax', -1),
  LogSoftmax: along('log_softmax', -1),
  Normalize: {
    operation: 'l2_normalize',
    operands: ['x'],
    options: { axis: 'axis', order: 'order', epsilon: 'epsilon' },
    defaults: { axis: -1 },
    adapt: normalize,
  },
  TrueDivide: two('divide'),
  FloorDivide: two('floor_divide'),
  NotEqual: two('not_equal'),
  GreaterEqual: two('greater_equal'),
  LessEqual: two('less_equal'),
  LogicalAnd: two('logical_and'),
  LogicalOr: two('logical_or'),
  Where: { operation: 'where', operands: ['condition', 'x1', 'x2'] },
  Matmul: two('matmul'),
  Amax: reduce('max'),
  Amin: reduce('min'),
  Prod: { ...reduce('prod'), harmless: FLOAT32 },
  Cumsum: {
    operation: 'cumsum',
    operands: ['x'],
    options: { axis: 'axis' },
    harmless: FLOAT32,
    adapt: (options) => (options.axis === null ? 'its axis is null' : options),
  },
  Reshape: { operation: 'reshape', operands: ['x'], options: { shape: 'newshape' } },
  Transpose: { operation: 'transpose', operands: ['x'], options: { axes: 'axes' } },
  ExpandDims: { operation: 'expand_dims', operands: ['x'], options: { axis: 'axis' } },
  Squeeze: { operation: 'squeeze', operands: ['x'], options: { axis: 'axis' } },
  Concatenate: {
    operation: 'concatenate',
    operands: ['xs'],
    options: { axis: 'axis' },
    defaults: { axis: 0 },
  },
  Stack: { operation: 'stack', operands: ['x'], options: { axis: 'axis' } },
  Split: {
    operation: 'split',
    operands: ['x'],
    options: { parts: 'indices_or_sections', axis: 'axis' },
    adapt: split,
  },
  GetItem: { operation: 'get_item', operands: ['x'], slices: 'key' },
  Take: {
    operation: 'take',
    operands: ['x', 'indices'],
    options: { axis: 'axis' },
    adapt: (options) => (typeof options.axis === 'number' ? options : 'its axis is null'),
  },
  Tile: {
    operation: 'tile',
    operands: ['x'],
    options: { repeats: 'repeats' },
    adapt: (options) =>
      Array.isArray(options.repeats) ? options : 'its repeats are not given for each axis',
  },
  Repeat: { operation: 'repeat', operands: ['x'], options: { repeats: 'repeats', axis: 'axis' } },
  Flip: { operation: 'flip', operands: ['x'], options: { axis: 'axis' } },
  Pad: {
    operation: 'pad',
    operands: ['x'],
    options: { pad_width: 'pad_width', mode: 'mode', constant_values: 'constant_values' },
    adapt: pad,
  },
  OneHot: {
    operation: 'one_hot',
    operands: ['x'],
    options: { num_classes: 'num_classes' },
    harmless: { axis: [-1], sparse: [false], ...FLOAT32 },
  },
  Resize: {
    operation: 'resize',
    operands: ['images'],
    options: { size: 'size', interpolation: 'interpolation' },
    harmless: {
      antialias: [false],
      crop_to_aspect_ratio: [false],
      pad_to_aspect_ratio: [false],
      fill_mode: ['constant'],
      fill_value: [0],
      ...CHANNELS_LAST,
    },
  },
  DepthToSpace: {
    operation: 'depth_to_space',
    operands: ['x'],
    options: { block_size: 'block_size' },
    harmless: CHANNELS_LAST,
  },
  SpaceToDepth: {
    operation: 'space_to_depth',
    operands: ['x'],
    options: { block_size: 'block_size' },
    harmless: CHANNELS_LAST,
  },
};

/** Rules of Keras 3's operations by class name; einsum takes any number of operands. */
export function keras3Rule(className: string, operands: number): OperationRule | undefined {
  if (className === 'Einsum') {
    return {
      operation: 'einsum',
      operands: Array.from({ length: operands }, (_, i) => `operand ${i + 1}`),
      options: { subscripts: 'subscripts' },
    };
  }
  return Object.hasOwn(RULES, className) ? RULES[className] : undefined;
}

/** Class names of Keras 3's operations that are read. */
export const KERAS3_OPERATIONS: readonly string[] = [...Object.keys(RULES), 'Einsum'];

/**
 * Keras 3 gives operations a module of `keras.src.ops`. Its `.h5` files have no modules; there an operation, unlike a
 * layer, has neither `trainable` nor a policy. `unknown`: no layer of Keras has that class name.
 */
export function isKeras3Operation(
  layer: { module: JsonValue | undefined; className: string; config: JsonObject },
  unknown: boolean,
): boolean {
  const { module, className, config } = layer;
  if (typeof module === 'string') return /^keras\.(src\.)?ops\./.test(module);
  if (config.trainable !== undefined || isJsonObject(config.dtype) || className.includes('>')) return false;
  return unknown || keras3Rule(className, 0) !== undefined;
}
