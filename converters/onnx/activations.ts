import type { JsonValue } from '../../src/base/types.ts';
import type { LayerCall } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Value } from './value.ts';
import { bornForm, CHANNELS_FIRST_AXIS } from './value.ts';

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
  mish: (builder, x) => builder.node('Mul', [x, builder.node('Tanh', [builder.node('Softplus', [x])])]),
};
const aliases: Readonly<Record<string, string>> = { silu: 'swish', hardsilu: 'hardswish' };

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

/** Applies `config.activation` by its name in Keras or tfjs. */
export function activate(call: LayerCall, value: Value, activation: JsonValue | undefined): Value {
  const key = keyOf(activation);
  if (key !== undefined && Object.hasOwn(elementwise, key)) {
    return mapValue(value, (x) => (elementwise[key] as Elementwise)(call.builder, x));
  }
  if (key !== undefined && Object.hasOwn(lastAxis, key)) {
    return alongAxis(call, value, lastAxis[key] as string, -1);
  }
  throw unsupportedLayer(call.layer, `its activation is ${JSON.stringify(activation)}`);
}

/** Applies an element-wise operator in the layout that the value is already in. */
export function mapValue(value: Value, apply: (x: string) => string): Value {
  const { shape, born } = value;
  return { shape, born, forms: { [born]: apply(bornForm(value)) } };
}

/** An operator with an `axis`, which is given in Keras's order and may be negative. */
export function alongAxis(call: LayerCall, value: Value, opType: string, axis: number): Value {
  const rank = value.shape.length;
  const plainAxis = axis < 0 ? axis + rank : axis;
  if (plainAxis < 0 || plainAxis >= rank) {
    throw unsupportedLayer(call.layer, `its axis is ${axis} and its input has ${rank} axes`);
  }
  const position = value.born === 'plain' ? plainAxis : (CHANNELS_FIRST_AXIS[plainAxis] as number);
  return mapValue(value, (x) => call.builder.node(opType, [x], { axis: { i: position } }));
}
