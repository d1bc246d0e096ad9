import type { Shape } from '../../zoo/layers/layer-inputs.ts';
import { parseContraction } from './einsum.ts';
import { axesOf, axisOf, type Options } from './operation.ts';
import type { Slice } from './shape-operations.ts';
import { positionsOf, spelledOut } from './shape-operations.ts';

type Dimension = number | null;
type ShapeRule = (shapes: readonly Shape[], options: Options) => Shape | Shape[];

/** numpy's broadcasting; a size that is not known gives way to any but 1. */
function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape): Dimension => {
      const at = axis - rank + shape.length;
      return at < 0 ? 1 : (shape[at] ?? null);
    });
    const known = sizes.find((size) => size !== null && size !== 1);
    if (known !== undefined) return known;
    return sizes.includes(null) ? null : 1;
  });
}

const times = (size: Dimension, factor: number) => (size === null ? null : size * factor);
const only = (rule: (shape: Shape, options: Options) => Shape | Shape[]): ShapeRule => {
  return ([shape], options) => rule(shape as Shape, options);
};
const along = (shape: Shape, axis: number, size: Dimension) =>
  shape.map((given, i) => (i === axis ? size : given));

const reduced = only((shape, { axis, keepdims }) => {
  const axes = axesOf(axis, shape.length);
  return keepdims === true
    ? shape.map((size, i) => (axes.includes(i) ? 1 : size))
    : shape.filter((_, i) => !axes.includes(i));
});

function count(shape: Shape): Dimension {
  return shape.reduce<Dimension>((all, size) => (all === null || size === null ? null : all * size), 1);
}

/** What -1 stands for is known where all of the input is, or where the rest that is not known is one and the same. */
function reshaped(shape: Shape, target: readonly number[]): Shape {
  const given = target.filter((size) => size !== -1).reduce((all, size) => all * size, 1);
  const all = count(shape);
  const open = all === null || given === 0 ? null : all / given;
  return target.map((size) => (size === -1 ? open : size));
}

function item(shape: Shape, slices: readonly Slice[]): Shape {
  const result: Shape = [];
  let axis = 0;
  for (const slice of spelledOut(slices, shape.length)) {
    if ('newAxis' in slice) {
      result.push(1);
      continue;
    }
    const size = shape[axis++] ?? null;
    if ('index' in slice) continue;
    result.push(size === null ? null : positionsOf(slice, size)[1]);
  }
  return result;
}

function product([a, b]: readonly Shape[], { transposeA, transposeB }: Options): Shape {
  const turned = (shape: Shape, turn: unknown): Shape =>
    turn === true ? [...shape.slice(0, -2), shape.at(-1) ?? null, shape.at(-2) ?? null] : shape;
  const left = turned(a!.length === 1 ? [1, ...a!] : a!, a!.length > 1 && transposeA);
  const right = turned(b!.length === 1 ? [...b!, 1] : b!, b!.length > 1 && transposeB);
  const outer = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  return [
    ...outer,
    ...(a!.length === 1 ? [] : [left.at(-2) ?? null]),
    ...(b!.length === 1 ? [] : [right.at(-1) ?? null]),
  ];
}

function einsum(shapes: readonly Shape[], { subscripts }: Options): Shape {
  const text = (subscripts as string).replaceAll(/\s/g, '');
  const [a, b] = shapes as [Shape, Shape | undefined];
  const parsed = shapes.length === 2 ? parseContraction(text, a.length, (b as Shape).length) : undefined;
  const [inputs = '', output = ''] = text.split('->');
  const terms = parsed === undefined ? inputs.split(',') : [parsed.left, parsed.right];
  const sizes = new Map<string, Dimension>();
  terms.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      const size = shapes[i]?.[axis] ?? null;
      const before = sizes.get(letter) ?? null;
      sizes.set(letter, before === null || before === 1 ? (size ?? before) : before);
    });
  });
  return [...(parsed?.output ?? output)].map((letter) => sizes.get(letter) ?? null);
}

/** The rules for what does not have the shape of its operands, broadcast. */
const RULES: Readonly<Record<string, ShapeRule>> = {
  ...Object.fromEntries(
    'mean sum prod max min var std logsumexp any all argmax argmin'.split(' ').map((name) => [name, reduced]),
  ),
  reshape: only((shape, options) => reshaped(shape, options.shape as number[])),
  transpose: only((shape, { axes }) => {
    const order = axes === null || axes === undefined ? shape.map((_, i) => shape.length - 1 - i) : axes;
    return axesOf(order, shape.length).map((axis) => shape[axis] ?? null);
  }),
  expand_dims: only((shape, { axis }) => {
    const rank = shape.length + [axis].flat().length;
    const places = axesOf(axis, rank);
    const sizes = [...shape];
    return Array.from({ length: rank }, (_, i) => (places.includes(i) ? 1 : (sizes.shift() ?? null)));
  }),
  squeeze: only((shape, { axis }) => {
    if (axis === null || axis === undefined) return shape.filter((size) => size !== 1);
    const axes = axesOf(axis, shape.length);
    return shape.filter((_, i) => !axes.includes(i));
  }),
  concatenate: (shapes, { axis }) => {
    const at = axisOf(axis ?? -1, shapes[0]!.length);
    const sizes = shapes.map((shape) => shape[at] ?? null);
    const all = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0);
    return along(broadcast(shapes.map((shape) => along(shape, at, 1))), at, all);
  },
  stack: (shapes, { axis }) => {
    const shape = broadcast(shapes);
    const at = axisOf(axis ?? 0, shape.length + 1);
    return [...shape.slice(0, at), shapes.length, ...shape.slice(at)];
  },
  split: only((shape, { sections, indices, axis }) => {
    const at = axisOf(axis ?? 0, shape.length);
    const size = shape[at] ?? null;
    if (typeof sections === 'number') {
      return Array.from({ length: sections }, () => along(shape, at, size === null ? null : size / sections));
    }
    const starts = [0, ...(indices as number[])];
    return starts.map((start, i) => {
      const end = starts[i + 1] ?? size;
      return along(shape, at, end === null ? null : end - start);
    });
  }),
  get_item: only((shape, { slices }) => item(shape, slices as Slice[])),
  take: ([shape, indices], { axis }) => {
    const at = axisOf(axis ?? 0, shape!.length);
    return [...shape!.slice(0, at), ...indices!, ...shape!.slice(at + 1)];
  },
  tile: only((shape, { repeats }) => shape.map((size, i) => times(size, (repeats as number[])[i] ?? 1))),
  repeat: only((shape, { repeats, axis }) => {
    const at = axisOf(axis, shape.length);
    return along(shape, at, times(shape[at] ?? null, repeats as number));
  }),
  pad: only((shape, { padWidth }) =>
    shape.map((size, i) => {
      const [before, after] = (padWidth as [number, number][])[i] ?? [0, 0];
      return size === null ? null : size + before + after;
    }),
  ),
  one_hot: only((shape, { numClasses }) => [...shape, numClasses as number]),
  matmul: product,
  einsum,
  resize: only(([batch, , , channels], { size }) => [
    batch ?? null,
    ...(size as [number, number]),
    channels ?? null,
  ]),
  depth_to_space: only(([batch, rows, columns, channels], options) => {
    const block = options.blockSize as number;
    return [
      batch ?? null,
      times(rows ?? null, block),
      times(columns ?? null, block),
      times(channels ?? null, 1 / (block * block)),
    ];
  }),
  space_to_depth: only(([batch, rows, columns, channels], options) => {
    const block = options.blockSize as number;
    return [
      batch ?? null,
      times(rows ?? null, 1 / block),
      times(columns ?? null, 1 / block),
      times(channels ?? null, block * block),
    ];
  }),
};

/** The shape of what an operation gives; one for each output of `split`. Sizes that are not known are `null`. */
export function operationShape(
  operation: string,
  shapes: readonly Shape[],
  options: Options,
): Shape | Shape[] {
  const rule = Object.hasOwn(RULES, operation) ? RULES[operation] : undefined;
  return rule === undefined ? broadcast(shapes) : rule(shapes, options);
}
