import { piecesOf } from '../tensors.ts';
import type { WeightTensor } from '../../src/base/types.ts';
import type {
  Attribute,
  OnnxArray,
  OnnxGraphParts,
  OnnxNode,
  OnnxTensor,
  OnnxType,
  OnnxValueInfo,
} from './protobuf.ts';
import { DATA_TYPE } from './protobuf.ts';
import type { Layout, Value, ValueType } from './value.ts';
import { layoutOrder, valueType } from './value.ts';

/** Numbers for a constant: made or read when it is written, not before. */
export type ConstantSource = WeightTensor | (() => Float32Array);

/** Collects nodes and constants, and hands out names that are used once. */
export class GraphBuilder {
  #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  readonly #names = new Set<string>();
  readonly #constants = new Map<string, string>();
  /** The layer whose nodes are being written; names start with it. */
  scope = '';

  /** `wanted`, or `wanted` with a number behind it. */
  uniqueName(wanted: string): string {
    let name = wanted;
    for (let index = 1; this.#names.has(name); index++) name = `${wanted}_${index}`;
    this.#names.add(name);
    return name;
  }

  /** Adds a node with one output and returns that output's name. */
  node(opType: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodes(opType, inputs, 1, attributes)[0] as string;
  }

  /** Adds one node with `count` outputs (LSTM, Split) and returns their names. */
  nodes(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.uniqueName(`${this.scope}:${opType}`));
    this.#nodes.push({ opType, name: outputs[0] as string, inputs, outputs, attributes });
    return outputs;
  }

  /**
   * The graph inside of a Scan. `write` gets the names of its inputs and returns its outputs, with what is known of them;
   * the nodes that it adds stand in that graph and may read every name outside. The layouts of values from outside must
   * not be asked for in it, for their names would be remembered outside.
   */
  body(
    inputs: readonly Omit<OnnxValueInfo, 'name'>[],
    write: (names: string[]) => OnnxValueInfo[],
  ): { g: OnnxGraphParts } {
    const outside = this.#nodes;
    this.#nodes = [];
    try {
      const infos = inputs.map((info) => ({ ...info, name: this.uniqueName(`${this.scope}:step`) }));
      const outputs = write(infos.map((info) => info.name));
      const name = this.uniqueName(`${this.scope}:body`);
      return {
        g: { name, nodes: neededNodes(this.#nodes, outputs).nodes, initializers: [], inputs: infos, outputs },
      };
    } finally {
      this.#nodes = outside;
    }
  }

  transpose(x: string, order: readonly number[]): string {
    if (order.every((axis, index) => axis === index)) return x;
    return this.node('Transpose', [x], { perm: { ints: order } });
  }

  /** `sizes` as in ONNX: 0 keeps a size, -1 is what remains. */
  reshape(x: string, sizes: readonly number[]): string {
    return this.node('Reshape', [x, this.integers(sizes)]);
  }

  cast(x: string, to: OnnxType): string {
    return this.node('Cast', [x], { to: { i: DATA_TYPE[to] } });
  }

  /** The value as another type, in the layout that it was born in. */
  castValue(value: Value, to: ValueType): Value {
    if (valueType(value) === to) return value;
    const { shape, born, mask } = value;
    const name = this.cast(value.forms[born] as string, to);
    return {
      shape,
      born,
      forms: { [born]: name },
      ...(to === 'float32' ? {} : { dtype: to }),
      ...(mask === undefined ? {} : { mask }),
    };
  }

  /**
   * A float32 tensor of weights. `key` names it; asked for twice, the first source counts. A tensor is written piece by
   * piece as it is, in the shape `dims`; a function is called once, when its turn comes.
   */
  weights(key: string, dims: readonly number[], source: ConstantSource): string {
    const pieces =
      typeof source === 'function' ? () => [source()] : () => piecesOf(source) as Iterable<OnnxArray>;
    return this.#constant(`weights:${key}`, key, dims, 'float32', pieces);
  }

  /** A small float32 constant, shared by all who need the same one. */
  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `floats:${dims.join('x')}:${values.join(',')}`;
    return this.#constant(key, 'constant', dims, 'float32', () => [Float32Array.from(values)]);
  }

  scalar(value: number): string {
    return this.floats([value], []);
  }

  /** Shapes, axes and pads, and indices: int64. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `integers:${dims.join('x')}:${values.join(',')}`;
    return this.#constant(key, 'shape', dims, 'int64', () => [BigInt64Array.from(values, BigInt)]);
  }

  /** An int32 constant, for arithmetic with int32 values. */
  int32s(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `int32s:${dims.join('x')}:${values.join(',')}`;
    return this.#constant(key, 'constant', dims, 'int32', () => [Int32Array.from(values)]);
  }

  #constant(
    key: string,
    name: string,
    dims: readonly number[],
    type: OnnxType,
    pieces: () => Iterable<OnnxArray>,
  ): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const unique = this.uniqueName(name);
    this.#initializers.push({ name: unique, dims, type, pieces });
    this.#constants.set(key, unique);
    return unique;
  }

  /** Declares a graph input, whose name `uniqueName` gave out. */
  input(info: OnnxValueInfo): void {
    this.#inputs.push(info);
  }

  /** Declares a graph output, whose name `uniqueName` gave out, that holds `value` in Keras's order. */
  output(name: string, value: Value): void {
    const { plain, channelsFirst } = value.forms;
    const [opType, source] = plain === undefined ? ['Transpose', channelsFirst] : ['Identity', plain];
    this.#nodes.push({
      opType: opType,
      name: this.uniqueName(`${name}:output`),
      inputs: [source as string],
      outputs: [name],
      attributes: plain === undefined ? { perm: { ints: layoutOrder('plain', value.shape.length) } } : {},
    });
    this.#outputs.push({ name, shape: value.shape, type: valueType(value) });
  }

  /** The value's name in Keras's order of axes. */
  plain(value: Value): string {
    return this.#form(value, 'plain');
  }

  /** The name of a value of 3 axes or more with its channels behind the batch. */
  channelsFirst(value: Value): string {
    return this.#form(value, 'channelsFirst');
  }

  #form(value: Value, layout: Layout): string {
    const known = value.forms[layout];
    if (known !== undefined) return known;
    const source = value.forms[value.born] as string;
    const { shape } = value;
    const channels = shape.at(-1);
    const rank = shape.length;
    let made: string;
    if (rank > 2 && channels != null && shape.slice(1, -1).every((size) => size === 1)) {
      // The elements stand in the same order either way.
      const ones = shape.slice(1, -1).map(() => 1);
      made = this.reshape(source, layout === 'plain' ? [0, ...ones, channels] : [0, channels, ...ones]);
    } else {
      made = this.node('Transpose', [source], { perm: { ints: layoutOrder(layout, rank) } });
    }
    value.forms[layout] = made;
    return made;
  }

  /** The graph, without nodes and constants that nothing reads. */
  finish(name: string): OnnxGraphParts {
    const { nodes, read } = neededNodes(this.#nodes, this.#outputs);
    return {
      name,
      nodes,
      initializers: this.#initializers.filter((initializer) => read.has(initializer.name)),
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}

/** The nodes that the outputs need, in their order, and the names that are read, those in graphs inside of nodes included. */
function neededNodes(
  all: readonly OnnxNode[],
  wanted: readonly { readonly name: string }[],
): { nodes: OnnxNode[]; read: Set<string> } {
  const read = new Set(wanted.map((output) => output.name));
  // Nodes stand behind those that they read.
  const nodes = all.toReversed().filter((node) => {
    const needed = node.outputs.some((output) => read.has(output));
    if (needed) namesRead(node).forEach((input) => read.add(input));
    return needed;
  });
  return { nodes: nodes.reverse(), read };
}

function namesRead({ inputs, attributes }: OnnxNode): string[] {
  const graphs = Object.values(attributes).flatMap((value) => ('g' in value ? [value.g] : []));
  return [
    ...inputs,
    ...graphs.flatMap(({ nodes, outputs }) => [
      ...nodes.flatMap(namesRead),
      ...outputs.map((output) => output.name),
    ]),
  ];
}
