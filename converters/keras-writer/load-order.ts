import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { weightsOf } from '../keras/layer-weights.ts';
import { tensorsOfCall } from './call-arguments.ts';
import { notSaid, type WriteContext } from './layer-config.ts';

const keyOf = ({ layer, node }: TensorRef) => JSON.stringify([layer, node]);

interface Step {
  readonly ref: TensorRef;
  readonly inputs: readonly TensorRef[];
  next: number;
}

/**
 * The layers of a model in the order that they have once Keras has loaded it, whatever their order in the config is: by
 * their distance from the outputs, then as a walk from the outputs finds them. Both versions read weights in it.
 * Layers that no output needs are none of the model's.
 */
export function loadOrder(graph: ModelGraph, context: WriteContext): readonly GraphLayer[] {
  if (graph.kind === 'sequential') return graph.layers;
  const byName = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const found = new Map<string, number>();
  const inputs = new Map<string, readonly TensorRef[]>();
  const entered = new Set<string>();
  /** Calls, each behind those whose outputs it takes. */
  const calls: TensorRef[] = [];
  for (const output of graph.outputs) {
    const stack: Step[] = [];
    const enter = (ref: TensorRef) => {
      const layer = byName.get(ref.layer);
      if (layer === undefined || entered.has(keyOf(ref))) return;
      entered.add(keyOf(ref));
      if (!found.has(ref.layer)) found.set(ref.layer, found.size);
      const own = layer.inbound[ref.node] === undefined ? [] : tensorsOfCall(layer, ref.node, context);
      inputs.set(keyOf(ref), own);
      stack.push({ ref, inputs: own, next: 0 });
    };
    enter(output);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = top.inputs[top.next++];
      if (input !== undefined) enter(input);
      else {
        calls.push(top.ref);
        stack.pop();
      }
    }
  }
  const depths = new Map<string, number>();
  const ofLayers = new Map<string, number>();
  for (const ref of calls.reverse()) {
    const depth = Math.max(depths.get(keyOf(ref)) ?? 0, ofLayers.get(ref.layer) ?? 0);
    ofLayers.set(ref.layer, depth);
    for (const input of inputs.get(keyOf(ref))!) {
      depths.set(keyOf(input), Math.max(depth + 1, depths.get(keyOf(input)) ?? 0));
    }
  }
  const reached = graph.layers.filter(({ name }) => ofLayers.has(name));
  return reached.sort(
    (a, b) => ofLayers.get(b.name)! - ofLayers.get(a.name)! || found.get(a.name)! - found.get(b.name)!,
  );
}

const isWeighted = (layer: GraphLayer) => layer.nested !== undefined || weightsOf(layer).length > 0;

/**
 * Holds a model within a model to the order in which its weights stand in the file: Keras would load them into other
 * layers without a word.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER`
 */
export function requireOrder(graph: ModelGraph, context: WriteContext): void {
  const namesOf = (layers: readonly GraphLayer[]) => layers.filter(isWeighted).map(({ name }) => name);
  const [there, loaded] = [namesOf(graph.layers), namesOf(loadOrder(graph, context))];
  if (there.length === loaded.length && there.every((name, i) => name === loaded[i])) return;
  throw notSaid(
    context,
    { name: graph.name, className: 'a model within the model' },
    'Keras would load its layers in another order',
  );
}
