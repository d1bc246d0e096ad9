import type { OnnxGraphParts, OnnxNode, OnnxTensor } from '../protobuf.ts';
import { DATA_TYPE } from '../protobuf.ts';

/** Operators whose result is of another type than their inputs. */
const OTHER_TYPE = new Set([
  ...['Cast', 'Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero', 'QuantizeLinear', 'IsNaN', 'IsInf'],
  ...['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal', 'And', 'Or', 'Not', 'Xor'],
]);

/** Who makes and who reads what in a graph. */
export interface GraphIndex {
  readonly producers: ReadonlyMap<string, OnnxNode>;
  readonly consumers: ReadonlyMap<string, readonly OnnxNode[]>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly outputs: ReadonlySet<string>;
  /** Whether it is a float32 tensor that depends on the input. */
  isFloatActivation(name: string | undefined): name is string;
}

export function indexGraph({ nodes, initializers, inputs, outputs }: OnnxGraphParts): GraphIndex {
  const producers = new Map<string, OnnxNode>();
  const consumers = new Map<string, OnnxNode[]>();
  const constants = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  const floats = new Set(inputs.filter(({ type }) => type === 'float32').map(({ name }) => name));
  for (const node of nodes) {
    for (const output of node.outputs) producers.set(output, node);
    for (const input of new Set(node.inputs)) consumers.set(input, [...(consumers.get(input) ?? []), node]);
    const { to } = node.attributes;
    const casts = node.opType === 'Cast' && to !== undefined && 'i' in to && to.i === DATA_TYPE.float32;
    const kept = !OTHER_TYPE.has(node.opType) && node.inputs.some((input) => floats.has(input));
    if (casts || kept) node.outputs.forEach((output) => floats.add(output));
  }
  return {
    producers,
    consumers,
    constants,
    outputs: new Set(outputs.map(({ name }) => name)),
    isFloatActivation: (name): name is string => name !== undefined && floats.has(name),
  };
}

/** The only reader of a tensor that is no output of the graph. */
export function onlyConsumer(index: GraphIndex, name: string): OnnxNode | undefined {
  const readers = index.consumers.get(name) ?? [];
  return readers.length === 1 && !index.outputs.has(name) ? readers[0] : undefined;
}

/** All numbers of a float32 constant. */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  const pieces = [...tensor.pieces()] as Float32Array[];
  if (pieces.length === 1 && pieces[0] instanceof Float32Array) return pieces[0];
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
