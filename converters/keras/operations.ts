import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { TensorRef } from '../graph.ts';
import { excerpt } from '../json.ts';
import { describeArgument, type Argument, type LayerCall } from './calls.ts';
import {
  OPERATIONS,
  type OperationName,
  type OperationSpec,
  type OptionType,
  type Slice,
} from './operation-list.ts';

/** How a function of Keras 3's `ops`, or of TensorFlow, becomes one operation of the list. */
export interface OperationRule {
  readonly operation: OperationName;
  /** The names of the parameters that hold operands, in order; the positional arguments come in the same order. */
  readonly operands: readonly string[];
  /** Our options, and the names of the parameters that they come from. */
  readonly options?: Readonly<Record<string, string>>;
  /** Defaults of the function, where they differ from those of the list. */
  readonly defaults?: JsonObject;
  /** Parameters that the operation has no room for, with the values that change nothing. */
  readonly harmless?: Readonly<Record<string, readonly JsonValue[]>>;
  /** Options in other words: an object that replaces them, or a sentence on why that cannot be. */
  readonly adapt?: (options: JsonObject) => JsonObject | string;
  /** Takes `x[...]` from the parameter of this name. */
  readonly slices?: string;
}

export interface Operation {
  /** Without the layer's name. */
  readonly config: JsonObject;
  readonly refs: readonly TensorRef[];
}

const isWhole = (value: JsonValue): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value);
const areWhole = (value: JsonValue): value is number[] => Array.isArray(value) && value.every(isWhole);

/** The option in the form of the list; `undefined` when it does not have it. */
function asOption(value: JsonValue, type: OptionType): JsonValue | undefined {
  switch (type) {
    case 'axis':
      return isWhole(value) ? value : undefined;
    case 'axis?':
      return value === null || isWhole(value) ? value : undefined;
    case 'axes':
    case 'axes?':
      if (value === null) return type === 'axes?' ? null : undefined;
      if (isWhole(value)) return [value];
      return areWhole(value) ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
    case 'number?':
      if (value === null) return type === 'number?' ? null : undefined;
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'shape': {
      if (!Array.isArray(value)) return undefined;
      const shape = value.map((size) => size ?? -1);
      const open = shape.filter((size) => size === -1).length;
      return areWhole(shape) && shape.every((size) => size >= -1) && open <= 1 ? shape : undefined;
    }
    case 'pairs':
      return Array.isArray(value) && value.every((pair) => areWhole(pair) && pair.length === 2)
        ? value
        : undefined;
    case 'slices':
      return value;
  }
}

function isNumeric(value: JsonValue, depth = 0): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'boolean') return true;
  return Array.isArray(value) && depth < 16 && value.every((item) => isNumeric(item, depth + 1));
}

function sliceOf(item: Argument): Slice | undefined {
  if (item.kind === 'ellipsis') return { ellipsis: true };
  if (item.kind === 'slice') {
    const { start, stop, step } = item;
    const end = (value: JsonValue): value is number | null => value === null || isWhole(value);
    return end(start) && end(stop) && end(step) && step !== 0 ? { start, stop, step } : undefined;
  }
  if (item.kind !== 'value') return undefined;
  if (item.value === null) return { new_axis: true };
  return isWhole(item.value) ? { index: item.value } : undefined;
}

function slicesOf(key: Argument | undefined): JsonValue | undefined {
  if (key === undefined) return undefined;
  let items: readonly Argument[] = [key];
  if (key.kind === 'list') items = key.items;
  if (key.kind === 'value' && Array.isArray(key.value)) {
    items = key.value.map((value): Argument => ({ kind: 'value', value }));
  }
  const slices = items.map(sliceOf);
  const ellipses = slices.filter((slice) => slice !== undefined && 'ellipsis' in slice).length;
  if (slices.length === 0 || ellipses > 1 || slices.includes(undefined)) return undefined;
  return slices.map((slice) => ({ ...slice! }));
}

function fillOptions(spec: OperationSpec, given: JsonObject): JsonObject | string {
  const options: JsonObject = {};
  for (const [name, { type, default: standard, oneOf }] of Object.entries(spec.options)) {
    let value = given[name];
    // Keras says None where it means its default.
    if (value === undefined || (value === null && !type.endsWith('?'))) value = standard;
    if (value === undefined) return `its ${name} is not in the file`;
    const option = asOption(value, type);
    if (option === undefined || (oneOf !== undefined && !oneOf.includes(option as string))) {
      return `its ${name} is ${excerpt(value, 40)}`;
    }
    options[name] = option;
  }
  return options;
}

function operandsOf(spec: OperationSpec, given: readonly (Argument | undefined)[]): Operation | string {
  const list = spec.operands === 'list' && given.length === 1 ? given[0] : undefined;
  const operands = list?.kind === 'list' ? list.items : given;
  const refs: TensorRef[] = [];
  const inputs: JsonObject[] = [];
  for (const operand of operands) {
    if (operand === undefined) return 'it lacks an operand';
    if (operand.kind === 'tensor') {
      const { layer, node, tensor } = operand.ref;
      const known = refs.findIndex(
        (ref) => ref.layer === layer && ref.node === node && ref.tensor === tensor,
      );
      inputs.push({ tensor: known === -1 ? refs.length : known });
      if (known === -1) refs.push(operand.ref);
    } else if (operand.kind === 'value' && isNumeric(operand.value)) {
      inputs.push({ value: operand.value });
    } else {
      return `an operand is ${excerpt(describeArgument(operand), 40)}`;
    }
  }
  if (typeof spec.operands === 'number' && operands.length !== spec.operands) {
    return `it has ${operands.length} operands`;
  }
  return refs.length === 0 ? 'it has no tensor to work on' : { config: { inputs }, refs };
}

/** Parameters by name: positional arguments first, then keyword arguments, then what a config says. */
function parametersOf(rule: OperationRule, call: LayerCall, config: JsonObject): Map<string, Argument> {
  const order = rule.slices === undefined ? rule.operands : [...rule.operands, rule.slices];
  const parameters = new Map<string, Argument>();
  for (const [key, value] of Object.entries(config)) parameters.set(key, { kind: 'value', value });
  for (const [key, value] of call.kwargs) parameters.set(key, value);
  call.args.forEach((value, i) => parameters.set(order[i] ?? `argument ${i + 1}`, value));
  return parameters;
}

/**
 * A call of a function as an operation of the list, or why it cannot be one. Parameters that the rule does not know
 * are never passed over.
 */
export function operationOf(rule: OperationRule, call: LayerCall, config: JsonObject): Operation | string {
  const spec: OperationSpec = OPERATIONS[rule.operation];
  const parameters = parametersOf(rule, call, config);
  parameters.delete('name');
  const take = (name: string) => {
    const argument = parameters.get(name);
    parameters.delete(name);
    return argument;
  };
  const operands = operandsOf(
    spec,
    rule.operands.map((name) => take(name)),
  );
  if (typeof operands === 'string') return operands;
  const given: JsonObject = { ...rule.defaults };
  for (const [option, parameter] of Object.entries(rule.options ?? {})) {
    const argument = take(parameter);
    if (argument === undefined) continue;
    if (argument.kind !== 'value') return `its ${parameter} is ${excerpt(describeArgument(argument), 40)}`;
    if (argument.value !== null || rule.defaults?.[option] === undefined) given[option] = argument.value;
  }
  if (rule.slices !== undefined) {
    const slices = slicesOf(take(rule.slices));
    if (slices === undefined) return 'its indices are not whole numbers and ranges of them';
    given.slices = slices;
  }
  for (const [name, argument] of parameters) {
    const allowed =
      rule.harmless !== undefined && Object.hasOwn(rule.harmless, name) ? rule.harmless[name]! : [];
    const plain = argument.kind === 'value' ? argument.value : undefined;
    if (plain === null || (plain !== undefined && allowed.includes(plain))) continue;
    return `its ${name} is ${excerpt(describeArgument(argument), 40)}`;
  }
  const adapted = rule.adapt?.(given) ?? given;
  if (typeof adapted === 'string') return adapted;
  const options = fillOptions(spec, adapted);
  if (typeof options === 'string') return options;
  return { config: { operation: rule.operation, ...operands.config, ...options }, refs: operands.refs };
}
