import { mapValue } from '../activations.ts';
import type { AxisAffine } from '../affine.ts';
import {
  batchNormAffine,
  layerScaleAffine,
  normalizationAffine,
  normalizationConstants,
  rescalingAffine,
} from '../affine.ts';
import type { AffineSource, LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf } from '../emitter.ts';
import { scaledChannels } from '../scaled-channels.ts';
import type { Shape, Value } from '../value.ts';
import { bornAxis, channelsFirstValue, plainValue } from '../value.ts';

/** Writes an affine map; `chain` holds it together with those before it. */
function emitAffine(call: LayerCall, own: AxisAffine): Value {
  const { builder, chain } = call;
  const input = inputOf(call);
  const { axis, scale, shift } = chain ?? own;
  // Along an axis as short as a picture's three channels the runtime multiplies ten times slower than along a row.
  if (input.shape.length === 4 && axis === 3 && scale.length < 8 && input.born === 'plain') {
    const turned = channelsFirstValue(builder.channelsFirst(input), input.shape);
    return emitAffine({ ...call, inputs: [turned] }, own);
  }
  const position = bornAxis(input, axis);
  const size = scale.length;
  const key = chain === undefined ? call.weightKey : `${builder.scope}:chain`;
  if (call.layer.className === 'BatchNormalization' && position === 1) {
    // ONNX Runtime runs this one in its blocked layout; mean 0 and variance 1 leave scale and shift.
    const vector = (role: string, make: () => Float32Array) =>
      builder.weights(`${key}:${role}`, [size], make);
    const inputs = [
      vector('scale', () => Float32Array.from(scale)),
      vector('shift', () => Float32Array.from(shift)),
      vector('zero_mean', () => new Float32Array(size)),
      vector('unit_variance', () => new Float32Array(size).fill(1)),
    ];
    return mapValue(input, (x) => builder.node('BatchNormalization', [x, ...inputs], { epsilon: { f: 0 } }));
  }
  return scaledChannels(builder, input, { axis, scale, shift }, key);
}

function affineEmitter(affineOf: (source: AffineSource, shape: Shape) => AxisAffine): LayerEmitter {
  return { emit: (call) => emitAffine(call, affineOf(call, inputOf(call).shape)), affine: affineOf };
}

function normalization(call: LayerCall): Value {
  const input = inputOf(call);
  const own = normalizationAffine(call, input.shape);
  if (own !== undefined) return emitAffine(call, own);
  const { axes, affine } = normalizationConstants(call, input.shape);
  const dims = input.shape.map((size, axis) => (axes.includes(axis) ? (size as number) : 1)).slice(1);
  const constant = (role: 'scale' | 'shift') =>
    call.builder.weights(`${call.weightKey}:${role}`, dims, () => Float32Array.from(affine[role]));
  const scaled = call.builder.node('Mul', [call.builder.plain(input), constant('scale')]);
  return plainValue(call.builder.node('Add', [scaled, constant('shift')]), input.shape);
}

export const normalizationEmitters: Readonly<Record<string, LayerEmitter>> = {
  BatchNormalization: affineEmitter(batchNormAffine),
  LayerScale: affineEmitter(layerScaleAffine),
  Normalization: { emit: normalization, affine: normalizationAffine },
  Rescaling: affineEmitter(rescalingAffine),
};
