import type { JsonValue } from '../../../src/base/types.ts';
import { flagOf } from '../config.ts';
import type { CheckedWeight, LayerCall } from '../emitter.ts';
import type { Attribute } from '../protobuf.ts';
import type { RecurrentPart } from './recurrent-cells.ts';
import { columns, partWeight, resetAfter, unitsOf } from './recurrent-cells.ts';
import type { Passage, Passed } from './recurrent-scan.ts';

interface Native {
  readonly opType: string;
  /** Where each of ONNX's gates stands in Keras's order. */
  readonly order: readonly number[];
  /** Keys of the activations, as the operator takes them. */
  readonly activations: readonly string[];
  readonly states: number;
}

const NATIVE: Readonly<Record<string, Native>> = {
  SimpleRNN: { opType: 'RNN', order: [0], activations: ['activation'], states: 1 },
  // ONNX: input, output, forget, cell; Keras: input, forget, cell, output.
  LSTM: {
    opType: 'LSTM',
    order: [0, 3, 1, 2],
    activations: ['recurrent_activation', 'activation', 'activation'],
    states: 2,
  },
  // Update, reset and candidate in both.
  GRU: { opType: 'GRU', order: [0, 1, 2], activations: ['recurrent_activation', 'activation'], states: 1 },
};

const DEFAULTS: Readonly<Record<string, string>> = { activation: 'tanh', recurrent_activation: 'sigmoid' };

interface NativeActivation {
  readonly name: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** The activations that ONNX's operators compute as Keras does, by Keras's names without their underscores. */
const ACTIVATIONS: Readonly<Record<string, NativeActivation>> = {
  hardsigmoid: { name: 'HardSigmoid', alpha: 0.2, beta: 0.5 },
  keras3hardsigmoid: { name: 'HardSigmoid', alpha: 1 / 6, beta: 0.5 },
  relu: { name: 'Relu' },
  sigmoid: { name: 'Sigmoid' },
  tanh: { name: 'Tanh' },
};

function nativeActivation(value: JsonValue): NativeActivation | undefined {
  const key = typeof value === 'string' ? value.toLowerCase().replaceAll('_', '') : '';
  return Object.hasOwn(ACTIVATIONS, key) ? ACTIVATIONS[key] : undefined;
}

/** Names for all of them; parameters only for those that take some. */
function activationAttributes(activations: readonly NativeActivation[]): Record<string, Attribute> {
  const alphas = activations.flatMap(({ alpha }) => (alpha === undefined ? [] : [alpha]));
  const betas = activations.flatMap(({ beta }) => (beta === undefined ? [] : [beta]));
  return {
    activations: { strings: activations.map(({ name }) => name) },
    ...(alphas.length === 0 ? {} : { activation_alpha: { floats: alphas } }),
    ...(betas.length === 0 ? {} : { activation_beta: { floats: betas } }),
  };
}

/**
 * SimpleRNN, LSTM and GRU by ONNX's operators of the same names; undefined where these cannot compute it. `x` is
 * `[batch, steps, features]`, `initial` the states as `[batch, units]`.
 */
export function nativePassed(
  call: LayerCall,
  part: RecurrentPart,
  x: string,
  features: number,
  initial: readonly string[] | undefined,
  { reverse, aligned }: Passage,
): Passed | undefined {
  const native = Object.hasOwn(NATIVE, part.className) ? NATIVE[part.className] : undefined;
  if (native === undefined) return undefined;
  const { config, key } = part;
  const activations = native.activations.map((name) =>
    nativeActivation(config[name] ?? (DEFAULTS[name] as string)),
  );
  const known = activations.filter((activation) => activation !== undefined);
  if (known.length !== activations.length) return undefined;

  const { builder } = call;
  const gates = native.order.length;
  const units = unitsOf(call, config);
  const width = gates * units;
  const kernel = partWeight(call, part, 0, 'kernel', [features, width]);
  const recurrent = partWeight(call, part, 1, 'recurrent kernel', [units, width]);
  const after = part.className === 'GRU' && resetAfter(config);
  const bias = flagOf(config, 'use_bias', true)
    ? partWeight(call, part, 2, 'bias', after ? [2, width] : [width])
    : undefined;

  const rows = (weight: CheckedWeight, count: number) => () =>
    gatesFirst(weight.numbers(), count, units, native.order);
  const inputs = [
    builder.transpose(x, [1, 0, 2]),
    builder.weights(`${key}:W`, [1, width, features], rows(kernel, features)),
    builder.weights(`${key}:R`, [1, width, units], rows(recurrent, units)),
    bias === undefined
      ? ''
      : builder.weights(`${key}:B`, [1, 2 * width], () => {
          const numbers = bias.numbers();
          const both = new Float32Array(2 * width);
          both.set(gatesFirst(numbers.subarray(0, width), 1, units, native.order));
          if (after) both.set(gatesFirst(numbers.subarray(width), 1, units, native.order), width);
          return both;
        }),
    '',
    ...(initial ?? []).map((state) => builder.node('Unsqueeze', [state, builder.integers([0])])),
  ];
  while (inputs.at(-1) === '') inputs.pop();
  const attributes: Record<string, Attribute> = {
    hidden_size: { i: units },
    ...activationAttributes(known),
    ...(reverse ? { direction: { s: 'reverse' } } : {}),
    ...(after ? { linear_before_reset: { i: 1 } } : {}),
  };
  const [all, ...states] = builder.nodes(native.opType, inputs, 1 + native.states, attributes) as [
    string,
    ...string[],
  ];
  const steps = builder.transpose(builder.node('Squeeze', [all, builder.integers([1])]), [1, 0, 2]);
  const final = states.map((state) => builder.node('Squeeze', [state, builder.integers([0])]));
  return {
    last: final[0] as string,
    // The operator's outputs stand where the inputs stood.
    sequence: reverse && !aligned ? flippedSteps(call, steps) : steps,
    states: final,
  };
}

/** `[rows, gates * units]` in Keras's order of gates as `[gates * units, rows]` in ONNX's. */
function gatesFirst(
  matrix: Float32Array,
  rows: number,
  units: number,
  order: readonly number[],
): Float32Array {
  const width = units * order.length;
  const result = new Float32Array(matrix.length);
  order.forEach((gate, index) => {
    const part = columns(matrix, width, gate * units, (gate + 1) * units);
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < units; unit++) {
        result[(index * units + unit) * rows + row] = part[row * units + unit] as number;
      }
    }
  });
  return result;
}

/** `[batch, steps, ...]` from the last step to the first. */
export function flippedSteps({ builder }: LayerCall, x: string): string {
  const before = builder.integers([-(2 ** 31)]);
  return builder.node('Slice', [
    x,
    builder.integers([-1]),
    before,
    builder.integers([1]),
    builder.integers([-1]),
  ]);
}
