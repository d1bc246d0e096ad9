import type { JsonObject } from '../../src/base/types.ts';

/** Placeholder until the Keras 1 vocabulary is in. */
export function toKeras2Layer(
  className: string,
  config: JsonObject,
  _file: string,
): { className: string; config: JsonObject } {
  return { className, config };
}
