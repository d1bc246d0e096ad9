import { FormatError } from '../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../src/base/types.ts';

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function stringOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A list of integers or nulls such as a shape; `undefined` when it is something else. */
export function shapeOf(value: JsonValue | undefined): (number | null)[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const dimensions: (number | null)[] = [];
  for (const item of value) {
    if (item === null || (typeof item === 'number' && Number.isInteger(item) && item >= -1)) {
      dimensions.push(item === -1 ? null : item);
    } else return undefined;
  }
  return dimensions;
}

/** Text that shows a value in an error without flooding the terminal. */
export function excerpt(value: unknown, length = 80): string {
  const text = typeof value === 'string' ? value : textOf(value);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 3)}...` : line;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Nested deeper than the stack: parsing does not recurse, writing does.
    return 'deeply nested JSON';
  }
}

/** `damaged` for broken JSON, with the place in the file. */
export function parseJson(text: string, what: string, fileName: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new FormatError('FORMAT_DAMAGED', `${what} of ${fileName} is not valid JSON.`, {
      given: excerpt(text),
      expected: 'well-formed JSON',
      nextStep: 'Fetch or save the file again; it seems cut off or altered.',
      cause,
    });
  }
}
