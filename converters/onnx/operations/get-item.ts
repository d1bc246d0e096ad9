import type { JsonValue } from '../../../src/base/types.ts';
import { isJsonObject } from '../../json.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Value } from '../value.ts';
import { plainValue, valueType } from '../value.ts';
import type { Operation } from './elementwise.ts';
import { tensorOf } from './operands.ts';

interface Range {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
}

type Entry = { readonly index: number } | Range | 'new axis' | 'ellipsis';

function entryOf(call: LayerCall, slice: JsonValue): Entry {
  if (isJsonObject(slice)) {
    const { index, start = null, stop = null, step = null } = slice;
    if (typeof index === 'number') return { index };
    if (slice.new_axis === true) return 'new axis';
    if (slice.ellipsis === true) return 'ellipsis';
    const bound = (value: JsonValue) => value === null || typeof value === 'number';
    if (bound(start) && bound(stop) && bound(step) && step !== 0) {
      return { start, stop, step: step ?? 1 };
    }
  }
  throw unsupportedLayer(call.layer, `one of its slices is ${JSON.stringify(slice)}`);
}

/** How many elements a range of Python takes of an axis. */
function lengthOf({ start, stop, step }: Range, size: number | null): number | null {
  if (size === null) return null;
  const within = (at: number) =>
    Math.min(Math.max(at < 0 ? at + size : at, step > 0 ? 0 : -1), step > 0 ? size : size - 1);
  const from = start === null ? (step > 0 ? 0 : size - 1) : within(start);
  const to = stop === null ? (step > 0 ? size : -1) : within(stop);
  return Math.max(Math.ceil((to - from) / step), 0);
}

/** `x[...]` of Python: slices first, then the axes that go away, then the new ones. */
export const getItem: Operation = (call, all) => {
  const { builder } = call;
  const input = tensorOf(call, all);
  const given = (Array.isArray(call.config.slices) ? call.config.slices : []).map((slice) =>
    entryOf(call, slice),
  );
  const used = given.filter((entry) => entry !== 'new axis' && entry !== 'ellipsis').length;
  const rest = input.shape.length - used;
  if (rest < 0 || given.filter((entry) => entry === 'ellipsis').length > 1) {
    throw unsupportedLayer(call.layer, `it has ${used} slices for ${input.shape.length} axes`);
  }
  const whole: Entry = { start: null, stop: null, step: 1 };
  const rests = Array<Entry>(rest).fill(whole);
  const entries = given.includes('ellipsis')
    ? given.flatMap((entry) => (entry === 'ellipsis' ? rests : [entry]))
    : [...given, ...rests];

  const ranges: { axis: number; range: Range }[] = [];
  const gone: number[] = [];
  const added: number[] = [];
  const shape: (number | null)[] = [];
  let axis = 0;
  for (const entry of entries) {
    if (entry === 'new axis') {
      added.push(shape.length);
      shape.push(1);
    } else if (entry !== 'ellipsis') {
      const size = input.shape[axis] as number | null;
      if ('index' in entry) {
        const { index } = entry;
        ranges.push({ axis, range: { start: index, stop: index === -1 ? null : index + 1, step: 1 } });
        gone.push(axis);
      } else {
        if (entry.start !== null || entry.stop !== null || entry.step !== 1)
          ranges.push({ axis, range: entry });
        shape.push(lengthOf(entry, size));
      }
      axis++;
    }
  }
  const end = (step: number) => (step > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER);
  let name = builder.plain(input);
  if (ranges.length > 0) {
    name = builder.node('Slice', [
      name,
      builder.integers(ranges.map(({ range }) => range.start ?? (range.step > 0 ? 0 : -1))),
      builder.integers(ranges.map(({ range }) => range.stop ?? end(range.step))),
      builder.integers(ranges.map((item) => item.axis)),
      builder.integers(ranges.map(({ range }) => range.step)),
    ]);
  }
  if (gone.length > 0) name = builder.node('Squeeze', [name, builder.integers(gone)]);
  if (added.length > 0) name = builder.node('Unsqueeze', [name, builder.integers(added)]);
  return plainValue(name, shape, valueType(input)) satisfies Value;
};
