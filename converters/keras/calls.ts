import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { TensorRef } from '../graph.ts';
import { isJsonObject } from '../json.ts';

/** An argument of a call, as a tree whose leaves are tensors of the graph and plain values. */
export type Argument =
  | { readonly kind: 'tensor'; readonly ref: TensorRef }
  | { readonly kind: 'list'; readonly items: readonly Argument[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Argument])[] }
  /** `x[1:4]` and `x[...]` of Keras 3. */
  | { readonly kind: 'slice'; readonly start: JsonValue; readonly stop: JsonValue; readonly step: JsonValue }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'value'; readonly value: JsonValue };

/** One call of a layer or an operation, by whichever Keras. */
export interface LayerCall {
  readonly args: readonly Argument[];
  readonly kwargs: ReadonlyMap<string, Argument>;
}

/** Deeper than any structure of tensors that Keras writes; a file may say anything. */
const MAX_DEPTH = 64;

class TooDeep extends Error {}

/** `undefined` too where something is nested deeper than that. */
function unlessTooDeep<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TooDeep) return undefined;
    throw error;
  }
}

/** Keras flattens dictionaries in the order of their keys. */
const sorted = (given: JsonObject) => Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1));

const value = (given: JsonValue): Argument => ({ kind: 'value', value: given });

function refOf(layer: JsonValue, node: JsonValue, tensor: JsonValue): TensorRef | undefined {
  const whole = (item: JsonValue): item is number =>
    typeof item === 'number' && Number.isSafeInteger(item) && item >= 0;
  return typeof layer === 'string' && whole(node) && whole(tensor) ? { layer, node, tensor } : undefined;
}

/** Plain values are kept as they are, so that long lists of numbers are not taken apart. */
function listOf(items: Argument[], given: JsonValue): Argument {
  return items.every((item) => item.kind === 'value') ? value(given) : { kind: 'list', items };
}

function serialized(className: JsonValue | undefined, config: JsonValue | undefined): Argument | undefined {
  if (typeof className !== 'string' || !className.startsWith('__')) return undefined;
  const inner = isJsonObject(config) ? config : {};
  if (className === '__ellipsis__') return { kind: 'ellipsis' };
  if (className === '__slice__') {
    const { start = null, stop = null, step = null } = inner;
    return { kind: 'slice', start, stop, step };
  }
  if ((className === '__tensor__' || className === '__numpy__') && inner.value !== undefined)
    return value(inner.value);
  if (className !== '__keras_tensor__') return undefined;
  const history = inner.keras_history;
  if (!Array.isArray(history) || history.length !== 3) return undefined;
  const ref = refOf(history[0]!, history[1]!, history[2]!);
  return ref === undefined ? undefined : { kind: 'tensor', ref };
}

function keras3Argument(given: JsonValue, depth: number): Argument {
  if (depth > MAX_DEPTH) throw new TooDeep();
  if (Array.isArray(given)) {
    return listOf(
      given.map((item) => keras3Argument(item, depth + 1)),
      given,
    );
  }
  if (!isJsonObject(given)) return value(given);
  const special = serialized(given.class_name, given.config);
  if (special !== undefined) return special;
  const entries = sorted(given).map(([key, item]) => [key, keras3Argument(item, depth + 1)] as const);
  return entries.every(([, item]) => item.kind === 'value') ? value(given) : { kind: 'object', entries };
}

/** `{ args, kwargs }`; `undefined` when it is something else. */
export function keras3Call(node: JsonValue): LayerCall | undefined {
  if (!isJsonObject(node)) return undefined;
  const { args = [], kwargs = {} } = node;
  if (!Array.isArray(args) || !isJsonObject(kwargs)) return undefined;
  return unlessTooDeep(() => {
    const named = Object.entries(kwargs).map(([key, item]) => [key, keras3Argument(item, 0)] as const);
    return { args: args.map((item) => keras3Argument(item, 0)), kwargs: new Map(named) };
  });
}

/** `[layer, node, tensor]`, with or without keyword arguments behind. */
function keras2Ref(given: JsonValue[]): TensorRef | undefined {
  const [layer, node = 0, tensor = 0] = given;
  if (given.length > 4 || (given.length === 4 && !isJsonObject(given[3]))) return undefined;
  return refOf(layer ?? null, node, tensor);
}

/** A tensor within keyword arguments is a list of three; other lists may look like one, unless names are known. */
function keras2Keyword(given: JsonValue, names: ReadonlySet<string>, depth: number): Argument {
  if (depth > MAX_DEPTH) throw new TooDeep();
  if (Array.isArray(given)) {
    const ref = given.length === 3 ? keras2Ref(given) : undefined;
    if (ref !== undefined && names.has(ref.layer)) return { kind: 'tensor', ref };
    return listOf(
      given.map((item) => keras2Keyword(item, names, depth + 1)),
      given,
    );
  }
  if (!isJsonObject(given)) return value(given);
  if (given.class_name === '__ellipsis__') return { kind: 'ellipsis' };
  if (Object.keys(given).length === 3 && 'start' in given && 'stop' in given && 'step' in given) {
    return { kind: 'slice', start: given.start!, stop: given.stop!, step: given.step! };
  }
  const entries = Object.entries(given).map(
    ([key, item]) => [key, keras2Keyword(item, names, depth + 1)] as const,
  );
  return entries.every(([, item]) => item.kind === 'value') ? value(given) : { kind: 'object', entries };
}

function keras2First(
  given: JsonValue,
  names: ReadonlySet<string>,
  kwargs: Map<string, Argument>,
  depth: number,
): Argument | undefined {
  if (depth > MAX_DEPTH) throw new TooDeep();
  if (isJsonObject(given)) {
    const entries: (readonly [string, Argument])[] = [];
    for (const [key, item] of sorted(given)) {
      const inner = keras2First(item, names, kwargs, depth + 1);
      if (inner === undefined) return undefined;
      entries.push([key, inner]);
    }
    return { kind: 'object', entries };
  }
  if (!Array.isArray(given)) return undefined;
  const constant = given[0] === '_CONSTANT_VALUE' && given[1] === -1 && given.length >= 3;
  const ref = constant ? undefined : keras2Ref(given);
  if (!constant && ref === undefined) {
    const items: Argument[] = [];
    for (const item of given) {
      const inner = keras2First(item, names, kwargs, depth + 1);
      if (inner === undefined) return undefined;
      items.push(inner);
    }
    return { kind: 'list', items };
  }
  const tail = given[3];
  if (isJsonObject(tail)) {
    for (const [key, item] of Object.entries(tail)) kwargs.set(key, keras2Keyword(item, names, 0));
  }
  return ref === undefined ? value(given[2]!) : { kind: 'tensor', ref };
}

/** An inbound node of Keras 1, Keras 2 or tfjs; `undefined` when there is something else in it. */
export function keras2Call(node: JsonValue, names: ReadonlySet<string>): LayerCall | undefined {
  const kwargs = new Map<string, Argument>();
  const first = unlessTooDeep(() => keras2First(node, names, kwargs, 0));
  if (first === undefined) return undefined;
  // A layer's only tensor stands in a list of one.
  const single = first.kind === 'list' && first.items.length === 1 ? first.items[0]! : first;
  return { args: [single], kwargs };
}

/** Every tensor in an argument, in order. */
export function tensorsIn(argument: Argument): TensorRef[] {
  if (argument.kind === 'tensor') return [argument.ref];
  if (argument.kind === 'list') return argument.items.flatMap(tensorsIn);
  return argument.kind === 'object' ? argument.entries.flatMap(([, item]) => tensorsIn(item)) : [];
}

/** For arguments that nothing reads: what a call says in words that fit into a config. */
export function describeArgument(argument: Argument): JsonValue {
  if (argument.kind === 'value') return argument.value;
  return argument.kind === 'tensor' ? 'a tensor' : `${argument.kind} of tensors`;
}

/** References in `input_layers` and `output_layers`: `["a", 0, 0]`, lists and dictionaries of them, nested. */
export function tensorRefs(given: JsonValue | undefined): TensorRef[] | undefined {
  if (given === undefined || given === null) return undefined;
  const first = unlessTooDeep(() => keras2First(given, new Set(), new Map(), 0));
  return first === undefined ? undefined : tensorsIn(first);
}
