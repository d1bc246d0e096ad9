import type { OnnxGraphParts, OnnxNode } from '../protobuf.ts';
import type { GraphIndex } from './graph-index.ts';
import { indexGraph, onlyConsumer } from './graph-index.ts';

/** Which inputs of an operator are activations: all, or the first alone. */
const QUANTIZED: Readonly<Record<string, 'first' | 'all'>> = {
  ...{ Conv: 'first', Gemm: 'first', MatMul: 'first' },
  ...{ Add: 'all', Mul: 'all', Concat: 'all' },
  ...{ AveragePool: 'first', GlobalAveragePool: 'first' },
  ...{ MaxPool: 'first', Sigmoid: 'first', HardSigmoid: 'first' },
};
/** What only moves or picks numbers, so that their scale stays. */
const MOVES = new Set([
  'MaxPool',
  'Transpose',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Gather',
]);
const PRODUCTS = new Set(['Conv', 'Gemm', 'MatMul']);

/** What of a graph is to be held in 8 bits. */
export interface QuantizationPlan {
  readonly index: GraphIndex;
  /** Activations, in the order in which they are made. */
  readonly tensors: readonly string[];
  /** Nodes that compute in 8 bits. */
  readonly nodes: ReadonlySet<OnnxNode>;
}

/**
 * Everything from the first to the last convolution or matrix product is held in 8 bits, where all inputs of an operator
 * can be. A result that goes into a Relu or Clip alone is not: the activation's is. What comes out of the last product
 * (logits) stays float32.
 */
export function planQuantization(graph: OnnxGraphParts): QuantizationPlan {
  const index = indexGraph(graph);
  const nodes = new Set(graph.nodes.filter((node) => isQuantized(node, index)));
  const tensors = new Set<string>();
  for (const node of graph.nodes) {
    if (!nodes.has(node)) continue;
    for (const input of activationInputs(node)) if (index.isFloatActivation(input)) tensors.add(input);
    const result = fusedResult(node.outputs[0]!, index);
    if (leadsOn(result, index)) tensors.add(result);
  }
  const order = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return { index, tensors: order.filter((name) => tensors.has(name)), nodes };
}

export function activationInputs({ opType, inputs }: OnnxNode): readonly string[] {
  return QUANTIZED[opType] === 'all' ? inputs : inputs.slice(0, 1);
}

function isQuantized(node: OnnxNode, index: GraphIndex): boolean {
  if (QUANTIZED[node.opType] === undefined) return false;
  if (!activationInputs(node).every((input) => index.isFloatActivation(input))) return false;
  // The kernel has to be known.
  return !PRODUCTS.has(node.opType) || index.constants.has(node.inputs[1]!);
}

/** The result of an activation that is fused with the operator before it. */
function fusedResult(result: string, index: GraphIndex): string {
  const reader = onlyConsumer(index, result);
  if (reader?.opType === 'Relu') return reader.outputs[0]!;
  // The others have no bounds, or others than numbers can be held in without loss.
  if (reader?.opType === 'Clip' && reader.inputs[0] === result) return reader.outputs[0]!;
  return result;
}

/** Whether a convolution or matrix product comes of it; what only goes to the end of the network stays as it is. */
function leadsOn(name: string, index: GraphIndex, seen = new Set<string>()): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  return (index.consumers.get(name) ?? []).some(
    (node) => PRODUCTS.has(node.opType) || node.outputs.some((output) => leadsOn(output, index, seen)),
  );
}

/** The tensor whose numbers these are: those of a MaxPool are its input's. */
export function sourceOfNumbers(name: string, index: GraphIndex): string {
  const producer = index.producers.get(name);
  if (producer === undefined || !MOVES.has(producer.opType)) return name;
  return sourceOfNumbers(producer.inputs[0]!, index);
}
