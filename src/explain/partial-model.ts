import * as tf from '@tensorflow/tfjs';
import type { Call, Value } from '../training/graph-calls.ts';

/** A model over some of the values of another one. It shares the layers and owns nothing. */
export interface PartialModel {
  readonly model: tf.LayersModel;
  /** Takes away what its making has left at the layers. */
  release(): void;
}

/**
 * The part of a model with one input that leads to `values`, which must be different ones, as a model that takes pictures
 * of one size. Nested models are opened, so that values inside of them can be had. `release` it.
 *
 * @param calls All calls of the model, in order.
 */
export function partialModel(
  { inputs, name }: tf.LayersModel,
  calls: readonly Call[],
  values: readonly Value[],
  inputSize: readonly [height: number, width: number],
): PartialModel {
  const needed = callsBefore(values, calls);
  const traces = new Traces(needed.map(({ layer }) => layer));
  const input = tf.input({
    batchShape: [null, ...inputSize, 3],
    dtype: inputs[0]!.dtype,
    name: 'part_input',
  });
  const results = new Map<Call, tf.SymbolicTensor[]>();
  const valueOf = (value: Value) => ('input' in value ? input : results.get(value.call)![value.output]!);
  try {
    for (const call of needed) {
      const given = call.inputs.map(valueOf);
      const made = call.layer.apply(given.length === 1 ? given[0]! : given, { ...call.arguments });
      results.set(call, [made].flat() as tf.SymbolicTensor[]);
    }
    const model = tf.model({ name: `${name}_part`, inputs: input, outputs: values.map(valueOf) });
    traces.end();
    return { model, release: () => traces.remove() };
  } catch (error) {
    traces.end();
    traces.remove();
    throw error;
  }
}

/** The calls by which the values are computed. */
function callsBefore(values: readonly Value[], calls: readonly Call[]): Call[] {
  const callsOfValues = (each: readonly Value[]) =>
    each.flatMap((value) => ('input' in value ? [] : [value.call]));
  const needed = new Set(callsOfValues(values));
  for (const call of calls.toReversed()) {
    if (needed.has(call)) callsOfValues(call.inputs).forEach((input) => needed.add(input));
  }
  return calls.filter((call) => needed.has(call));
}

/** What tfjs notes of its calls at a layer. */
interface Traced {
  inboundNodes: unknown[];
  outboundNodes: unknown[];
  _refCount: number;
}

/** The notes that are made between its construction and `end`; others may be made while these are in use. */
class Traces {
  readonly #before: ReadonlyMap<Traced, ReadonlySet<unknown>>;
  readonly #made = new Map<Traced, ReadonlySet<unknown>>();

  constructor(layers: readonly tf.layers.Layer[]) {
    const traced = [...new Set(layers)] as unknown as Traced[];
    this.#before = new Map(traced.map((layer) => [layer, new Set(nodesOf(layer))]));
  }

  end(): void {
    for (const [layer, before] of this.#before) {
      this.#made.set(layer, new Set(nodesOf(layer).filter((node) => !before.has(node))));
    }
  }

  remove(): void {
    for (const [layer, made] of this.#made) {
      const others = layer.inboundNodes.filter((node) => !made.has(node));
      layer._refCount -= layer.inboundNodes.length - others.length;
      layer.inboundNodes = others;
      layer.outboundNodes = layer.outboundNodes.filter((node) => !made.has(node));
    }
    this.#made.clear();
  }
}

function nodesOf({ inboundNodes, outboundNodes }: Traced): unknown[] {
  return [...inboundNodes, ...outboundNodes];
}
