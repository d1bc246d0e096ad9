import * as tf from '@tensorflow/tfjs';

/** TensorFlow's ways of resizing a picture. */
export const INTERPOLATIONS = [
  'nearest',
  'bilinear',
  'bicubic',
  'lanczos3',
  'lanczos5',
  'gaussian',
  'mitchellcubic',
] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** `area`: the mean of what lies under each new pixel. */
export type Resampling = Interpolation | 'area';

/** Each slice along the axis, so many times. */
export function repeated(x: tf.Tensor, axis: number, times: number): tf.Tensor {
  if (times === 1) return x;
  const { shape } = x;
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const length = shape[axis] as number;
  const spread = tf.reshape(x, [...before, length, 1, ...after]);
  // Not tf.tile: its gradients end at 4 axes.
  const copies = tf.concat(
    Array.from({ length: times }, () => spread),
    axis + 1,
  );
  return tf.reshape(copies, [...before, length * times, ...after]);
}

interface Kernel {
  readonly radius: number;
  readonly weight: (x: number) => number;
}

const lanczos = (radius: number): Kernel => ({
  radius,
  weight: (x) => {
    if (x > radius) return 0;
    if (x <= 1e-3) return 1;
    return (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * x) ** 2;
  },
});

const cubicNear = (x: number) => (1.5 * x - 2.5) * x * x + 1;
const cubicFar = (x: number) => ((-0.5 * x + 2.5) * x - 4) * x + 2;

/** Of distances, in pixels. @source tensorflow/core/kernels/image/sampling_kernels.h */
const KERNELS: Readonly<Record<Exclude<Interpolation, 'nearest'>, Kernel>> = {
  bicubic: {
    radius: 2,
    weight: (x) => (x < 1 ? cubicNear(x) : x < 2 ? cubicFar(x) : 0),
  },
  bilinear: { radius: 1, weight: (x) => Math.max(0, 1 - x) },
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
  gaussian: { radius: 1.5, weight: (x) => (x >= 1.5 ? 0 : Math.exp(-(x ** 2) / (2 * 0.5 ** 2))) },
  mitchellcubic: {
    radius: 2,
    weight: (x) => {
      if (x >= 2) return 0;
      if (x >= 1) return ((-7 / 18) * x + 2) * x * x - (10 / 3) * x + 16 / 9;
      return ((7 / 6) * x - 2) * x * x + 8 / 9;
    },
  },
};

/** A row for each output position, with a weight for each input position; each row's sum is 1. */
function weightsOf(from: number, to: number, weigh: (centre: number) => Map<number, number>): Float32Array {
  const matrix = new Float32Array(to * from);
  for (let out = 0; out < to; out++) {
    const row = weigh(((out + 0.5) * from) / to);
    const total = [...row.values()].reduce((sum, weight) => sum + weight, 0);
    for (const [place, weight] of row) matrix[out * from + place] = weight / total;
  }
  return matrix;
}

const inside = (place: number, from: number) => place >= 0 && place < from;

/** Positions are rounded to 1/1024 of a pixel, as TensorFlow's table has them. @source tensorflow/core/kernels/image/resize_bicubic_op.cc */
function bicubicRow(centre: number, from: number): Map<number, number> {
  const first = Math.floor(centre - 0.5);
  const delta = Math.round((centre - 0.5 - first) * 1024) / 1024;
  const weights = [cubicFar(delta + 1), cubicNear(delta), cubicNear(1 - delta), cubicFar(2 - delta)];
  return new Map(
    weights
      .map((weight, i): [number, number] => [first - 1 + i, weight])
      .filter(([place]) => inside(place, from)),
  );
}

/** @source tensorflow/core/kernels/image/scale_and_translate_op.cc */
function kernelRow(centre: number, from: number, kernel: Kernel, stretch: number): Map<number, number> {
  const row = new Map<number, number>();
  const radius = kernel.radius * stretch;
  for (let place = Math.ceil(centre - radius - 0.5); place <= centre + radius - 0.5; place++) {
    if (inside(place, from)) row.set(place, kernel.weight(Math.abs(place + 0.5 - centre) / stretch));
  }
  return row;
}

function areaRow(centre: number, from: number, step: number): Map<number, number> {
  const row = new Map<number, number>();
  const [start, end] = [centre - step / 2, centre + step / 2];
  for (let place = Math.floor(start); place < end; place++) {
    if (inside(place, from)) row.set(place, Math.min(place + 1, end) - Math.max(place, start));
  }
  return row;
}

function matrixOf(from: number, to: number, how: Resampling, antialias = false): tf.Tensor2D {
  const step = from / to;
  const rowOf = (centre: number): Map<number, number> => {
    if (how === 'nearest') return new Map([[Math.min(Math.floor(centre), from - 1), 1]]);
    if (how === 'area') return areaRow(centre, from, step);
    if (how === 'bicubic' && !antialias) return bicubicRow(centre, from);
    return kernelRow(centre, from, KERNELS[how], antialias ? Math.max(1, step) : 1);
  };
  return tf.tensor2d(weightsOf(from, to, rowOf), [to, from]);
}

/** The matrix times what lies along one axis of pictures, for all of them at once. */
function multiplied(x: tf.Tensor4D, axis: 1 | 2, matrix: tf.Tensor2D, transposed: boolean): tf.Tensor4D {
  // The axis goes first, so that one product does all the rest.
  const order = axis === 1 ? [1, 0, 2, 3] : [2, 0, 1, 3];
  const back = axis === 1 ? [1, 0, 2, 3] : [1, 2, 0, 3];
  const turned = tf.transpose(x, order);
  const product = tf.matMul(matrix, tf.reshape(turned, [x.shape[axis], -1]), transposed);
  const shape = [-1, ...turned.shape.slice(1)] as [number, number, number, number];
  return tf.transpose(tf.reshape(product, shape), back);
}

/**
 * Pictures `[batch, rows, columns, channels]` in another size, as `tf.image.resize` of TensorFlow 2 resizes them: the
 * centres of pixels are at halves. With `antialias`, every old pixel counts where pictures are made smaller. The output is
 * float32.
 *
 * @source tensorflow/python/ops/image_ops_impl.py
 */
export function resizePictures(
  x: tf.Tensor4D,
  size: readonly [number, number],
  interpolation: Resampling,
  antialias = false,
): tf.Tensor4D {
  const [rows, columns] = size;
  const matrices = () =>
    [
      matrixOf(x.shape[1], rows, interpolation, antialias),
      matrixOf(x.shape[2], columns, interpolation, antialias),
    ] as const;
  const exact = interpolation === 'nearest' || (interpolation === 'bilinear' && !antialias);
  if (!exact) {
    const [down, across] = matrices();
    return multiplied(multiplied(x, 1, down, false), 2, across, false);
  }
  // tfjs's gradients of these know no half pixels.
  const resize = tf.customGrad((input) => ({
    value:
      interpolation === 'nearest'
        ? tf.image.resizeNearestNeighbor(input as tf.Tensor4D, [rows, columns], false, true)
        : tf.image.resizeBilinear(input as tf.Tensor4D, [rows, columns], false, true),
    gradFunc: (dy: tf.Tensor) => {
      const [down, across] = matrices();
      return multiplied(multiplied(dy as tf.Tensor4D, 2, across, true), 1, down, true);
    },
  }));
  return resize(tf.cast(x, 'float32')) as tf.Tensor4D;
}
