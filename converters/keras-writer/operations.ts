import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, TensorRef } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { operandsOf, operationSpec } from '../keras/operation-list.ts';
import { KERAS2_OPERATIONS, keras2Rule } from '../keras/operations-keras2.ts';
import { KERAS3_OPERATIONS, keras3Rule } from '../keras/operations-keras3.ts';
import type { OperationRule } from '../keras/operations.ts';
import { notSaid, type WriteContext } from './layer-config.ts';

interface Named {
  readonly name: string;
  readonly rule: OperationRule;
}

/**
 * The functions that are read, by the operation that each becomes; the first of several is the one that is written. What
 * passes its input on lets gradients through.
 */
function byOperation(names: readonly string[], rule: (name: string) => OperationRule | undefined) {
  const found = new Map<string, Named>();
  for (const name of names) {
    if (/^(StopGradient|stop_gradient)$/.test(name)) continue;
    const one = rule(name);
    if (one !== undefined && !found.has(one.operation)) found.set(one.operation, { name, rule: one });
  }
  return found;
}

const KERAS2 = byOperation(KERAS2_OPERATIONS, keras2Rule);
const KERAS3 = byOperation(KERAS3_OPERATIONS, (name) => keras3Rule(name, 2));

/** An operand: a tensor of the graph, or numbers. */
export type WrittenOperand = { readonly ref: TensorRef } | { readonly value: JsonValue };

/** An operation in the words of one version of Keras. */
export interface WrittenOperation {
  /** A class of Keras 3, or a function of TensorFlow. */
  readonly name: string;
  /** One for each of the operation's operands. */
  readonly operands: readonly WrittenOperand[];
  /** The names of the parameters that take them; a single one takes a list. */
  readonly parameters: readonly string[];
  readonly list: boolean;
  /** All that is no operand. */
  readonly options: JsonObject;
  /** What `x[...]` selects, and the parameter that says it. */
  readonly slices?: { readonly parameter: string; readonly value: readonly JsonObject[] };
}

/** Options that the function lacks have to say nothing. */
function nothing(value: JsonValue | undefined): boolean {
  return (
    value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0)
  );
}

/** One axis is a number in Keras, several are a list. */
const axis = (value: JsonValue): JsonValue =>
  Array.isArray(value) && value.length === 1 ? value[0]! : value;

function sizesOf(indices: JsonValue | undefined): number[] | undefined {
  if (!Array.isArray(indices) || indices.length === 0) return undefined;
  const places = [0, ...indices.map(Number)];
  return [...places.slice(1).map((place, i) => place - places[i]!), -1];
}

function adapted(operation: string, given: JsonObject, target: 2 | 3): JsonObject {
  const options = { ...given };
  if (operation === 'split') {
    const { sections = null, indices } = options;
    delete options.sections;
    delete options.indices;
    return { ...options, parts: sections ?? (target === 3 ? indices! : (sizesOf(indices) ?? null)) };
  }
  if (operation === 'l2_normalize' && target === 3) {
    // Keras 3 bounds the norm, not its square.
    return { ...options, epsilon: Math.sqrt(Number(options.epsilon)) };
  }
  return options;
}

const EINSUM: Readonly<Record<string, string>> = {
  'true,false': '...ji,...jk->...ik',
  'false,true': '...ij,...kj->...ik',
  'true,true': '...ji,...kj->...ik',
};

/** Keras 3's matmul turns nothing around. */
function asEinsum(operation: string, given: JsonObject, target: 2 | 3): [string, JsonObject] {
  if (operation !== 'matmul' || target === 2) return [operation, given];
  const subscripts = EINSUM[`${given.transpose_a === true},${given.transpose_b === true}`];
  return subscripts === undefined ? [operation, given] : ['einsum', { subscripts }];
}

const AXES_AS_LIST = new Set(['reverse']);

/** A `TensorOperation` for one version. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` */
export function writtenOperation(
  layer: GraphLayer,
  refs: readonly TensorRef[],
  context: WriteContext,
): WrittenOperation {
  const { target } = context;
  const own = stringOf(layer.config.operation) ?? '';
  const rest = Object.fromEntries(
    Object.entries(layer.config).filter(([key]) => !['name', 'operation', 'inputs'].includes(key)),
  );
  const [operation, turned] = asEinsum(own, rest, target);
  const found = (target === 2 ? KERAS2 : KERAS3).get(operation);
  const operands = operandsOf(layer.config);
  const what = { name: layer.name, className: `the operation ${own}` };
  if (found === undefined || operands === undefined || operationSpec(operation) === undefined) {
    throw notSaid(context, what, 'there is no such function');
  }
  const { rule } = found;
  const options: JsonObject = {};
  const parameters = new Map(Object.entries(rule.options ?? {}));
  for (const [option, value] of Object.entries(adapted(operation, turned, target))) {
    const parameter = parameters.get(option);
    if (option === 'slices') continue;
    if (parameter === undefined) {
      const standard = operationSpec(operation)!.options[option]?.default;
      if (!nothing(value) && value !== standard)
        throw notSaid(context, what, `${option} is ${JSON.stringify(value)}`);
    } else options[parameter] = option === 'axis' && !AXES_AS_LIST.has(found.name) ? axis(value) : value;
  }
  const slices = Array.isArray(turned.slices) ? turned.slices.filter(isJsonObject) : undefined;
  return {
    name: found.name,
    operands: operands.map((item): WrittenOperand => {
      if (!('tensor' in item)) return { value: item.value };
      const ref = refs[item.tensor];
      if (ref === undefined) throw notSaid(context, what, `it has no input ${item.tensor}`);
      return { ref };
    }),
    parameters: rule.operands,
    list: operationSpec(operation)!.operands === 'list' && operation !== 'einsum',
    options,
    ...(rule.slices === undefined || slices === undefined
      ? {}
      : { slices: { parameter: rule.slices, value: slices } }),
  };
}
