import * as tf from '@tensorflow/tfjs';
import { elu, gelu } from './activations.ts';
import { softmaxOver } from './activation-layers.ts';
import { constantOf, truthOf } from './constants.ts';
import { l2Normalized } from './normalizations.ts';
import { axesOf, axisOf, unary, type Operation, type Options } from './operation.ts';
import { SHAPE_OPERATIONS } from './shape-operations.ts';

type Binary = (a: tf.Tensor, b: tf.Tensor, options: Options) => tf.Tensor;

const binary =
  (compute: Binary): Operation =>
  ([a, b], options) =>
    compute(a as tf.Tensor, b as tf.Tensor, options);
const comparison = (compute: Binary): Operation =>
  binary((a, b, options) => constantOf((x, y) => compute(x, y, options), a, b));
const logical = (compute: Binary): Operation =>
  comparison((a, b, options) => compute(truthOf(a), truthOf(b), options));

const float = (x: tf.Tensor) => tf.cast(x, 'float32');

type Reduce = (x: tf.Tensor, axes: number[], keepdims: boolean) => tf.Tensor;
const reduction = (reduce: Reduce): Operation =>
  unary((x, { axis, keepdims }) => reduce(x, axesOf(axis, x.rank), keepdims === true));
const logicalReduction = (reduce: Reduce): Operation =>
  reduction((x, axes, keepdims) => constantOf((value) => reduce(truthOf(value), axes, keepdims), x));

/** The place of the largest or smallest value along an axis, or in all of the tensor. */
const place = (find: (x: tf.Tensor, axis: number) => tf.Tensor): Operation =>
  unary((x, { axis, keepdims }) =>
    constantOf((value) => {
      const all = axis === null || axis === undefined;
      const at = all ? 0 : axisOf(axis, x.rank);
      const found = find(all ? tf.reshape(value, [-1]) : value, at);
      const kept = x.shape.map((size, i) => (all || i === at ? 1 : size));
      return keepdims === true ? tf.reshape(found, kept) : found;
    }, x),
  );

/** tfjs's gradients of the larger and the smaller do not sum over what was broadcast. */
function broadcastFirst(compute: Binary): Operation {
  return binary((a, b, options) => {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const fit = (x: tf.Tensor) => (x.shape.join() === shape.join() ? x : tf.broadcastTo(x, shape));
    return compute(fit(a), fit(b), options);
  });
}

/** Along the last axis, since tfjs's gradient along another one has its axes in another order. */
function cumulated(x: tf.Tensor, axis: number, exclusive: boolean, reverse: boolean): tf.Tensor {
  const order = x.shape.map((__, i) => i);
  [order[axis], order[x.rank - 1]] = [x.rank - 1, axis];
  return tf.transpose(tf.cumsum(tf.transpose(x, order), x.rank - 1, exclusive, reverse), order);
}

/** A bound that is `null` is none. */
function clipped(x: tf.Tensor, min: unknown, max: unknown): tf.Tensor {
  const above = typeof min === 'number' ? tf.maximum(x, tf.scalar(min, x.dtype as 'float32')) : x;
  return typeof max === 'number' ? tf.minimum(above, tf.scalar(max, x.dtype as 'float32')) : above;
}

const softplus = (x: tf.Tensor) => tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
const hardSigmoid = (x: tf.Tensor) => tf.div(tf.relu6(tf.add(x, 3)), 6);

/**
 * What the operations of Keras 3's `ops` compute that `converters/keras/operation-list.ts` lists, by the same names.
 *
 * @source keras/src/ops/numpy.py, keras/src/ops/nn.py, keras/src/backend/tensorflow
 */
export const TENSOR_OPERATIONS: Readonly<Record<string, Operation>> = {
  add: binary((a, b) => tf.add(a, b)),
  subtract: binary((a, b) => tf.sub(a, b)),
  multiply: binary((a, b) => tf.mul(a, b)),
  divide: binary((a, b) => tf.div(float(a), float(b))),
  floor_divide: binary((a, b) => {
    const quotient = tf.floor(tf.div(float(a), float(b)));
    return a.dtype === 'float32' || b.dtype === 'float32' ? quotient : tf.cast(quotient, 'int32');
  }),
  mod: binary((a, b) => {
    const rest = tf.sub(float(a), tf.mul(float(b), tf.floor(tf.div(float(a), float(b)))));
    return a.dtype === 'float32' || b.dtype === 'float32' ? rest : tf.cast(rest, 'int32');
  }),
  power: binary((a, b) => tf.pow(a, b)),
  maximum: broadcastFirst((a, b) => tf.maximum(a, b)),
  minimum: broadcastFirst((a, b) => tf.minimum(a, b)),
  squared_difference: binary((a, b) => tf.square(tf.sub(a, b))),
  equal: comparison((a, b) => tf.equal(a, b)),
  not_equal: comparison((a, b) => tf.notEqual(a, b)),
  greater: comparison((a, b) => tf.greater(a, b)),
  greater_equal: comparison((a, b) => tf.greaterEqual(a, b)),
  less: comparison((a, b) => tf.less(a, b)),
  less_equal: comparison((a, b) => tf.lessEqual(a, b)),
  logical_and: logical((a, b) => tf.logicalAnd(a, b)),
  logical_or: logical((a, b) => tf.logicalOr(a, b)),
  where: ([condition, a, b]) =>
    tf.where(
      constantOf((value) => tf.clone(truthOf(value)), condition!),
      a!,
      b!,
    ),

  identity: unary((x) => tf.clone(x)),
  negative: unary((x) => tf.neg(x)),
  absolute: unary((x) => tf.abs(x)),
  sign: unary((x) => tf.sign(x)),
  sqrt: unary((x) => tf.sqrt(float(x))),
  rsqrt: unary((x) => tf.rsqrt(float(x))),
  square: unary((x) => tf.square(x)),
  reciprocal: unary((x) => tf.div(1, float(x))),
  exp: unary((x) => tf.exp(float(x))),
  expm1: unary((x) => tf.expm1(float(x))),
  log: unary((x) => tf.log(float(x))),
  log1p: unary((x) => tf.log1p(float(x))),
  sin: unary((x) => tf.sin(float(x))),
  cos: unary((x) => tf.cos(float(x))),
  tan: unary((x) => tf.tan(float(x))),
  arcsin: unary((x) => tf.asin(float(x))),
  arccos: unary((x) => tf.acos(float(x))),
  arctan: unary((x) => tf.atan(float(x))),
  sinh: unary((x) => tf.sinh(float(x))),
  cosh: unary((x) => tf.cosh(float(x))),
  tanh: unary((x) => tf.tanh(float(x))),
  floor: unary((x) => tf.floor(float(x))),
  ceil: unary((x) => tf.ceil(float(x))),
  round: unary((x) => tf.round(x)),
  erf: unary((x) => tf.erf(float(x))),
  logical_not: unary((x) => constantOf((value) => tf.logicalNot(truthOf(value)), x)),
  clip: unary((x, { min, max }) => clipped(x, min, max)),
  cast: unary((x, { dtype }) => {
    const type = tfjsType(dtype as string);
    return type === 'bool' ? constantOf((value) => tf.clone(truthOf(value)), x) : tf.cast(x, type);
  }),

  relu: unary((x) => tf.relu(x)),
  relu6: unary((x) => tf.relu6(x)),
  sigmoid: unary((x) => tf.sigmoid(float(x))),
  log_sigmoid: unary((x) => tf.neg(softplus(tf.neg(float(x))))),
  softplus: unary((x) => softplus(float(x))),
  softsign: unary((x) => tf.div(x, tf.add(tf.abs(x), 1))),
  silu: unary((x) => tf.mul(x, tf.sigmoid(float(x)))),
  mish: unary((x) => tf.mul(x, tf.tanh(softplus(float(x))))),
  selu: unary((x) => tf.selu(float(x))),
  elu: unary((x, { alpha }) => elu(float(x), (alpha as number | undefined) ?? 1)),
  leaky_relu: unary((x, { negativeSlope }) =>
    tf.leakyRelu(float(x), (negativeSlope as number | undefined) ?? 0.2),
  ),
  hard_sigmoid: unary((x) => hardSigmoid(float(x))),
  hard_silu: unary((x) => tf.mul(x, hardSigmoid(float(x)))),
  gelu: unary((x, { approximate }) => gelu(float(x), approximate !== false)),
  softmax: unary((x, { axis }) => softmaxOver(float(x), axesOf(axis ?? -1, x.rank))),
  log_softmax: unary((x, { axis }) => tf.sub(x, tf.logSumExp(float(x), axesOf(axis ?? -1, x.rank), true))),
  l2_normalize: unary((x, { axis, epsilon }) =>
    l2Normalized(float(x), axesOf(axis, x.rank), (epsilon as number | undefined) ?? 1e-12),
  ),

  mean: reduction((x, axes, keepdims) => tf.mean(float(x), axes, keepdims)),
  sum: reduction((x, axes, keepdims) => tf.sum(x, axes, keepdims)),
  prod: reduction((x, axes, keepdims) => tf.prod(x, axes, keepdims)),
  max: reduction((x, axes, keepdims) => tf.max(x, axes, keepdims)),
  min: reduction((x, axes, keepdims) => tf.min(x, axes, keepdims)),
  var: reduction((x, axes, keepdims) => tf.moments(float(x), axes, keepdims).variance),
  std: reduction((x, axes, keepdims) => tf.sqrt(tf.moments(float(x), axes, keepdims).variance)),
  logsumexp: reduction((x, axes, keepdims) => tf.logSumExp(float(x), axes, keepdims)),
  any: logicalReduction((x, axes, keepdims) => tf.any(x, axes, keepdims)),
  all: logicalReduction((x, axes, keepdims) => tf.all(x, axes, keepdims)),
  argmax: place((x, axis) => tf.argMax(x, axis)),
  argmin: place((x, axis) => tf.argMin(x, axis)),
  cumsum: unary((x, { axis, exclusive, reverse }) =>
    cumulated(x, axisOf(axis ?? 0, x.rank), exclusive === true, reverse === true),
  ),

  ...SHAPE_OPERATIONS,
};

/** tfjs's type for one of Keras: float32 for floats of every size, int32 for integers. */
function tfjsType(dtype: string): 'float32' | 'int32' | 'bool' {
  if (dtype === 'bool') return 'bool';
  return /^u?int/.test(dtype) ? 'int32' : 'float32';
}
