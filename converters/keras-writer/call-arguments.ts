import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, TensorRef } from '../graph.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { isMaskInput } from '../keras/implied-masks.ts';
import { ATTENTION_INPUTS, MERGES, OF_HEADS, OF_LIST, SEQUENCES } from '../keras/mask-roles.ts';
import { kerasClass } from '../keras/own-layers.ts';
import { CALL_INPUTS, CALL_OPTIONS, notSaid, type WriteContext } from './layer-config.ts';
import { writtenOperation } from './operations.ts';

/** What stands in the place of one argument: a tensor, a list of them with gaps, or nothing but plain values. */
export type TensorArgument = TensorRef | readonly (TensorRef | null)[];

/** One call of a layer in the words of a version: what comes without a name, and what has one. */
export interface WrittenCall {
  readonly args: readonly TensorArgument[];
  readonly named: readonly (readonly [string, TensorArgument])[];
}

/** Layers that take a list of tensors, even of one. */
const LISTS = new Set([...MERGES, ...OF_LIST, 'Concatenate', 'Dot']);

/** The layer that is called, where a graph with stated masks has it within another one. */
export function calledLayer({ className, config }: GraphLayer): { className: string; config: JsonObject } {
  if (className === 'KerasMasking') return { className: 'Masking', config };
  const inner = className === 'MaskedLayer' && isJsonObject(config.layer) ? config.layer : undefined;
  if (inner === undefined || !isJsonObject(inner.config)) return { className: kerasClass(className), config };
  return { className: kerasClass(stringOf(inner.class_name) ?? ''), config: inner.config };
}

/** The names of what attention is called with. */
function namesOfInputs(layer: GraphLayer, node: number, count: number, context: WriteContext): string[] {
  const given = layer.callArguments?.[node]?.[CALL_INPUTS] ?? layer.config[CALL_INPUTS];
  const names = Array.isArray(given) ? given.map(String) : ATTENTION_INPUTS.slice(0, count);
  if (names.length !== count || names[0] !== 'query') {
    throw notSaid(context, layer, `it has ${count} inputs, named ${JSON.stringify(given ?? names)}`);
  }
  return names;
}

function attentionOfHeads(
  layer: GraphLayer,
  refs: readonly TensorRef[],
  node: number,
  context: WriteContext,
): WrittenCall {
  const names = namesOfInputs(layer, node, refs.length, context);
  const unknown = names.find((name) => context.target === 2 && isMaskInput(name));
  if (unknown !== undefined) throw notSaid(context, layer, `it is called with ${unknown}`);
  // Keras 2 keeps one tensor as it is called, and all others by their names.
  const positional = context.target === 2 ? ['query'] : ATTENTION_INPUTS;
  const first = names.findIndex((name, i) => name !== positional[i]);
  const count = first < 0 ? names.length : first;
  return {
    args: refs.slice(0, count),
    named: refs.slice(count).map((ref, i) => [names[count + i]!, ref] as const),
  };
}

/** Attention of a list, whose masks are a list too. */
function attentionOfList(
  layer: GraphLayer,
  refs: readonly TensorRef[],
  node: number,
  context: WriteContext,
): WrittenCall {
  const names = namesOfInputs(layer, node, refs.length, context);
  const at = (name: string) => refs[names.indexOf(name)] ?? null;
  const unknown = names.find((name) => !ATTENTION_INPUTS.includes(name) && !isMaskInput(name));
  const stated = names.some(isMaskInput);
  if (unknown !== undefined || (stated && context.target === 2)) {
    throw notSaid(context, layer, `it is called with ${unknown ?? 'masks of its own'}`);
  }
  const tensors = refs.filter((_, i) => ATTENTION_INPUTS.includes(names[i]!));
  return {
    args: [tensors],
    named: stated ? [['mask', [at('query_mask'), at('value_mask')]]] : [],
  };
}

/** A call of a layer that is no operation. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` */
export function writtenCall(layer: GraphLayer, node: number, context: WriteContext): WrittenCall {
  const refs = layer.inbound[node] ?? [];
  const { className } = calledLayer(layer);
  const named = layer.config[CALL_INPUTS] !== undefined || layer.callArguments?.[node]?.[CALL_INPUTS];
  if (OF_HEADS.has(className)) return attentionOfHeads(layer, refs, node, context);
  if (OF_LIST.has(className)) return attentionOfList(layer, refs, node, context);
  if (named) throw notSaid(context, layer, `it is called with ${CALL_INPUTS}`);
  if (layer.className === 'MaskedLayer') {
    if (context.target === 2) throw notSaid(context, layer, 'it is called with a mask of its own');
    const [x, mask, ...states] = refs;
    if (x === undefined || mask === undefined) throw notSaid(context, layer, 'it has no mask');
    const initial = states.length === 0 ? [] : [['initial_state', states] as const];
    return { args: [x], named: [...initial, ['mask', mask]] };
  }
  if (context.target === 3 && SEQUENCES.has(className) && refs.length > 1) {
    return { args: refs.slice(0, 1), named: [['initial_state', refs.slice(1)]] };
  }
  return { args: LISTS.has(className) || refs.length !== 1 ? [refs] : refs, named: [] };
}

/** Arguments of a call that both versions know, and that are no tensors. */
export function plainArguments(layer: GraphLayer, node: number, context: WriteContext): JsonObject {
  const { config } = calledLayer(layer);
  const options = Object.entries(config).filter(([key, value]) => CALL_OPTIONS.has(key) && value === true);
  const given: Record<string, JsonValue> = {
    ...Object.fromEntries(options),
    ...layer.callArguments?.[node],
  };
  delete given[CALL_INPUTS];
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === 'boolean') continue;
    throw notSaid(context, layer, `it is called with ${key} = ${JSON.stringify(value).slice(0, 40)}`);
  }
  return given;
}

const flat = (argument: TensorArgument): TensorRef[] =>
  'layer' in argument ? [argument] : argument.filter((ref) => ref !== null);
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : a > b ? 1 : 0;

/** The tensors of a call in the order in which Keras walks through them: named ones by their names. */
export function tensorsOfCall(layer: GraphLayer, node: number, context: WriteContext): TensorRef[] {
  if (layer.className === 'TensorOperation') {
    const { operands, parameters, list } = writtenOperation(layer, layer.inbound[node] ?? [], context);
    const named = operands.map((operand, i) => [parameters[i] ?? '', operand] as const);
    const [first, ...rest] = named;
    const ordered =
      list || context.target === 3 || first === undefined ? named : [first, ...rest.sort(byName)];
    return ordered.flatMap(([, operand]) => ('ref' in operand ? [operand.ref] : []));
  }
  const { args, named } = writtenCall(layer, node, context);
  return [...args.flatMap(flat), ...[...named].sort(byName).flatMap(([, argument]) => flat(argument))];
}
