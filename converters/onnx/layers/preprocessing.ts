import { countOf, flagOf, numberOf, rangeOf, textOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, refuseInTfjs, unsupportedLayer } from '../emitter.ts';
import type { PictureSize } from '../resize.ts';
import { cropped, resized } from '../resize.ts';
import type { FeatureMap } from '../spatial.ts';
import { featureMapOf, featureMapValue, inOnnxOrder } from '../spatial.ts';
import type { Value } from '../value.ts';
import { plainValue } from '../value.ts';

function targetOf(call: LayerCall): PictureSize {
  return [countOf(call, 'height'), countOf(call, 'width')];
}

function knownSize(call: LayerCall, map: FeatureMap): PictureSize {
  const [rows, columns] = map.sizes;
  if (rows != null && columns != null) return [rows, columns];
  throw unsupportedLayer(call.layer, 'it depends on the size of its input, which is not known');
}

/** The largest part in the middle that has the target's proportions. */
function croppedToAspect(call: LayerCall, map: FeatureMap, target: PictureSize): FeatureMap {
  const [rows, columns] = knownSize(call, map);
  const part = (size: number, of: number, by: number, other: number) =>
    Math.max(Math.min(size, Math.trunc(Math.fround(Math.fround(other * of) / by))), 1);
  const size: PictureSize = [
    part(rows, target[0], target[1], columns),
    part(columns, target[1], target[0], rows),
  ];
  const start: PictureSize = [Math.trunc((rows - size[0]) / 2), Math.trunc((columns - size[1]) / 2)];
  return cropped(call.builder, map, start, size);
}

/** As much around the picture as gives it the target's proportions, the same on both sides. */
function paddedToAspect(call: LayerCall, map: FeatureMap, target: PictureSize): FeatureMap {
  const { builder } = call;
  const [rows, columns] = knownSize(call, map);
  const whole = (size: number, of: number, by: number, other: number) =>
    Math.max(size, Math.trunc(Math.fround(Math.fround(other * of) / by)));
  const sides = [
    Math.trunc((whole(rows, target[0], target[1], columns) - rows) / 2),
    Math.trunc((whole(columns, target[1], target[0], rows) - columns) / 2),
  ] as const;
  const pads = builder.integers(
    inOnnxOrder([
      [0, 0],
      [0, 0],
      [sides[0], sides[0]],
      [sides[1], sides[1]],
    ]),
  );
  const fill = builder.scalar(numberOf(call.config, 'fill_value', 0));
  const name = builder.node('Pad', [map.name, pads, fill]);
  return { ...map, name, sizes: [rows + 2 * sides[0], columns + 2 * sides[1]] };
}

function resizing(call: LayerCall): Value {
  refuseInTfjs(call);
  const { config, layer } = call;
  const interpolation = textOf(config, 'interpolation', 'bilinear').toLowerCase();
  if (interpolation !== 'bilinear' && interpolation !== 'nearest') {
    throw unsupportedLayer(layer, `its interpolation is ${JSON.stringify(config.interpolation)}`);
  }
  if (flagOf(config, 'antialias', false)) throw unsupportedLayer(layer, 'it is antialiased');
  const target = targetOf(call);
  let map = featureMapOf(call, inputOf(call), 2);
  if (flagOf(config, 'crop_to_aspect_ratio', false)) map = croppedToAspect(call, map, target);
  else if (flagOf(config, 'pad_to_aspect_ratio', false)) map = paddedToAspect(call, map, target);
  return featureMapValue(call, resized(call.builder, map, target, interpolation));
}

/** Smaller pictures are resized, cut to the target's proportions before. */
function centerCrop(call: LayerCall): Value {
  refuseInTfjs(call);
  const target = targetOf(call);
  const map = featureMapOf(call, inputOf(call), 2);
  const [rows, columns] = knownSize(call, map);
  const beyond = [rows - target[0], columns - target[1]] as const;
  if (beyond.every((length) => length >= 0)) {
    const start: PictureSize = [Math.floor(beyond[0] / 2), Math.floor(beyond[1] / 2)];
    return featureMapValue(call, cropped(call.builder, map, start, target));
  }
  const part = croppedToAspect(call, map, target);
  return featureMapValue(call, resized(call.builder, part, target, 'bilinear'));
}

/** Whole numbers below `depth` as Keras's `output_mode` wants them. */
function encoded(call: LayerCall, indices: Value, depth: number, mode: string): Value {
  const { builder } = call;
  const rank = indices.shape.length;
  const x = builder.plain(indices);
  const range = builder.int32s(rangeOf(call.layer, depth));
  const hot = (from: string) =>
    builder.cast(
      builder.node('Equal', [builder.node('Unsqueeze', [from, builder.integers([-1])]), range]),
      'float32',
    );
  if (mode === 'one_hot') {
    if (rank < 2 || indices.shape.at(-1) !== 1) return plainValue(hot(x), [...indices.shape, depth]);
    const squeezed = builder.node('Squeeze', [x, builder.integers([-1])]);
    return plainValue(hot(squeezed), [...indices.shape.slice(0, -1), depth]);
  }
  if ((mode !== 'multi_hot' && mode !== 'count') || rank < 2) {
    throw unsupportedLayer(call.layer, `its output_mode is ${mode} and its input has ${rank} axes`);
  }
  const shape = [...indices.shape.slice(0, 1), ...indices.shape.slice(2), depth];
  const all = hot(x);
  const name =
    mode === 'count'
      ? builder.node('ReduceSum', [all, builder.integers([1])], { keepdims: { i: 0 } })
      : builder.node('ReduceMax', [all], { axes: { ints: [1] }, keepdims: { i: 0 } });
  return plainValue(name, shape);
}

function categoryEncoding(call: LayerCall): Value {
  refuseInTfjs(call);
  const depth = countOf(call, 'num_tokens');
  const mode = textOf(call.config, 'output_mode', 'multi_hot');
  return encoded(call, call.builder.castValue(inputOf(call), 'int32'), depth, mode);
}

/** How many boundaries a number has reached. */
function discretization(call: LayerCall): Value {
  const { builder, config } = call;
  const boundaries = config.bin_boundaries;
  if (!Array.isArray(boundaries) || !boundaries.every((bound) => typeof bound === 'number')) {
    throw unsupportedLayer(call.layer, `its bin_boundaries are ${JSON.stringify(boundaries)}`);
  }
  const input = inputOf(call);
  const x = builder.node('Unsqueeze', [builder.plain(input), builder.integers([-1])]);
  const reached = builder.cast(builder.node('GreaterOrEqual', [x, builder.floats(boundaries)]), 'int32');
  const count = builder.node('ReduceSum', [reached, builder.integers([-1])], { keepdims: { i: 0 } });
  const indices = plainValue(count, input.shape, 'int32');
  const mode = textOf(config, 'output_mode', 'int');
  return mode === 'int' ? indices : encoded(call, indices, boundaries.length + 1, mode);
}

export const preprocessingEmitters: Readonly<Record<string, LayerEmitter>> = {
  Resizing: { emit: resizing },
  CenterCrop: { emit: centerCrop },
  CategoryEncoding: { emit: categoryEncoding, takesIntegers: true },
  Discretization: { emit: discretization },
};
