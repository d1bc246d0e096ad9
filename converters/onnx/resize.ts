import type { GraphBuilder } from './graph-builder.ts';
import type { FeatureMap } from './spatial.ts';

/** Rows and columns that the picture is to have. */
export type PictureSize = readonly [number, number];

/**
 * Resizes a map of rows and columns as TensorFlow does since version 2: with half-pixel centres and without antialiasing.
 * `nearest` takes the pixel in which the centre lies.
 */
export function resized(
  builder: GraphBuilder,
  map: FeatureMap,
  size: PictureSize,
  interpolation: 'bilinear' | 'nearest',
): FeatureMap {
  if (interpolation === 'nearest' && map.sizes.every((length) => length !== null) && size.every(isShort)) {
    const name = map.sizes.reduce<string>((x, length, axis) => {
      const indices = nearestIndices(length, size[axis] as number);
      return builder.node('Gather', [x, builder.integers(indices)], { axis: { i: axis + 2 } });
    }, map.name);
    return { ...map, name, sizes: size };
  }
  // Sizes rather than scales: a scale that is not exact can lose a row. The batch is known at run time only.
  const shape = builder.node('Shape', [map.name], { end: { i: 2 } });
  const sizes = builder.node('Concat', [shape, builder.integers(size)], { axis: { i: 0 } });
  const name = builder.node('Resize', [map.name, '', '', sizes], {
    mode: { s: interpolation === 'nearest' ? 'nearest' : 'linear' },
    coordinate_transformation_mode: { s: 'half_pixel' },
    ...(interpolation === 'nearest' ? { nearest_mode: { s: 'round_prefer_ceil' } } : {}),
  });
  return { ...map, name, sizes: size };
}

/** So that the places of all pixels are a constant that may be held. */
const isShort = (length: number) => length <= 2 ** 20;

/** In float32, as TensorFlow computes them. */
function nearestIndices(from: number, to: number): number[] {
  const scale = Math.fround(from / to);
  return Array.from({ length: to }, (_, index) =>
    Math.min(Math.floor(Math.fround((index + 0.5) * scale)), from - 1),
  );
}

/** Cuts the map down to `size`, from `start` on. */
export function cropped(
  builder: GraphBuilder,
  map: FeatureMap,
  start: PictureSize,
  size: PictureSize,
): FeatureMap {
  if (start.every((at) => at === 0) && size.every((length, axis) => length === map.sizes[axis])) return map;
  const name = builder.node('Slice', [
    map.name,
    builder.integers(start),
    builder.integers(start.map((at, axis) => at + (size[axis] as number))),
    builder.integers([2, 3]),
  ]);
  return { ...map, name, sizes: size };
}
