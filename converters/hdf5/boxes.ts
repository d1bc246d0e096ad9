import { countOf } from '../tensors.ts';

/** A block of a tensor whose numbers follow one another in row-major order, from the number `start` on. */
export interface Box {
  readonly start: number;
  readonly offset: readonly number[];
  readonly count: readonly number[];
}

/** The numbers `from` to `to` of a tensor as blocks, in order: a partial row, whole rows, a partial row; and so on in rows. */
export function* boxesOf(
  shape: readonly number[],
  from: number,
  to: number,
  prefix: readonly number[] = [],
): Generator<Box> {
  const [, ...rest] = shape;
  const row = countOf({ shape: rest });
  const first = Math.ceil(from / row);
  const last = Math.floor(to / row);
  const behind = (box: Box, by: number): Box => ({ ...box, start: box.start + by });
  if (first > last) {
    // All within one row.
    const at = first - 1;
    for (const box of boxesOf(rest, from - at * row, to - at * row, [...prefix, at]))
      yield behind(box, at * row);
    return;
  }
  if (from < first * row) {
    const at = first - 1;
    for (const box of boxesOf(rest, from - at * row, row, [...prefix, at])) yield behind(box, at * row);
  }
  if (last > first) {
    const inner = rest.map(() => 0);
    yield {
      start: first * row,
      offset: [...prefix, first, ...inner],
      count: [...prefix.map(() => 1), last - first, ...rest],
    };
  }
  if (last * row < to) {
    for (const box of boxesOf(rest, 0, to - last * row, [...prefix, last])) yield behind(box, last * row);
  }
}

/** How the HDF5 library is told of a block: count, offset and stride; nothing for a whole data set. */
export function selectionOf(box: Box | undefined): [bigint[], bigint[], bigint[]] | [null, null, null] {
  if (box === undefined) return [null, null, null];
  return [box.count.map(BigInt), box.offset.map(BigInt), box.count.map(() => 1n)];
}
