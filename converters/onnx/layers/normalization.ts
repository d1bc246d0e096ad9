import type { JsonValue } from '../../../src/base/types.ts';
import { mapValue } from '../activations.ts';
import { batchNormAxis, batchNormWeights } from '../batch-norm.ts';
import { flagOf, numberOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer, weightOf } from '../emitter.ts';
import type { Value } from '../value.ts';
import { CHANNELS_FIRST_AXIS, plainValue } from '../value.ts';

function batchNormalization(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const axis = batchNormAxis(call.layer, input.shape.length);
  const position = input.born === 'plain' ? axis : (CHANNELS_FIRST_AXIS[axis] as number);
  const { scale, shift } = batchNormWeights(call, input.shape[axis] ?? null);
  const size = scale.length;
  if (position === 1) {
    // ONNX Runtime runs this one in its blocked layout; mean 0 and variance 1 leave scale and shift.
    const vector = (role: string, make: () => Float32Array) =>
      builder.weights(`${call.weightKey}:${role}`, [size], make);
    const inputs = [
      vector('scale', () => Float32Array.from(scale)),
      vector('shift', () => Float32Array.from(shift)),
      vector('zero_mean', () => new Float32Array(size)),
      vector('unit_variance', () => new Float32Array(size).fill(1)),
    ];
    return mapValue(input, (x) => builder.node('BatchNormalization', [x, ...inputs], { epsilon: { f: 0 } }));
  }
  const dims = input.shape.map((_, index) => (index === position ? size : 1)).slice(1);
  const key = `${call.weightKey}:${dims.join('x')}`;
  const scaleName = builder.weights(`${key}:scale`, dims, () => Float32Array.from(scale));
  const shiftName = builder.weights(`${key}:shift`, dims, () => Float32Array.from(shift));
  return mapValue(input, (x) => builder.node('Add', [builder.node('Mul', [x, scaleName]), shiftName]));
}

function axesOf(call: LayerCall, axis: JsonValue | undefined, rank: number): number[] {
  const list = Array.isArray(axis) ? axis : [axis ?? -1];
  return list.map((item) => {
    if (typeof item !== 'number') throw unsupportedLayer(call.layer, `its axis is ${JSON.stringify(axis)}`);
    return item < 0 ? item + rank : item;
  });
}

function layerNormalization(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const rank = input.shape.length;
  const axes = axesOf(call, call.config.axis, rank).sort((a, b) => a - b);
  const first = axes[0] as number;
  if (axes.length !== rank - first || axes.some((axis, index) => axis !== first + index) || first < 1) {
    throw unsupportedLayer(call.layer, `its axis is ${JSON.stringify(call.config.axis)}, not the last ones`);
  }
  const sizes = input.shape.slice(first);
  if (sizes.includes(null))
    throw unsupportedLayer(call.layer, 'the size of its normalized axes is not known');
  const dims = sizes as number[];
  const length = dims.reduce((product, size) => product * size, 1);
  const hasScale = flagOf(call.config, 'scale', true);
  const scale = builder.weights(`${call.weightKey}:gamma`, dims, () =>
    hasScale ? weightOf(call, 0, 'gamma', dims) : new Float32Array(length).fill(1),
  );
  const inputs = [builder.plain(input), scale];
  if (flagOf(call.config, 'center', true)) {
    const beta = weightOf(call, hasScale ? 1 : 0, 'beta', dims);
    inputs.push(builder.weights(`${call.weightKey}:beta`, dims, () => beta));
  }
  const name = builder.node('LayerNormalization', inputs, {
    axis: { i: first },
    epsilon: { f: numberOf(call.config, 'epsilon', 1e-3) },
  });
  return plainValue(name, input.shape);
}

/** `scale` and `offset` are numbers, or lists with one number for each channel. */
function rescaling(call: LayerCall): Value {
  const { builder, config } = call;
  const input = inputOf(call);
  const constant = (key: string, otherwise: number): string => {
    const value = config[key];
    if (!Array.isArray(value)) return builder.scalar(numberOf(config, key, otherwise));
    const numbers = value.filter((item) => typeof item === 'number');
    if (numbers.length !== value.length) {
      throw unsupportedLayer(call.layer, `its ${key} is ${JSON.stringify(value)}`);
    }
    const dims = input.born === 'plain' ? [numbers.length] : [numbers.length, 1, 1];
    return builder.floats(numbers, dims);
  };
  const scale = constant('scale', 1);
  const offset = constant('offset', 0);
  return mapValue(input, (x) => builder.node('Add', [builder.node('Mul', [x, scale]), offset]));
}

export const normalizationEmitters: Readonly<Record<string, LayerEmitter>> = {
  BatchNormalization: { emit: batchNormalization },
  LayerNormalization: { emit: layerNormalization },
  Rescaling: { emit: rescaling },
};
