import type { JsonObject } from '../../src/base/types.ts';
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

/** `2`, `[2]` or `[2, 3]` as a pair. */
export function pairOf(
  call: LayerCall,
  key: string,
  otherwise?: readonly [number, number],
): [number, number] {
  const value = call.config[key];
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value)) {
    const [first, second = first] = value;
    if (typeof first === 'number' && typeof second === 'number') return [first, second];
  }
  if (otherwise !== undefined && value == null) return [...otherwise];
  throw unsupportedLayer(call.layer, `its ${key} is ${JSON.stringify(value) ?? 'missing'}`);
}

/** `[[top, bottom], [left, right]]`, `[vertical, horizontal]` or one number. */
export function sidesOf(
  call: LayerCall,
  key: string,
): { top: number; bottom: number; left: number; right: number } {
  const value = call.config[key];
  if (Array.isArray(value) && Array.isArray(value[0]) && Array.isArray(value[1])) {
    const [top, bottom] = value[0];
    const [left, right] = value[1];
    if (
      typeof top === 'number' &&
      typeof bottom === 'number' &&
      typeof left === 'number' &&
      typeof right === 'number'
    ) {
      return { top, bottom, left, right };
    }
  }
  const [vertical, horizontal] = pairOf(call, key, [1, 1]);
  return { top: vertical, bottom: vertical, left: horizontal, right: horizontal };
}

/** `same` or `valid`. */
export function paddingOf(call: LayerCall): 'same' | 'valid' {
  const padding = call.config.padding ?? 'valid';
  if (padding === 'same' || padding === 'valid') return padding;
  throw unsupportedLayer(call.layer, `its padding is ${JSON.stringify(padding)}`);
}

export function isChannelsFirst(config: JsonObject): boolean {
  return config.data_format === 'channels_first';
}
