import { activate, mapValue, softmaxOver } from '../activations.ts';
import { axesOf, numberOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf } from '../emitter.ts';
import { outputFirst } from '../kernels.ts';
import type { Value } from '../value.ts';
import { bornAxis } from '../value.ts';

/** Keras: `max_value` above it, `x` between `threshold` and it, `negative_slope * (x - threshold)` below. */
function relu(call: LayerCall): Value {
  const { builder, config } = call;
  const slope = numberOf(config, 'negative_slope', 0);
  const threshold = numberOf(config, 'threshold', 0);
  const maximum = typeof config.max_value === 'number' ? config.max_value : undefined;
  return mapValue(inputOf(call), (x) => {
    if (slope === 0 && threshold === 0) {
      if (maximum === undefined) return builder.node('Relu', [x]);
      return builder.node('Clip', [x, builder.scalar(0), builder.scalar(maximum)]);
    }
    let y: string;
    if (threshold === 0) {
      y = builder.node('LeakyRelu', [x], { alpha: { f: slope } });
    } else {
      const limit = builder.scalar(threshold);
      const below = builder.node('Mul', [builder.node('Sub', [x, limit]), builder.scalar(slope)]);
      y = builder.node('Where', [builder.node('GreaterOrEqual', [x, limit]), x, below]);
    }
    return maximum === undefined ? y : builder.node('Min', [y, builder.scalar(maximum)]);
  });
}

function leakyRelu(call: LayerCall): Value {
  const alpha = numberOf(call.config, 'alpha', numberOf(call.config, 'negative_slope', 0.3));
  return mapValue(inputOf(call), (x) => call.builder.node('LeakyRelu', [x], { alpha: { f: alpha } }));
}

function elu(call: LayerCall): Value {
  const alpha = numberOf(call.config, 'alpha', 1);
  return mapValue(inputOf(call), (x) => call.builder.node('Elu', [x], { alpha: { f: alpha } }));
}

function thresholdedRelu(call: LayerCall): Value {
  const alpha = numberOf(call.config, 'theta', 1);
  return mapValue(inputOf(call), (x) => call.builder.node('ThresholdedRelu', [x], { alpha: { f: alpha } }));
}

function prelu(call: LayerCall): Value {
  const input = inputOf(call);
  const { shared_axes: shared } = call.config;
  const axes = Array.isArray(shared) ? shared : [];
  const dims = input.shape.slice(1).map((size, index) => (axes.includes(index + 1) ? 1 : size));
  const alpha = checkedWeight(call, 0, 'alpha', dims);
  const key = `${call.weightKey}:alpha`;
  if (input.born === 'plain') {
    const slope = call.builder.weights(key, alpha.shape, alpha.tensor);
    return mapValue(input, (x) => call.builder.node('PRelu', [x, slope]));
  }
  const channels = alpha.shape.at(-1) as number;
  const sizes = alpha.shape.slice(0, -1);
  const slope = call.builder.weights(`${key}:channels_first`, [channels, ...sizes], () =>
    outputFirst(alpha.numbers(), [...sizes, 1, channels]),
  );
  return mapValue(input, (x) => call.builder.node('PRelu', [x, slope]));
}

function softmax(call: LayerCall): Value {
  const input = inputOf(call);
  const axes = axesOf(call, input.shape.length).map((axis) => bornAxis(input, axis));
  return mapValue(input, (x) => softmaxOver(call.builder, x, axes));
}

export const activationEmitters: Readonly<Record<string, LayerEmitter>> = {
  Activation: { emit: (call) => activate(call, inputOf(call), call.config.activation) },
  ReLU: { emit: relu },
  LeakyReLU: { emit: leakyRelu },
  PReLU: { emit: prelu },
  ELU: { emit: elu },
  ThresholdedReLU: { emit: thresholdedRelu },
  Softmax: { emit: softmax },
};
