import { sidesOf, tupleOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer } from '../emitter.ts';
import { featureMapOf, featureMapValue, inOnnxOrder, spatialAxes } from '../spatial.ts';
import type { Value } from '../value.ts';

/** ONNX's way of saying "to the end". */
const END = Number.MAX_SAFE_INTEGER;

/**
 * The smallest normal float32, for zero: ONNX Runtime (since 1.17) makes zeros before a MaxPool that pool's own padding,
 * which never wins against values below zero, as zeros do. It leaves other constants alone.
 */
const NEARLY_ZERO = 2 ** -126;

function zeroPadding(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const sides = sidesOf(call, 'padding', spatialAxes(call));
  const pads = call.builder.integers(inOnnxOrder([[0, 0], [0, 0], ...sides]));
  const name = call.builder.node('Pad', [map.name, pads, call.builder.scalar(NEARLY_ZERO)]);
  const sizes = map.sizes.map((size, axis) => {
    const [before, behind] = sides[axis] as [number, number];
    return size === null ? null : size + before + behind;
  });
  return featureMapValue(call, { ...map, name, sizes });
}

function cropping(call: LayerCall): Value {
  const { builder } = call;
  const map = featureMapOf(call, inputOf(call));
  const sides = sidesOf(call, 'cropping', spatialAxes(call));
  const name = builder.node('Slice', [
    map.name,
    builder.integers(sides.map(([before]) => before)),
    builder.integers(sides.map(([, behind]) => (behind === 0 ? END : -behind))),
    builder.integers(sides.map((_, axis) => axis + 2)),
  ]);
  const sizes = map.sizes.map((size, axis) => {
    const [before, behind] = sides[axis] as [number, number];
    return size === null ? null : size - before - behind;
  });
  return featureMapValue(call, { ...map, name, sizes });
}

function upSampling(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const axes = spatialAxes(call);
  const factors = tupleOf(call, 'size', axes, 2);
  const interpolation = call.config.interpolation ?? 'nearest';
  if (interpolation !== 'nearest' && (interpolation !== 'bilinear' || axes !== 2)) {
    throw unsupportedLayer(call.layer, `its interpolation is ${JSON.stringify(interpolation)}`);
  }
  const halfPixel = interpolation === 'bilinear' && call.dialect === 'keras';
  const scales = call.builder.floats([1, 1, ...factors]);
  const name = call.builder.node('Resize', [map.name, '', scales], {
    mode: { s: interpolation === 'nearest' ? 'nearest' : 'linear' },
    coordinate_transformation_mode: { s: halfPixel ? 'half_pixel' : 'asymmetric' },
    ...(interpolation === 'nearest' ? { nearest_mode: { s: 'floor' } } : {}),
  });
  const sizes = map.sizes.map((size, axis) => (size === null ? null : size * (factors[axis] as number)));
  return featureMapValue(call, { ...map, name, sizes });
}

const each = (prefix: string, emit: (call: LayerCall) => Value) =>
  Object.fromEntries(['1D', '2D', '3D'].map((axes): [string, LayerEmitter] => [prefix + axes, { emit }]));

export const resamplingEmitters: Readonly<Record<string, LayerEmitter>> = {
  ...each('ZeroPadding', zeroPadding),
  ...each('Cropping', cropping),
  ...each('UpSampling', upSampling),
};
