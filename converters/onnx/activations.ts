import type { JsonValue } from '../../src/base/types.ts';
import { rangeOf } from './config.ts';
import type { LayerCall } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Value } from './value.ts';
import { bornAxis, bornForm, plainValue } from './value.ts';

type Elementwise = (builder: GraphBuilder, x: string) => string;

function gelu(builder: GraphBuilder, x: string): string {
  const scaled = builder.node('Div', [x, builder.scalar(Math.SQRT2)]);
  const oneAnd = builder.node('Add', [builder.node('Erf', [scaled]), builder.scalar(1)]);
  return builder.node('Mul', [builder.node('Mul', [x, oneAnd]), builder.scalar(0.5)]);
}

/** The approximation by a hyperbolic tangent (Hendrycks and Gimpel 2016). */
function geluTanh(builder: GraphBuilder, x: string): string {
  const cubed = builder.node('Mul', [builder.node('Mul', [x, x]), x]);
  const inner = builder.node('Add', [x, builder.node('Mul', [cubed, builder.scalar(0.044715)])]);
  const tanh = builder.node('Tanh', [builder.node('Mul', [inner, builder.scalar(Math.sqrt(2 / Math.PI))])]);
  const half = builder.node('Mul', [x, builder.scalar(0.5)]);
  return builder.node('Mul', [half, builder.node('Add', [tanh, builder.scalar(1)])]);
}

/** `relu6(x + 3) / 6`, of Keras 3 and the MobileNets. */
function hardGate(builder: GraphBuilder, x: string): string {
  return builder.node('HardSigmoid', [x], { alpha: { f: 1 / 6 }, beta: { f: 0.5 } });
}

/** `log(sigmoid(x))`. */
function logSigmoid(builder: GraphBuilder, x: string): string {
  return builder.node('Neg', [builder.node('Softplus', [builder.node('Neg', [x])])]);
}

/** 0 up to -1, x from 1 on, `(x + 1)² / 4` between. */
function sparsePlus(builder: GraphBuilder, x: string): string {
  const oneAnd = builder.node('Add', [x, builder.scalar(1)]);
  const middle = builder.node('Mul', [builder.node('Mul', [oneAnd, oneAnd]), builder.scalar(0.25)]);
  const upper = builder.node('Where', [builder.node('Less', [x, builder.scalar(1)]), middle, x]);
  const isZero = builder.node('LessOrEqual', [x, builder.scalar(-1)]);
  return builder.node('Where', [isZero, builder.scalar(0), upper]);
}

function squareplus(builder: GraphBuilder, x: string): string {
  const squared = builder.node('Add', [builder.node('Mul', [x, x]), builder.scalar(4)]);
  const sum = builder.node('Add', [x, builder.node('Sqrt', [squared])]);
  return builder.node('Mul', [sum, builder.scalar(0.5)]);
}

/** Keyed by the name in lower case and without underscores, so that Keras's and tfjs's spellings meet. */
const elementwise: Readonly<Record<string, Elementwise>> = {
  linear: (_builder, x) => x,
  relu: (builder, x) => builder.node('Relu', [x]),
  relu6: (builder, x) => builder.node('Clip', [x, builder.scalar(0), builder.scalar(6)]),
  leakyrelu: (builder, x) => builder.node('LeakyRelu', [x], { alpha: { f: 0.2 } }),
  elu: (builder, x) => builder.node('Elu', [x], { alpha: { f: 1 } }),
  selu: (builder, x) => builder.node('Selu', [x]),
  sigmoid: (builder, x) => builder.node('Sigmoid', [x]),
  hardsigmoid: (builder, x) => builder.node('HardSigmoid', [x], { alpha: { f: 0.2 }, beta: { f: 0.5 } }),
  keras3hardsigmoid: hardGate,
  hardswish: (builder, x) => builder.node('Mul', [x, hardGate(builder, x)]),
  softplus: (builder, x) => builder.node('Softplus', [x]),
  softsign: (builder, x) => builder.node('Softsign', [x]),
  tanh: (builder, x) => builder.node('Tanh', [x]),
  exponential: (builder, x) => builder.node('Exp', [x]),
  swish: (builder, x) => builder.node('Mul', [x, builder.node('Sigmoid', [x])]),
  gelu,
  gelunew: geluTanh,
  celu: (builder, x) => builder.node('Elu', [x], { alpha: { f: 1 } }),
  hardshrink: (builder, x) => builder.node('Shrink', [x], { lambd: { f: 0.5 }, bias: { f: 0 } }),
  softshrink: (builder, x) => builder.node('Shrink', [x], { lambd: { f: 0.5 }, bias: { f: 0.5 } }),
  hardtanh: (builder, x) => builder.node('Clip', [x, builder.scalar(-1), builder.scalar(1)]),
  logsigmoid: logSigmoid,
  tanhshrink: (builder, x) => builder.node('Sub', [x, builder.node('Tanh', [x])]),
  squareplus,
  sparseplus: sparsePlus,
  sparsesigmoid: (builder, x) => builder.node('HardSigmoid', [x], { alpha: { f: 0.5 }, beta: { f: 0.5 } }),
  gelutanh: geluTanh,
  mish: (builder, x) => builder.node('Mul', [x, builder.node('Tanh', [builder.node('Softplus', [x])])]),
};
const aliases: Readonly<Record<string, string>> = { silu: 'swish', hardsilu: 'hardswish' };

/** The first half of the last axis, times the sigmoid of the second. */
function glu({ builder, layer }: LayerCall, value: Value): Value {
  const last = value.shape.at(-1);
  if (last == null || last % 2 !== 0) throw unsupportedLayer(layer, 'glu needs an even last axis');
  const axis = bornAxis(value, value.shape.length - 1);
  const [left, right] = builder.nodes('Split', [bornForm(value)], 2, { axis: { i: axis } }) as [
    string,
    string,
  ];
  const name = builder.node('Mul', [left, builder.node('Sigmoid', [right])]);
  const shape = [...value.shape.slice(0, -1), last / 2];
  return { shape, born: value.born, forms: { [value.born]: name } };
}

/**
 * Along the last axis, as Keras computes it: what it subtracts is made of the sums of sorted values where Martins and
 * Astudillo 2016 (arXiv 1602.02068) have the values themselves.
 */
function sparsemax({ builder, layer }: LayerCall, value: Value): Value {
  const size = value.shape.at(-1);
  if (size == null) throw unsupportedLayer(layer, 'sparsemax needs a last axis of known size');
  const x = builder.plain(value);
  const [sorted] = builder.nodes('TopK', [x, builder.integers([size])], 2, { axis: { i: -1 } }) as [string];
  const sums = builder.node('CumSum', [sorted, builder.integers([value.shape.length - 1], [])]);
  const places = builder.floats(rangeOf(layer, size).map((index) => index + 1));
  const scaled = builder.node('Add', [builder.node('Mul', [sorted, places]), builder.scalar(1)]);
  const support = builder.cast(builder.node('Greater', [scaled, sums]), 'float32');
  const total = (of: string) =>
    builder.node('ReduceSum', [of, builder.integers([-1])], { keepdims: { i: 1 } });
  const above = builder.node('Sub', [total(builder.node('Mul', [support, sums])), builder.scalar(1)]);
  const threshold = builder.node('Div', [above, total(support)]);
  return plainValue(builder.node('Relu', [builder.node('Sub', [x, threshold])]), value.shape);
}

const shaped: Readonly<Record<string, (call: LayerCall, value: Value) => Value>> = { glu, sparsemax };

const lastAxis: Readonly<Record<string, string>> = { softmax: 'Softmax', logsoftmax: 'LogSoftmax' };

function keyOf(activation: JsonValue | undefined): string | undefined {
  if (activation == null) return 'linear';
  if (typeof activation !== 'string') return undefined;
  const key = activation.toLowerCase().replaceAll('_', '');
  return aliases[key] ?? key;
}

/** Whether `config.activation` changes nothing. */
export function isLinear(activation: JsonValue | undefined): boolean {
  return keyOf(activation) === 'linear';
}

/** One of the activations that work element by element, by its name in Keras or tfjs; undefined for others. */
export function elementwiseActivation(name: string): Elementwise | undefined {
  const key = keyOf(name);
  return key !== undefined && Object.hasOwn(elementwise, key) ? elementwise[key] : undefined;
}

/** Applies `config.activation` by its name in Keras or tfjs. */
export function activate(call: LayerCall, value: Value, activation: JsonValue | undefined): Value {
  const key = keyOf(activation);
  if (key !== undefined && Object.hasOwn(elementwise, key)) {
    return mapValue(value, (x) => (elementwise[key] as Elementwise)(call.builder, x));
  }
  if (key !== undefined && Object.hasOwn(lastAxis, key)) {
    return alongAxis(call, value, lastAxis[key] as string, -1);
  }
  if (key !== undefined && Object.hasOwn(shaped, key)) return (shaped[key] as typeof glu)(call, value);
  throw unsupportedLayer(call.layer, `its activation is ${JSON.stringify(activation)}`);
}

/** Applies an element-wise operator in the layout that the value is already in. */
export function mapValue(value: Value, apply: (x: string) => string): Value {
  const { shape, born, dtype } = value;
  const forms = { [born]: apply(bornForm(value)) };
  return dtype === undefined ? { shape, born, forms } : { shape, born, forms, dtype };
}

/** Softmax over one axis of `x` or several: over several, exponentials by their sum, the largest one taken off before. */
export function softmaxOver(builder: GraphBuilder, x: string, axes: readonly number[]): string {
  if (axes.length === 1) return builder.node('Softmax', [x], { axis: { i: axes[0] as number } });
  const largest = builder.node('ReduceMax', [x], { axes: { ints: axes }, keepdims: { i: 1 } });
  const exponential = builder.node('Exp', [builder.node('Sub', [x, largest])]);
  const sum = builder.node('ReduceSum', [exponential, builder.integers(axes)], { keepdims: { i: 1 } });
  return builder.node('Div', [exponential, sum]);
}

/** An operator with an `axis`, which is given in Keras's order and may be negative. */
export function alongAxis(call: LayerCall, value: Value, opType: string, axis: number): Value {
  const rank = value.shape.length;
  const plainAxis = axis < 0 ? axis + rank : axis;
  if (plainAxis < 0 || plainAxis >= rank) {
    throw unsupportedLayer(call.layer, `its axis is ${axis} and its input has ${rank} axes`);
  }
  const position = bornAxis(value, plainAxis);
  return mapValue(value, (x) => call.builder.node(opType, [x], { axis: { i: position } }));
}
