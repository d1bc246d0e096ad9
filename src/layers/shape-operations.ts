import * as tf from '@tensorflow/tfjs';
import { constantOf } from './constants.ts';
import { contract, parseContraction } from './einsum.ts';
import { axisOf, unary, type Operation, type Options } from './operation.ts';
import type { Interpolation } from './resample.ts';
import { repeated, resizePictures } from './resample.ts';

/** What `x[...]` says of one axis, as `converters/keras/operation-list.ts` has it. */
export type Slice =
  | { readonly index: number }
  | { readonly start: number | null; readonly stop: number | null; readonly step: number | null }
  | { readonly newAxis: true }
  | { readonly ellipsis: true };

type Range = Extract<Slice, { readonly step: number | null }>;

/** Slices with the ellipsis spelled out, and with nothing left out behind: one for each axis, new ones in between. */
export function spelledOut(slices: readonly Slice[], rank: number): Exclude<Slice, { ellipsis: true }>[] {
  const whole = { start: null, stop: null, step: null };
  const taken = slices.filter((slice) => !('newAxis' in slice) && !('ellipsis' in slice)).length;
  const rest = Array.from({ length: rank - taken }, () => whole);
  const at = slices.findIndex((slice) => 'ellipsis' in slice);
  const all = at < 0 ? [...slices, ...rest] : [...slices.slice(0, at), ...rest, ...slices.slice(at + 1)];
  return all as Exclude<Slice, { ellipsis: true }>[];
}

/** The first position of a range in an axis of `size`, and how many there are, as Python counts them. */
export function positionsOf(
  { start, stop, step: given }: Range,
  size: number,
): [first: number, count: number] {
  const step = given ?? 1;
  const bound = (value: number | null, otherwise: number) => {
    if (value === null) return otherwise;
    const fromFront = value < 0 ? value + size : value;
    return step > 0 ? Math.min(Math.max(fromFront, 0), size) : Math.min(Math.max(fromFront, -1), size - 1);
  };
  const first = bound(start, step > 0 ? 0 : size - 1);
  const end = bound(stop, step > 0 ? size : -1);
  return [first, Math.max(0, Math.ceil((end - first) / step))];
}

function item(x: tf.Tensor, slices: readonly Slice[]): tf.Tensor {
  const all = spelledOut(slices, x.rank);
  const begin: number[] = [];
  const sizes: number[] = [];
  const strides: number[] = [];
  const shape: number[] = [];
  for (const slice of all) {
    if ('newAxis' in slice) {
      shape.push(1);
      continue;
    }
    const size = x.shape[begin.length] as number;
    const [first, count] =
      'index' in slice ? [slice.index < 0 ? slice.index + size : slice.index, 1] : positionsOf(slice, size);
    const step = 'index' in slice ? 1 : (slice.step ?? 1);
    begin.push(step === 1 ? first : 0);
    sizes.push(step === 1 ? count : size);
    strides.push(step);
    if (!('index' in slice)) shape.push(count);
  }
  let y = tf.slice(x, begin, sizes);
  let axis = 0;
  for (const slice of all) {
    if ('newAxis' in slice) continue;
    // Not tf.stridedSlice, which has no gradients.
    if ('step' in slice && strides[axis] !== 1) {
      const [first, count] = positionsOf(slice, y.shape[axis] as number);
      const places = Array.from({ length: count }, (_, i) => first + i * strides[axis]!);
      y = tf.gather(y, tf.tensor1d(places, 'int32'), axis);
    }
    axis += 1;
  }
  return tf.reshape(y, shape);
}

/** Of the last two axes, or of vectors; what stands before is broadcast. */
function product(a: tf.Tensor, b: tf.Tensor, { transposeA, transposeB }: Options): tf.Tensor {
  if (a.rank === 1) return tf.squeeze(product(tf.expandDims(a, 0), b, { transposeB }), [-2]);
  if (b.rank === 1) return tf.squeeze(product(a, tf.expandDims(b, 1), { transposeA }), [-1]);
  const [x, y] = [tf.cast(a, 'float32'), tf.cast(b, 'float32')];
  if (y.rank === 2 && transposeA !== true && x.rank > 2) {
    const flat = tf.reshape(x, [-1, x.shape.at(-1) as number]);
    const z = tf.matMul(flat, y, false, transposeB === true);
    return tf.reshape(z, [...x.shape.slice(0, -1), z.shape[1] as number]);
  }
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(x.shape.slice(0, -2), y.shape.slice(0, -2));
  // tfjs's gradients do not sum over what its product has broadcast.
  const fit = (z: tf.Tensor) => {
    const shape = [...outer, ...z.shape.slice(-2)];
    return shape.join() === z.shape.join() ? z : tf.broadcastTo(z, shape);
  };
  return tf.matMul(fit(x), fit(y), transposeA === true, transposeB === true);
}

function parts(x: tf.Tensor, { sections, indices, axis: given }: Options): tf.Tensor[] {
  const axis = axisOf(given ?? 0, x.rank);
  if (typeof sections === 'number') return tf.split(x, sections, axis);
  const ends = [...(indices as number[]), x.shape[axis] as number];
  return tf.split(
    x,
    ends.map((end, i) => end - (i === 0 ? 0 : (ends[i - 1] as number))),
    axis,
  );
}

function einsum(operands: readonly tf.Tensor[], subscripts: string): tf.Tensor {
  const [a, b] = operands as [tf.Tensor, tf.Tensor | undefined];
  const contraction =
    b === undefined || operands.length > 2 ? undefined : parseContraction(subscripts, a.rank, b.rank);
  if (contraction !== undefined) return contract(contraction, tf.cast(a, 'float32'), tf.cast(b!, 'float32'));
  return tf.einsum(subscripts, ...operands);
}

function depthToSpace(x: tf.Tensor, block: number): tf.Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const depth = channels / (block * block);
  const blocks = tf.reshape(x, [batch, rows, columns, block, block, depth]);
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [batch, rows * block, columns * block, depth]);
}

function spaceToDepth(x: tf.Tensor, block: number): tf.Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const blocks = tf.reshape(x, [batch, rows / block, block, columns / block, block, channels]);
  const shape = [batch, rows / block, columns / block, block * block * channels];
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), shape);
}

/** Operations that move, cut and bring together; see `TENSOR_OPERATIONS`. */
export const SHAPE_OPERATIONS: Readonly<Record<string, Operation>> = {
  reshape: unary((x, { shape }) => tf.reshape(x, shape as number[])),
  transpose: unary((x, { axes }) =>
    tf.transpose(
      x,
      (axes as number[] | null)?.map((axis) => axisOf(axis, x.rank)),
    ),
  ),
  expand_dims: unary((x, { axis }) => {
    const added = [axis].flat();
    const places = added.map((place) => axisOf(place, x.rank + added.length));
    const sizes = [...x.shape];
    const shape = Array.from({ length: x.rank + added.length }, (_, i) =>
      places.includes(i) ? 1 : (sizes.shift() as number),
    );
    return tf.reshape(x, shape);
  }),
  squeeze: unary((x, { axis }) => {
    const axes =
      axis === null || axis === undefined ? undefined : [axis].flat().map((i) => axisOf(i, x.rank));
    return tf.squeeze(x, axes);
  }),
  concatenate: (operands, { axis }) => tf.concat([...operands], axisOf(axis ?? -1, operands[0]!.rank)),
  stack: (operands, { axis }) => tf.stack([...operands], axisOf(axis ?? 0, operands[0]!.rank + 1)),
  split: unary(parts),
  get_item: unary((x, { slices }) => item(x, slices as Slice[])),
  take: ([x, indices], { axis }) => {
    const places = constantOf((value) => tf.cast(value, 'int32'), indices!);
    return tf.gather(x!, places, axisOf(axis ?? 0, x!.rank));
  },
  tile: unary((x, { repeats }) => {
    const counts = repeats as number[];
    return counts.reduce((y, times, axis) => copied(y, axis, times), x);
  }),
  repeat: unary((x, { repeats, axis }) => repeated(x, axisOf(axis, x.rank), repeats as number)),
  flip: unary((x, { axis }) =>
    tf.reverse(
      x,
      axis === null || axis === undefined ? undefined : [axis].flat().map((i) => axisOf(i, x.rank)),
    ),
  ),
  pad: unary((x, { padWidth, mode, constantValues }) => {
    const pairs = padWidth as [number, number][];
    if (mode === 'reflect' || mode === 'symmetric') return mirrored(x, pairs, mode);
    return tf.pad(x, pairs, (constantValues as number | undefined) ?? 0);
  }),
  one_hot: unary((x, { numClasses }) =>
    constantOf((value) => tf.cast(tf.oneHot(tf.cast(value, 'int32'), numClasses as number), 'float32'), x),
  ),
  matmul: ([a, b], options) => product(a!, b!, options),
  einsum: (operands, { subscripts }) => einsum(operands, subscripts as string),
  resize: unary((x, { size, interpolation }) =>
    resizePictures(
      x as tf.Tensor4D,
      size as [number, number],
      ((interpolation as string | undefined) ?? 'bilinear') as Interpolation,
    ),
  ),
  depth_to_space: unary((x, { blockSize }) => depthToSpace(x, blockSize as number)),
  space_to_depth: unary((x, { blockSize }) => spaceToDepth(x, blockSize as number)),
};

/** All of the axis, so many times. Not tf.tile: its gradients end at 4 axes. */
function copied(x: tf.Tensor, axis: number, times: number): tf.Tensor {
  return times === 1
    ? x
    : tf.concat(
        Array.from({ length: times }, () => x),
        axis,
      );
}

/** Not tf.mirrorPad, whose gradient leaves out what the border adds. */
function mirrored(
  x: tf.Tensor,
  pairs: readonly [number, number][],
  mode: 'reflect' | 'symmetric',
): tf.Tensor {
  // A symmetric border begins with the outermost value again.
  const skip = mode === 'reflect' ? 1 : 0;
  return pairs.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y;
    const size = y.shape[axis] as number;
    const left = Array.from({ length: before }, (_, i) => before - 1 - i + skip);
    const right = Array.from({ length: after }, (_, i) => size - 1 - i - skip);
    const places = [...left, ...Array.from({ length: size }, (_, i) => i), ...right];
    return tf.gather(y, tf.tensor1d(places, 'int32'), axis);
  }, x);
}
