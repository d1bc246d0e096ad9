import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { OperationName } from './operation-list.ts';
import { castDtype } from './operations-keras3.ts';
import type { OperationRule } from './operations.ts';

const one = (operation: OperationName, operand = 'x'): OperationRule => ({ operation, operands: [operand] });
const two = (operation: OperationName): OperationRule => ({ operation, operands: ['x', 'y'] });
const reduce = (operation: OperationName): OperationRule => ({
  operation,
  operands: ['input_tensor'],
  options: { axis: 'axis', keepdims: 'keepdims' },
});
const along = (operation: OperationName): OperationRule => ({
  operation,
  operands: ['logits'],
  options: { axis: 'axis' },
});
const index = (operation: OperationName): OperationRule => ({
  operation,
  operands: ['input'],
  options: { axis: 'axis' },
  // TensorFlow's axis is 0 where nothing is said.
  defaults: { axis: 0 },
  harmless: { output_type: ['int64', 'int32'], dimension: [] },
});
const blocks = (operation: OperationName): OperationRule => ({
  operation,
  operands: ['input'],
  options: { block_size: 'block_size' },
  harmless: { data_format: ['NHWC'] },
});

const l2Normalize: OperationRule = {
  operation: 'l2_normalize',
  operands: ['x'],
  options: { axis: 'axis', epsilon: 'epsilon' },
};

/** Sizes become the places where the parts begin. The last one may be -1, which is what is left. */
function split(options: JsonObject): JsonObject | string {
  const { parts = null, ...rest } = options;
  if (!Array.isArray(parts)) return { ...rest, sections: parts };
  const isSize = (size: JsonValue | undefined) =>
    typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  const sizes = parts.slice(0, -1);
  if (!sizes.every(isSize) || !(isSize(parts.at(-1)) || parts.at(-1) === -1))
    return 'its sizes are not numbers, or one before the last is -1';
  let at = 0;
  return { ...rest, indices: sizes.map((size) => (at += Number(size))) };
}

function either(first: string, second: string, as: string) {
  return (options: JsonObject): JsonObject | string => {
    const { [first]: a = null, [second]: b = null, ...rest } = options;
    if (a !== null && b !== null) return `it has both ${first} and ${second}`;
    return { ...rest, [as]: a ?? b };
  };
}

function lowerCase(option: string, known: readonly string[]) {
  return (options: JsonObject): JsonObject | string => {
    const given: JsonValue = options[option] ?? known[0]!;
    const text = typeof given === 'string' ? given.toLowerCase() : '';
    return known.includes(text)
      ? { ...options, [option]: text }
      : `its ${option} is ${JSON.stringify(given).slice(0, 40)}`;
  };
}

function gatherAxis(options: JsonObject): JsonObject {
  return options.axis === null || options.axis === undefined ? { ...options, axis: 0 } : options;
}

/** By the name that TensorFlow exports them under, without `compat.v1.` in front. */
const RULES: Readonly<Record<string, OperationRule>> = {
  ...Object.fromEntries(
    (
      'math.negative:negative math.abs:absolute math.sign:sign math.sqrt:sqrt math.rsqrt:rsqrt math.square:square ' +
      'math.reciprocal:reciprocal math.exp:exp math.expm1:expm1 math.log:log math.log1p:log1p math.sin:sin ' +
      'math.cos:cos math.tan:tan math.asin:arcsin math.acos:arccos math.atan:arctan math.sinh:sinh math.cosh:cosh ' +
      'math.tanh:tanh math.floor:floor math.ceil:ceil math.round:round math.erf:erf math.sigmoid:sigmoid ' +
      'math.log_sigmoid:log_sigmoid math.logical_not:logical_not __operators__.invert:logical_not'
    )
      .split(' ')
      .map((pair) => pair.split(':') as [string, OperationName])
      .map(([name, operation]) => [name, one(operation)]),
  ),
  ...Object.fromEntries(
    (
      '__operators__.add:add math.add:add math.subtract:subtract math.multiply:multiply math.divide:divide ' +
      'math.truediv:divide realdiv:divide math.floordiv:floor_divide floor_div:floor_divide math.floormod:mod math.mod:mod math.pow:power ' +
      'math.maximum:maximum math.minimum:minimum math.squared_difference:squared_difference math.equal:equal ' +
      'math.not_equal:not_equal math.greater:greater math.greater_equal:greater_equal math.less:less ' +
      'math.less_equal:less_equal math.logical_and:logical_and math.logical_or:logical_or'
    )
      .split(' ')
      .map((pair) => pair.split(':') as [string, OperationName])
      .map(([name, operation]) => [name, two(operation)]),
  ),
  ...Object.fromEntries(
    (
      'math.reduce_mean:mean math.reduce_sum:sum math.reduce_prod:prod math.reduce_max:max math.reduce_min:min ' +
      'math.reduce_variance:var math.reduce_std:std math.reduce_logsumexp:logsumexp math.reduce_any:any ' +
      'math.reduce_all:all'
    )
      .split(' ')
      .map((pair) => pair.split(':') as [string, OperationName])
      .map(([name, operation]) => [name, reduce(operation)]),
  ),
  ...Object.fromEntries(
    'relu relu6 softplus softsign selu elu'
      .split(' ')
      .map((name) => [`nn.${name}`, one(name as OperationName, 'features')]),
  ),
  '__operators__.eq': { operation: 'equal', operands: ['self', 'other'] },
  '__operators__.ne': { operation: 'not_equal', operands: ['self', 'other'] },
  'nn.sigmoid': one('sigmoid'),
  'nn.tanh': one('tanh'),
  'math.softplus': one('softplus', 'features'),
  'nn.silu': { ...one('silu', 'features'), harmless: { beta: [1] } },
  'nn.swish': { ...one('silu', 'features'), harmless: { beta: [1] } },
  'nn.leaky_relu': { operation: 'leaky_relu', operands: ['features'], options: { negative_slope: 'alpha' } },
  'nn.gelu': {
    operation: 'gelu',
    operands: ['features'],
    options: { approximate: 'approximate' },
    defaults: { approximate: false },
  },
  'nn.softmax': along('softmax'),
  'nn.log_softmax': along('log_softmax'),
  'nn.l2_normalize': l2Normalize,
  'math.l2_normalize': l2Normalize,
  'linalg.l2_normalize': l2Normalize,
  'nn.bias_add': { operation: 'add', operands: ['value', 'bias'], harmless: { data_format: ['NHWC'] } },
  identity: one('identity', 'input'),
  stop_gradient: one('identity', 'input'),
  cast: { operation: 'cast', operands: ['x'], options: { dtype: 'dtype' }, adapt: castDtype },
  clip_by_value: {
    operation: 'clip',
    operands: ['t'],
    options: { min: 'clip_value_min', max: 'clip_value_max' },
  },
  where: { operation: 'where', operands: ['condition', 'x', 'y'] },
  'math.argmax': index('argmax'),
  'math.argmin': index('argmin'),
  'math.cumsum': {
    operation: 'cumsum',
    operands: ['x'],
    options: { axis: 'axis', exclusive: 'exclusive', reverse: 'reverse' },
  },
  reshape: { operation: 'reshape', operands: ['tensor'], options: { shape: 'shape' } },
  transpose: {
    operation: 'transpose',
    operands: ['a'],
    options: { axes: 'perm' },
    harmless: { conjugate: [false] },
  },
  expand_dims: {
    operation: 'expand_dims',
    operands: ['input'],
    options: { axis: 'axis', dim: 'dim' },
    adapt: either('axis', 'dim', 'axis'),
  },
  squeeze: {
    operation: 'squeeze',
    operands: ['input'],
    options: { axis: 'axis', squeeze_dims: 'squeeze_dims' },
    adapt: either('axis', 'squeeze_dims', 'axis'),
  },
  concat: { operation: 'concatenate', operands: ['values'], options: { axis: 'axis' } },
  stack: { operation: 'stack', operands: ['values'], options: { axis: 'axis' } },
  split: {
    operation: 'split',
    operands: ['value'],
    options: { parts: 'num_or_size_splits', axis: 'axis' },
    adapt: split,
  },
  gather: {
    operation: 'take',
    operands: ['params', 'indices'],
    options: { axis: 'axis' },
    harmless: { batch_dims: [0] },
    adapt: gatherAxis,
  },
  tile: { operation: 'tile', operands: ['input'], options: { repeats: 'multiples' } },
  repeat: { operation: 'repeat', operands: ['input'], options: { repeats: 'repeats', axis: 'axis' } },
  reverse: { operation: 'flip', operands: ['tensor'], options: { axis: 'axis' } },
  pad: {
    operation: 'pad',
    operands: ['tensor'],
    options: { pad_width: 'paddings', mode: 'mode', constant_values: 'constant_values' },
    adapt: lowerCase('mode', ['constant', 'reflect', 'symmetric']),
  },
  one_hot: {
    operation: 'one_hot',
    operands: ['indices'],
    options: { num_classes: 'depth' },
    harmless: { axis: [-1], on_value: [1], off_value: [0], dtype: ['float32'] },
  },
  'linalg.matmul': {
    operation: 'matmul',
    operands: ['a', 'b'],
    options: { transpose_a: 'transpose_a', transpose_b: 'transpose_b' },
    harmless: Object.fromEntries(
      ['adjoint_a', 'adjoint_b', 'a_is_sparse', 'b_is_sparse', 'grad_a', 'grad_b'].map((name) => [
        name,
        [false],
      ]),
    ),
  },
  'image.resize': {
    operation: 'resize',
    operands: ['images'],
    options: { size: 'size', interpolation: 'method' },
    harmless: { preserve_aspect_ratio: [false], antialias: [false] },
    adapt: lowerCase('interpolation', ['bilinear', 'nearest']),
  },
  'nn.depth_to_space': blocks('depth_to_space'),
  'nn.space_to_depth': blocks('space_to_depth'),
  '__operators__.getitem': { operation: 'get_item', operands: ['tensor'], slices: 'slice_spec' },
};

const shortName = (name: string) => (name.startsWith('compat.v1.') ? name.slice('compat.v1.'.length) : name);

/** The rule for `config.function` of a `TFOpLambda` or `SlicingOpLambda` layer. */
export function keras2Rule(name: string): OperationRule | undefined {
  const short = shortName(name);
  return Object.hasOwn(RULES, short) ? RULES[short] : undefined;
}

/** TensorFlow's functions that are read. */
export const KERAS2_OPERATIONS: readonly string[] = Object.keys(RULES);
