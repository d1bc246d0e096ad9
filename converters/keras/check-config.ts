import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';

/** Models 32 deep within each other, with room for what their layers hold. */
const MAX_DEPTH = 400;

/**
 * JSON that is safe to walk by recursion, and whose keys mean nothing to JavaScript.
 *
 * @throws FormatError `FORMAT_LIMIT` (too deep), `FORMAT_DAMAGED` (`__proto__` as a key).
 */
export function checkConfig(config: JsonObject, file: string): void {
  const waiting: { value: JsonValue; depth: number }[] = [{ value: config, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_DEPTH) {
      throw new FormatError('FORMAT_LIMIT', `The model config of ${file} is nested too deep.`, {
        given: `lists and objects more than ${MAX_DEPTH} deep`,
        expected: `at most ${MAX_DEPTH} levels; Keras needs about three for each nested model`,
        nextStep: 'Flatten the model before saving it.',
      });
    }
    if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) {
      throw new FormatError('FORMAT_DAMAGED', `The model config of ${file} has a key "__proto__".`, {
        given: '"__proto__" as a key',
        expected: 'names as Keras writes them',
        nextStep: 'Save the model again with Keras, with other names.',
      });
    }
    const items = Array.isArray(value) ? value : Object.values(value);
    for (const item of items) {
      if (typeof item === 'object' && item !== null) waiting.push({ value: item, depth: depth + 1 });
    }
  }
}
