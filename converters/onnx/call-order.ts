import { FormatError } from '../../src/base/errors.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';

/** One call of a layer in a graph. */
export interface Call {
  readonly key: string;
  readonly layer: GraphLayer;
  readonly node: number;
  readonly inbound: readonly TensorRef[];
}

export function callKey(layer: string, node: number): string {
  return JSON.stringify([layer, node]);
}

/** The calls that `outputs` need, each behind those that it reads; others are left out. */
export function callOrder(graph: ModelGraph, outputs: readonly TensorRef[]): Call[] {
  const layers = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const order: Call[] = [];
  const state = new Map<string, 'open' | 'done'>();

  const callOf = (ref: TensorRef): Call => {
    const layer = layers.get(ref.layer);
    const inbound =
      layer?.inbound[ref.node] ?? (ref.node === 0 && layer?.inbound.length === 0 ? [] : undefined);
    if (layer === undefined || inbound === undefined) {
      throw damaged(graph, `nothing is known of call ${ref.node} of the layer "${ref.layer}"`);
    }
    return { key: callKey(ref.layer, ref.node), layer, node: ref.node, inbound };
  };

  // Iterative, so that a very deep network cannot overflow the stack.
  const stack = [...outputs].reverse().map(callOf);
  for (let call = stack.at(-1); call !== undefined; call = stack.at(-1)) {
    const known = state.get(call.key);
    if (known === undefined) {
      state.set(call.key, 'open');
      for (const next of call.inbound.map(callOf).reverse()) {
        const seen = state.get(next.key);
        if (seen === 'open') throw damaged(graph, `the layer "${next.layer.name}" depends on itself`);
        if (seen === undefined) stack.push(next);
      }
    } else {
      stack.pop();
      if (known === 'open') {
        state.set(call.key, 'done');
        order.push(call);
      }
    }
  }
  return order;
}

/** For each call, the calls that read it; an output counts as `undefined`. */
export function readersOf(
  order: readonly Call[],
  outputs: readonly TensorRef[],
): Map<string, (Call | undefined)[]> {
  const readers = new Map<string, (Call | undefined)[]>();
  const add = (ref: TensorRef, reader: Call | undefined) => {
    const key = callKey(ref.layer, ref.node);
    const list = readers.get(key);
    if (list === undefined) readers.set(key, [reader]);
    else list.push(reader);
  };
  for (const call of order) for (const ref of call.inbound) add(ref, call);
  for (const ref of outputs) add(ref, undefined);
  return readers;
}

function damaged(graph: ModelGraph, detail: string): FormatError {
  return new FormatError('FORMAT_DAMAGED', `The model "${graph.name}" is damaged: ${detail}.`, {
    given: detail,
    expected: 'layers whose inputs lead back to the inputs of the model',
    nextStep: 'Build or save the model again.',
  });
}
