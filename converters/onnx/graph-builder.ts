import type { Attribute, OnnxGraphParts, OnnxNode, OnnxTensor, OnnxValueInfo } from './protobuf.ts';
import type { Layout, Value } from './value.ts';

/** Collects nodes and constants, and hands out names that are used once. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
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
    const output = this.uniqueName(`${this.scope}:${opType}`);
    this.#nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  /** A tensor of weights. `key` names it; asked for twice, `make` runs once. */
  weights(key: string, dims: readonly number[], make: () => Float32Array): string {
    return this.#constant(`weights:${key}`, key, dims, make);
  }

  /** A small float32 constant, shared by all who need the same one. */
  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `floats:${dims.join('x')}:${values.join(',')}`;
    return this.#constant(key, 'constant', dims, () => Float32Array.from(values));
  }

  scalar(value: number): string {
    return this.floats([value], []);
  }

  /** Shapes, axes and pads: int64. */
  integers(values: readonly number[]): string {
    const key = `integers:${values.join(',')}`;
    return this.#constant(key, 'shape', [values.length], () => BigInt64Array.from(values, BigInt));
  }

  #constant(
    key: string,
    name: string,
    dims: readonly number[],
    make: () => Float32Array | BigInt64Array,
  ): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const unique = this.uniqueName(name);
    this.#initializers.push({ name: unique, dims, data: make() });
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
      attributes: plain === undefined ? { perm: { ints: [0, 2, 3, 1] } } : {},
    });
    this.#outputs.push({ name, shape: value.shape });
  }

  /** The value's name in Keras's order of axes. */
  plain(value: Value): string {
    return this.#form(value, 'plain');
  }

  /** The name of a 4-D value as NCHW. */
  channelsFirst(value: Value): string {
    return this.#form(value, 'channelsFirst');
  }

  #form(value: Value, layout: Layout): string {
    const known = value.forms[layout];
    if (known !== undefined) return known;
    const source = value.forms[value.born] as string;
    const [, rows, columns, channels] = value.shape;
    let made: string;
    if (rows === 1 && columns === 1 && channels != null) {
      // The elements stand in the same order either way.
      const target = layout === 'plain' ? [0, 1, 1, channels] : [0, channels, 1, 1];
      made = this.node('Reshape', [source, this.integers(target)]);
    } else {
      const perm = layout === 'plain' ? [0, 2, 3, 1] : [0, 3, 1, 2];
      made = this.node('Transpose', [source], { perm: { ints: perm } });
    }
    value.forms[layout] = made;
    return made;
  }

  /** The graph, without nodes and constants that nothing reads. */
  finish(name: string): OnnxGraphParts {
    const read = new Set(this.#outputs.map((output) => output.name));
    // Nodes stand behind those that they read.
    const nodes = this.#nodes.toReversed().filter(({ inputs, outputs }) => {
      const needed = outputs.some((output) => read.has(output));
      if (needed) inputs.forEach((input) => read.add(input));
      return needed;
    });
    return {
      name,
      nodes: nodes.reverse(),
      initializers: this.#initializers.filter((initializer) => read.has(initializer.name)),
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}
