import type { JsonObject } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { freeName } from './free-name.ts';
import {
  ATTENTION_INPUTS,
  callsInOrder,
  hasMasks,
  keyOf,
  makesMask,
  MERGES,
  OF_HEADS,
  OF_LIST,
  PASSING,
  returnsSequences,
  SEQUENCES,
  takesWithin,
  TAKING,
  tfjsHandsOn,
} from './mask-roles.ts';
import { isMaskInput } from './implied-masks.ts';
import { ownClass } from './own-layers.ts';

/*
 * tfjs hands masks on behind the scenes, as Keras does, but gets them wrong in many models: a mask goes on to whatever
 * is run next, only the first input's mask reaches a layer, merged masks have an axis too many, and attention knows
 * none. So a graph with masks can be written with all of them stated: a mask is a `TensorOperation` as Keras 3 makes it,
 * and what takes one has it as an input, recurrent layers inside of a `MaskedLayer`.
 */

type Mask = TensorRef | undefined;

/** Makes the layers that state masks, each once. */
class Stated {
  readonly layers: GraphLayer[] = [];
  private readonly byWords = new Map<string, TensorRef>();

  constructor(private readonly taken: Set<string>) {}

  operation(operation: string, refs: readonly TensorRef[], options: JsonObject, value?: number): TensorRef {
    const words = JSON.stringify([operation, refs, options, value ?? null]);
    const known = this.byWords.get(words);
    if (known !== undefined) return known;
    const name = freeName(`${refs[0]!.layer}_mask`, this.taken);
    const inputs = [...refs.map((_, tensor) => ({ tensor })), ...(value === undefined ? [] : [{ value }])];
    const config: JsonObject = { name, operation, inputs, ...options };
    this.layers.push({ name, className: 'TensorOperation', config, inbound: [refs] });
    const ref = { layer: name, node: 0, tensor: 0 };
    this.byWords.set(words, ref);
    return ref;
  }

  /** True where all of them are, as Keras 2 has it. */
  joined(masks: readonly Mask[]): Mask {
    const known = masks.filter((mask) => mask !== undefined);
    return known.reduce<Mask>(
      (all, mask) =>
        all === undefined || JSON.stringify(all) === JSON.stringify(mask)
          ? mask
          : this.operation('logical_and', [all, mask], {}),
      undefined,
    );
  }
}

/** What the inputs of attention are: those that come in order need no names. */
function inputNames({ config }: GraphLayer, count: number): string[] | undefined {
  const given = config.call_inputs;
  if (given === undefined)
    return count > ATTENTION_INPUTS.length ? undefined : ATTENTION_INPUTS.slice(0, count);
  if (!Array.isArray(given) || given.length !== count) return undefined;
  return given.every((name) => typeof name === 'string') ? given : undefined;
}

interface Change {
  readonly inbound: (readonly TensorRef[])[];
  className?: string;
  config?: JsonObject;
}

/**
 * A graph that computes the same with every mask stated. Undefined where one cannot be: a mask that reaches a model
 * within the model, a `TimeDistributed` or a `Concatenate` along the steps, a layer that is called with a mask here and
 * without one there. A graph without masks comes back as it is.
 *
 * The names of layers, their order and their weights stay; operations that make masks are added at the end.
 */
export function withExplicitMasks(graph: ModelGraph): ModelGraph | undefined {
  return explicit(graph)?.graph;
}

/** `masksOut`: an output has a mask, which whoever takes the output would have to know. */
function explicit(graph: ModelGraph): { graph: ModelGraph; masksOut: boolean } | undefined {
  const nested: GraphLayer[] = [];
  for (const layer of graph.layers) {
    const inner = layer.nested === undefined ? undefined : explicit(layer.nested);
    if (layer.nested !== undefined && (inner === undefined || inner.masksOut)) return undefined;
    nested.push(inner === undefined ? layer : { ...layer, nested: inner.graph });
  }
  const whole: ModelGraph = { ...graph, layers: nested };
  if (!graph.layers.some(makesMask)) return { graph: whole, masksOut: false };

  const stated = new Stated(new Set(graph.layers.map(({ name }) => name)));
  const masks = new Map<string, Mask>();
  const maskOf = (ref: TensorRef): Mask =>
    ref.tensor > 0 ? undefined : masks.get(keyOf(ref.layer, ref.node));
  const changes = new Map<string, Change>();

  for (const { layer, node } of callsInOrder(whole)) {
    const refs = layer.inbound[node]!;
    const { className, config } = layer;
    const given = refs.map(maskOf);
    const [first] = given;
    const change: Change = changes.get(layer.name) ?? { inbound: layer.inbound.map((call) => [...call]) };
    const take = (inbound: readonly TensorRef[], as: Omit<Change, 'inbound'>): boolean => {
      change.inbound[node] = inbound;
      const again =
        JSON.stringify([change.className, change.config]) === JSON.stringify([as.className, as.config]);
      if (node > 0 && !again) return false;
      Object.assign(change, as);
      changes.set(layer.name, change);
      return true;
    };
    let after: Mask = PASSING.has(className) ? first : undefined;

    if (makesMask(layer)) {
      if (refs[0] === undefined) return undefined;
      if (className === 'Embedding') {
        after = stated.operation('not_equal', [refs[0]], {}, 0);
        if (!take(refs, { className, config: { ...config, mask_zero: false } })) return undefined;
      } else {
        const value = typeof config.mask_value === 'number' ? config.mask_value : 0;
        const steps = stated.operation('not_equal', [refs[0]], {}, value);
        after = stated.operation('any', [steps], { axis: [-1], keepdims: false });
        if (!take(refs, { className: 'KerasMasking', config })) return undefined;
      }
    } else if (MERGES.has(className)) after = stated.joined(given);
    else if (className === 'Concatenate') {
      const last = (config.axis ?? -1) === -1;
      if (!last && given.some((mask) => mask !== undefined)) return undefined;
      after = stated.joined(given);
    } else if (OF_LIST.has(className) || OF_HEADS.has(className)) {
      const names = inputNames(layer, refs.length);
      const reached = given.some(
        (mask, i) => mask !== undefined && ATTENTION_INPUTS.includes(names?.[i] ?? ''),
      );
      const called = layer.callArguments?.some((call) => call.call_inputs !== undefined) ?? false;
      // Of an input that has both, the mask that it is called with is the one: that is not said here.
      if (names === undefined || (reached && (called || names.some(isMaskInput)))) return undefined;
      const value = refs[names.indexOf('value')];
      const key = refs[names.indexOf('key')] ?? value;
      const there = given
        .map((mask, i) => ({ mask, name: `${names[i]}_mask` }))
        .filter(({ mask, name }) => {
          if (mask === undefined || !isMaskInput(name)) return false;
          // Keras leaves the mask of a key out where the key is the value.
          return (
            name !== 'key_mask' || (OF_HEADS.has(className) && JSON.stringify(key) !== JSON.stringify(value))
          );
        });
      const inputs = [...names, ...there.map(({ name }) => name)];
      const more: JsonObject = there.length === 0 ? {} : { call_inputs: inputs };
      if (
        !take([...refs, ...there.map(({ mask }) => mask!)], { className, config: { ...config, ...more } })
      ) {
        return undefined;
      }
      // Keras 2's layer of this name has no mask to hand on.
      if (className === 'GroupQueryAttention') after = undefined;
    } else if (TAKING.has(className)) {
      if (first !== undefined) {
        const inner = { class_name: ownClass(className, config, { masked: true }) ?? className, config };
        const outer = { name: layer.name, trainable: config.trainable ?? true, layer: inner };
        const [x, ...states] = refs as [TensorRef, ...TensorRef[]];
        if (!take([x, first, ...states], { className: 'MaskedLayer', config: outer })) return undefined;
      } else if (!take(refs, { className, config })) return undefined;
      if (SEQUENCES.has(className)) after = returnsSequences(layer) ? first : undefined;
    } else if (given.some((mask) => mask !== undefined) && takesWithin(layer)) return undefined;
    masks.set(keyOf(layer.name, node), after);
  }

  const layers = whole.layers.map((layer) => ({ ...layer, ...changes.get(layer.name) }));
  const made = readOnes(stated.layers, layers);
  const masksOut = graph.outputs.some((ref) => maskOf(ref) !== undefined);
  return { graph: { ...whole, kind: 'functional', layers: [...layers, ...made] }, masksOut };
}

/** The masks that something takes, one after the other in the order in which they were made. */
function readOnes(made: readonly GraphLayer[], layers: readonly GraphLayer[]): GraphLayer[] {
  const read = new Set(layers.flatMap((layer) => layer.inbound.flat()).map((ref) => ref.layer));
  // Later ones are made of earlier ones only.
  for (const mask of [...made].reverse()) {
    if (read.has(mask.name)) for (const ref of mask.inbound.flat()) read.add(ref.layer);
  }
  return made.filter(({ name }) => read.has(name));
}

/**
 * The graph that is written for tfjs: as it is where tfjs hands its masks on rightly, or where they cannot be stated
 * (then the writer refuses what tfjs would get wrong), else with masks stated.
 */
export function masksForTfjs(graph: ModelGraph): ModelGraph {
  if (!hasMasks(graph) || tfjsHandsOn(graph)) return graph;
  return withExplicitMasks(graph) ?? graph;
}
