import type { JsonObject } from '../../src/base/types.ts';
import type { GraphLayer } from '../graph.ts';
import type { LayerCall } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';

export function numberOf(config: JsonObject, key: string, otherwise: number): number {
  const value = config[key];
  return typeof value === 'number' ? value : otherwise;
}

export function flagOf(config: JsonObject, key: string, otherwise: boolean): boolean {
  const value = config[key];
  return typeof value === 'boolean' ? value : otherwise;
}

function given(call: LayerCall, key: string): string {
  return `its ${key} is ${JSON.stringify(call.config[key]) ?? 'missing'}`;
}

/** No size of a tensor is larger: ONNX Runtime counts in 32 bits where it matters. */
const MAX_SIZE = 2 ** 31 - 1;
/** No constant that a config's number asks for is longer. */
const MAX_LIST = 2 ** 20;

const isWhole = (value: unknown, least: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_SIZE;

/** A number of filters, groups, classes, ...: 1 or more. */
export function countOf(call: LayerCall, key: string, otherwise?: number): number {
  const value = call.config[key] ?? otherwise;
  if (isWhole(value, 1)) return value;
  throw unsupportedLayer(call.layer, given(call, key));
}

/** 0, 1, 2, ... for a constant. A length that no model needs is refused before memory is taken for it. */
export function rangeOf(layer: GraphLayer, length: number): number[] {
  if (isWhole(length, 0) && length <= MAX_LIST) return Array.from({ length }, (_, index) => index);
  throw unsupportedLayer(layer, `it needs a constant of ${length} numbers, more than ${MAX_LIST}`);
}

/** `2`, `[2]` or `[2, 3]`, one whole number, `least` or more, for each of `count` axes. */
export function tupleOf(
  call: LayerCall,
  key: string,
  count: number,
  otherwise?: number | readonly number[],
  least = 1,
): number[] {
  const value = call.config[key];
  const list = value == null && otherwise !== undefined ? otherwise : value;
  if (isWhole(list, least)) return Array.from({ length: count }, () => list);
  if (Array.isArray(list) && list.every((item) => isWhole(item, least))) {
    if (list.length === count) return [...list] as number[];
    if (list.length === 1) return Array.from({ length: count }, () => list[0] as number);
  }
  throw unsupportedLayer(call.layer, given(call, key));
}

/** What stands before and behind on each of `count` axes: `[[1, 2], [3, 4]]`, `[1, 2]` for one axis, or one number for both sides. */
export function sidesOf(call: LayerCall, key: string, count: number): [number, number][] {
  const value = call.config[key];
  const isPair = (item: unknown): item is [number, number] =>
    Array.isArray(item) && item.length === 2 && item.every((side) => isWhole(side, 0));
  if (Array.isArray(value) && value.length === count && value.every(isPair)) {
    return value.map(([before, behind]) => [before, behind]);
  }
  if (count === 1 && isPair(value)) return [[value[0], value[1]]];
  return tupleOf(call, key, count, 1, 0).map((side) => [side, side]);
}

export type PaddingMode = 'same' | 'valid' | 'causal';

/** `same` or `valid`, or `causal` where it makes sense. */
export function paddingOf(call: LayerCall, causal = false): PaddingMode {
  const padding = call.config.padding ?? 'valid';
  if (padding === 'same' || padding === 'valid' || (padding === 'causal' && causal)) return padding;
  throw unsupportedLayer(call.layer, given(call, 'padding'));
}

export function textOf(config: JsonObject, key: string, otherwise: string): string {
  const value = config[key];
  return typeof value === 'string' ? value : otherwise;
}

/** One axis or several, counted from the front, in ascending order. */
export function axesOf(call: LayerCall, rank: number, key = 'axis', otherwise: number = -1): number[] {
  const value = call.config[key] ?? otherwise;
  const axes = (Array.isArray(value) ? value : [value]).map((axis) => {
    const known = typeof axis === 'number' && Number.isInteger(axis) && axis >= -rank && axis < rank;
    if (!known) throw unsupportedLayer(call.layer, `${given(call, key)} and its input has ${rank} axes`);
    return axis < 0 ? axis + rank : axis;
  });
  return [...new Set(axes)].sort((a, b) => a - b);
}

export function isChannelsFirst(config: JsonObject): boolean {
  return config.data_format === 'channels_first';
}
