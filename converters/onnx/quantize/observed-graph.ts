import type { OnnxGraphParts, OnnxNode } from '../protobuf.ts';
import { planQuantization, sourceOfNumbers } from './plan.ts';

/** The tensors whose ranges `quantizeGraph` needs. */
export function quantizableTensors(graph: OnnxGraphParts): string[] {
  const { tensors, index } = planQuantization(graph);
  return [...new Set(tensors.map((name) => sourceOfNumbers(name, index)))];
}

/** The graph with outputs `observed:0`, `observed:1`, ... of the numbers of these tensors, of one axis each. */
export function observedGraph(graph: OnnxGraphParts, names: readonly string[]): OnnxGraphParts {
  const flat = { name: 'observed:shape', dims: [1], type: 'int64' as const };
  const nodes = names.map((name, index): OnnxNode => ({
    opType: 'Reshape',
    name: `observed:${index}`,
    inputs: [name, flat.name],
    outputs: [`observed:${index}`],
    attributes: {},
  }));
  return {
    ...graph,
    nodes: [...graph.nodes, ...nodes],
    initializers: [...graph.initializers, { ...flat, pieces: () => [BigInt64Array.of(-1n)] }],
    outputs: [
      ...graph.outputs,
      ...nodes.map(({ name }) => ({ name, type: 'float32' as const, shape: [null] })),
    ],
  };
}
