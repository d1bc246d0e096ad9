import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { TensorRef } from '../graph.ts';
import { isJsonObject } from '../json.ts';
import { describeArgument, tensorsIn, type Argument, type LayerCall } from './calls.ts';
import type { KerasMajor } from './keras3.ts';
import { SEQUENCES } from './mask-roles.ts';

/** One call of a layer as the graph keeps it. */
export interface InboundCall {
  readonly refs: readonly TensorRef[];
  /** Keyword arguments that change the result, and for which a graph has no other place. */
  readonly kwargs: JsonObject;
  /** Those that the graph keeps in the layer's config. */
  readonly options: JsonObject;
  /** Masks that Keras 3 states; Keras 2 finds them by itself. */
  readonly masks: ReadonlyMap<string, Argument>;
}

const ATTENTION =
  'query value key query_mask value_mask key_mask attention_mask return_attention_scores training use_causal_mask'.split(
    ' ',
  );
const ATTENTION_OF_LIST = 'inputs mask training return_attention_scores use_causal_mask'.split(' ');
const RECURRENT = 'sequences initial_state mask training'.split(' ');
const ANY = 'inputs training mask'.split(' ');

const SIGNATURES: Readonly<Record<string, readonly string[]>> = {
  MultiHeadAttention: ATTENTION,
  GroupQueryAttention: ATTENTION,
  GroupedQueryAttention: ATTENTION,
  Attention: ATTENTION_OF_LIST,
  AdditiveAttention: ATTENTION_OF_LIST,
  ...Object.fromEntries([...SEQUENCES].map((name) => [name, RECURRENT])),
};

/** Tensors that come as the inputs of a layer, one after the other; others would not be understood there. */
const INPUTS = new Set(['inputs', 'sequences', 'initial_state', 'query', 'value', 'key']);
const MASKS = new Set(['mask', 'query_mask', 'value_mask', 'key_mask']);

/** Options of a call that belong to the layer as soon as all of its calls agree, as does `call_inputs`. */
const OPTIONS = new Set(['use_causal_mask']);

/**
 * What a call says. Arguments that change nothing at inference are left out: `training` where it is false, and
 * wherever Keras 3 says it, for there `predict` replaces what the call was made with.
 */
export function inboundCall(className: string, call: LayerCall, major: KerasMajor): InboundCall {
  const signature = Object.hasOwn(SIGNATURES, className) ? SIGNATURES[className]! : ANY;
  const named = new Map<string, Argument>();
  call.args.forEach((argument, i) => named.set(signature[i] ?? `argument ${i + 1}`, argument));
  for (const [key, argument] of call.kwargs) named.set(key, argument);

  const order = [...signature.filter((name) => named.has(name)), ...named.keys()];
  const refs: TensorRef[] = [];
  const kwargs: JsonObject = {};
  const options: JsonObject = {};
  const masks = new Map<string, Argument>();
  const isAttention = signature === ATTENTION;
  const inputs: string[] = [];
  for (const name of new Set(order)) {
    const argument = named.get(name)!;
    const plain = argument.kind === 'value' ? argument.value : undefined;
    if ((plain !== undefined && isNothing(plain)) || name === 'name') continue;
    if (name === 'training' && (major === 3 || plain === false || plain === 0)) continue;
    if (plain === false && ATTENTION.includes(name)) continue;
    if (major === 3 && MASKS.has(name) && plain === undefined) {
      masks.set(name, argument);
      continue;
    }
    if (OPTIONS.has(name) && plain !== undefined && Object.hasOwn(SIGNATURES, className)) {
      options[name] = plain;
      continue;
    }
    const tensors = tensorsIn(argument);
    refs.push(...tensors);
    if (tensors.length > 0 && onlyTensors(argument)) {
      if (isAttention && tensors.length === 1) inputs.push(name);
      if (INPUTS.has(name) || (isAttention && name === 'attention_mask')) continue;
    }
    // What has no words for a config still has to be seen by the writers, which refuse it.
    kwargs[name] = describeArgument(argument);
  }
  // In the order query, value, key, inputs need no names.
  if (!inputs.every((name, i) => name === ATTENTION[i])) options.call_inputs = inputs;
  return { refs, kwargs, options, masks };
}

/** `null`, or a structure of nothing else: the masks of a model's inputs where none has one. */
function isNothing(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isNothing);
  if (!isJsonObject(value)) return value === null;
  const items = Object.values(value);
  return items.length > 0 && items.every(isNothing);
}

function onlyTensors(argument: Argument): boolean {
  if (argument.kind === 'tensor') return true;
  if (argument.kind === 'list') return argument.items.every(onlyTensors);
  return argument.kind === 'object' && argument.entries.every(([, item]) => onlyTensors(item));
}
