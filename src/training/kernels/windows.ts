import * as tf from '@tensorflow/tfjs';

/** One axis of a convolution: how a window of `size` steps, `dilation` apart, moves by `stride` over padded input. */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  /** Zeros before the input. */
  readonly before: number;
}

/** The geometry of a convolution of `[batch, height, width, channels]`. */
export interface Window {
  readonly batch: number;
  readonly rows: Axis;
  readonly columns: Axis;
  readonly inChannels: number;
  /** Of a depthwise convolution: input channels times the multiplier. */
  readonly outChannels: number;
}

export interface WindowAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: number | [number, number] | null;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export type Shape4D = [number, number, number, number];

/** @throws Error for channels that come first, as the kernels of tfjs's WASM backend do */
export function windowOf(
  x: Shape4D,
  filter: Shape4D,
  { strides, pad, dilations, dataFormat = 'NHWC', dimRoundingMode }: WindowAttributes,
  depthwise = false,
): Window {
  if (dataFormat !== 'NHWC') {
    throw new Error(`The gradient of a convolution needs data in the format NHWC, not ${dataFormat}.`);
  }
  const info = tf.backend_util.computeConv2DInfo(
    x,
    filter,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  return {
    batch: info.batchSize,
    rows: {
      input: info.inHeight,
      output: info.outHeight,
      size: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    },
    columns: {
      input: info.inWidth,
      output: info.outWidth,
      size: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    },
    inChannels: info.inChannels,
    outChannels: info.outChannels,
  };
}

/** From the first to the last input step that a window over `axis` reads, padding included. */
export function reach({ output, size, stride, dilation }: Axis): number {
  return (output - 1) * stride + (size - 1) * dilation + 1;
}

/** A convolution that reads each pixel once: a matrix product. */
export function isPointwise({ rows, columns }: Window): boolean {
  return [rows, columns].every(({ size, stride, before, input, output }) => {
    return size === 1 && stride === 1 && before === 0 && input === output;
  });
}

/** The input with the zeros around it that its windows read, and without what no window reads behind. */
export function padded(x: tf.Tensor4D, { rows, columns }: Window): tf.Tensor4D {
  const [top, bottom] = [rows.before, Math.max(reach(rows) - rows.input - rows.before, 0)];
  const [left, right] = [columns.before, Math.max(reach(columns) - columns.input - columns.before, 0)];
  if (top + bottom + left + right === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}

/** What the window's element `[row, column]` reads of `padded(x)`: `[batch, output rows, output columns, channels]`. */
export function tap(x: tf.Tensor4D, { rows, columns }: Window, row: number, column: number): tf.Tensor4D {
  const [batch, , , channels] = x.shape;
  const from = [0, row * rows.dilation, column * columns.dilation, 0];
  if (rows.stride === 1 && columns.stride === 1) {
    return tf.slice(x, from, [batch, rows.output, columns.output, channels]);
  }
  const end = [
    batch,
    from[1]! + (rows.output - 1) * rows.stride + 1,
    from[2]! + (columns.output - 1) * columns.stride + 1,
    channels,
  ];
  return tf.stridedSlice(x, from, end, [1, rows.stride, columns.stride, 1]) as tf.Tensor4D;
}

/** The elements of the window, row by row. */
export function* elements({ rows, columns }: Window): Generator<[row: number, column: number]> {
  for (let row = 0; row < rows.size; row++) {
    for (let column = 0; column < columns.size; column++) yield [row, column];
  }
}

/**
 * The gradient of the output, spread so that the gradient of the input is a convolution of stride 1 over it with the
 * mirrored kernel: zeros between its steps where the stride is over 1, and as many around it as windows stand out.
 */
export function spread(dy: tf.Tensor4D, { rows, columns }: Window): tf.Tensor4D {
  return alongAxis(alongAxis(dy, 1, rows), 2, columns);
}

function alongAxis(dy: tf.Tensor4D, position: 1 | 2, axis: Axis): tf.Tensor4D {
  const { input, output, size, stride, dilation, before } = axis;
  const shape = [...dy.shape] as Shape4D;
  let steps: tf.Tensor4D = dy;
  if (stride > 1) {
    const outer = shape.slice(0, position + 1).reduce((product, side) => product * side, 1);
    const inner = shape.slice(position + 1).reduce((product, side) => product * side, 1);
    const apart = tf.pad(tf.reshape(dy, [outer, 1, inner]), [
      [0, 0],
      [0, stride - 1],
      [0, 0],
    ]);
    shape[position] = output * stride;
    steps = tf.reshape(apart, shape);
  }
  const length = shape[position];
  const standsOut = (size - 1) * dilation;
  const first = standsOut - before;
  const last = input + standsOut - first - length;
  const cutFirst = Math.max(-first, 0);
  const cutLast = Math.max(-last, 0);
  if (cutFirst + cutLast > 0) {
    const from: Shape4D = [0, 0, 0, 0];
    from[position] = cutFirst;
    const kept = [...shape] as Shape4D;
    kept[position] = length - cutFirst - cutLast;
    steps = tf.slice(steps, from, kept);
  }
  const zeros: [number, number] = [Math.max(first, 0), Math.max(last, 0)];
  if (zeros[0] + zeros[1] === 0) return steps;
  const around: [number, number][] = [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  around[position] = zeros;
  return tf.pad(steps, around);
}
