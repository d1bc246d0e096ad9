import { FormatError } from '../../src/base/errors.ts';
import type { ModelGraph, TensorRef } from '../graph.ts';

function damaged(file: string, summary: string): FormatError {
  return new FormatError('FORMAT_DAMAGED', `The model config of ${file} is damaged: ${summary}`, {
    given: summary,
    expected: 'layers with names of their own whose inputs exist',
    nextStep: 'Save the model again with Keras (model.save), or check that the file was copied whole.',
  });
}

const keyOf = (ref: { layer: string; node: number }) => JSON.stringify([ref.layer, ref.node]);

/** Layer names are unique, every reference leads to a call that exists, and no call depends on itself. */
export function checkGraph(graph: ModelGraph, file: string): void {
  const calls = new Map<string, readonly TensorRef[]>();
  const names = new Set<string>();
  for (const layer of graph.layers) {
    if (names.has(layer.name))
      throw damaged(file, `two layers of "${graph.name}" are called "${layer.name}".`);
    names.add(layer.name);
    if (layer.inbound.length === 0) calls.set(keyOf({ layer: layer.name, node: 0 }), []);
    layer.inbound.forEach((refs, node) => calls.set(keyOf({ layer: layer.name, node }), refs));
  }
  for (const ref of [
    ...graph.layers.flatMap((layer) => layer.inbound.flat()),
    ...graph.inputs,
    ...graph.outputs,
  ]) {
    if (!names.has(ref.layer))
      throw damaged(file, `there is no layer "${ref.layer}", which another one reads.`);
    if (!calls.has(keyOf(ref)))
      throw damaged(file, `the layer "${ref.layer}" has no call number ${ref.node}.`);
  }

  // Kahn's algorithm: iterative, so that a long chain cannot overflow the stack.
  const waiting = new Map<string, number>();
  const readers = new Map<string, string[]>();
  for (const [call, refs] of calls) {
    waiting.set(call, refs.length);
    for (const ref of refs) {
      const list = readers.get(keyOf(ref));
      if (list === undefined) readers.set(keyOf(ref), [call]);
      else list.push(call);
    }
  }
  const ready = [...waiting].filter(([, count]) => count === 0).map(([call]) => call);
  let done = 0;
  for (let call = ready.pop(); call !== undefined; call = ready.pop()) {
    done += 1;
    for (const reader of readers.get(call) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  if (done < calls.size) throw damaged(file, `the layers of "${graph.name}" form a cycle.`);
}
