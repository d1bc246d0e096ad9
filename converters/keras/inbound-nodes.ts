import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { TensorRef } from '../graph.ts';
import { isJsonObject } from '../json.ts';

/** `[layer, node, tensor]`, with or without keyword arguments behind. */
function refOf(value: JsonValue[]): TensorRef | undefined {
  const [layer, node = 0, tensor = 0] = value;
  if (typeof layer !== 'string' || typeof node !== 'number' || typeof tensor !== 'number') return undefined;
  if (!Number.isInteger(node) || !Number.isInteger(tensor) || node < 0 || tensor < 0) return undefined;
  return { layer, node, tensor };
}

function collect(value: JsonValue, refs: TensorRef[], kwargs: JsonObject): boolean {
  if (isJsonObject(value)) return Object.values(value).every((item) => collect(item, refs, kwargs));
  if (!Array.isArray(value)) return false;
  const ref = refOf(value);
  if (ref === undefined) return value.every((item) => collect(item, refs, kwargs));
  refs.push(ref);
  const tail = value[3];
  if (isJsonObject(tail)) {
    for (const [key, argument] of Object.entries(tail)) {
      // A keyword argument may itself be a tensor of the graph.
      const inner = Array.isArray(argument) && argument.length >= 3 ? refOf(argument) : undefined;
      if (inner !== undefined) refs.push(inner);
      kwargs[key] = argument;
    }
  }
  return true;
}

/**
 * Every tensor reference in a structure of lists and dictionaries, in order: `[["a", 0, 0]]`, `["a", 0, 0]` and
 * `{"a": ["a", 0, 0]}` are all in use. `undefined` when there is something else in it.
 */
export function tensorRefs(
  value: JsonValue | undefined,
): { refs: TensorRef[]; kwargs: JsonObject } | undefined {
  const refs: TensorRef[] = [];
  const kwargs: JsonObject = {};
  if (value === undefined || !collect(value, refs, kwargs)) return undefined;
  return { refs, kwargs };
}

/** Keyword arguments that change nothing at inference are dropped. */
export function meaningfulArguments(kwargs: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(kwargs)) {
    if (value === null || key === 'name') continue;
    if (key === 'training' && (value === false || value === 0)) continue;
    kept[key] = value;
  }
  return kept;
}
