import { pairOf, sidesOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer } from '../emitter.ts';
import { featureMapOf, featureMapValue } from '../spatial.ts';
import type { Value } from '../value.ts';

/** ONNX's way of saying "to the end". */
const END = Number.MAX_SAFE_INTEGER;

/**
 * The smallest normal float32, for zero: ONNX Runtime (since 1.17) makes zeros before a MaxPool that pool's own padding,
 * which never wins against values below zero, as zeros do. It leaves other constants alone.
 */
const NEARLY_ZERO = 2 ** -126;

function zeroPadding2d(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const { top, bottom, left, right } = sidesOf(call, 'padding');
  const pads = call.builder.integers([0, 0, top, left, 0, 0, bottom, right]);
  const name = call.builder.node('Pad', [map.name, pads, call.builder.scalar(NEARLY_ZERO)]);
  const rows = map.rows === null ? null : map.rows + top + bottom;
  const columns = map.columns === null ? null : map.columns + left + right;
  return featureMapValue(call, { ...map, name, rows, columns });
}

function cropping2d(call: LayerCall): Value {
  const { builder } = call;
  const map = featureMapOf(call, inputOf(call));
  const { top, bottom, left, right } = sidesOf(call, 'cropping');
  const ends = [bottom === 0 ? END : -bottom, right === 0 ? END : -right];
  const name = builder.node('Slice', [
    map.name,
    builder.integers([top, left]),
    builder.integers(ends),
    builder.integers([2, 3]),
  ]);
  const rows = map.rows === null ? null : map.rows - top - bottom;
  const columns = map.columns === null ? null : map.columns - left - right;
  return featureMapValue(call, { ...map, name, rows, columns });
}

function upSampling2d(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const [vertical, horizontal] = pairOf(call, 'size', [2, 2]);
  const interpolation = call.config.interpolation ?? 'nearest';
  if (interpolation !== 'nearest' && interpolation !== 'bilinear') {
    throw unsupportedLayer(call.layer, `its interpolation is ${JSON.stringify(interpolation)}`);
  }
  const halfPixel = interpolation === 'bilinear' && call.dialect === 'keras';
  const scales = call.builder.floats([1, 1, vertical, horizontal]);
  const name = call.builder.node('Resize', [map.name, '', scales], {
    mode: { s: interpolation === 'nearest' ? 'nearest' : 'linear' },
    coordinate_transformation_mode: { s: halfPixel ? 'half_pixel' : 'asymmetric' },
    ...(interpolation === 'nearest' ? { nearest_mode: { s: 'floor' } } : {}),
  });
  const rows = map.rows === null ? null : map.rows * vertical;
  const columns = map.columns === null ? null : map.columns * horizontal;
  return featureMapValue(call, { ...map, name, rows, columns });
}

export const resamplingEmitters: Readonly<Record<string, LayerEmitter>> = {
  ZeroPadding2D: { emit: zeroPadding2d },
  Cropping2D: { emit: cropping2d },
  UpSampling2D: { emit: upSampling2d },
};
