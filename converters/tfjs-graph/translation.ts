import type { JsonObject, NamedTensor } from '../../src/base/types.ts';
import { damagedGraph, nodeNameOf, type GraphNode } from './graph-def.ts';

/** Why a node of a known operation has no layer that computes the same. */
export class UnsupportedNode extends Error {}

export type Sizes = (number | null)[];

/** `scale * x + shift`, one number for all channels or one for each. */
export interface Affine {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** A Keras layer in the making. `shape` is that of its output, with the batch in front. */
export interface LayerDraft {
  readonly name: string;
  className: string;
  config: JsonObject;
  readonly inputs: readonly LayerDraft[];
  weights: { role: string; tensor: NamedTensor }[];
  shape: Sizes;
  /** Set while more factors and summands may join; `affineLayer` turns it into a layer. */
  affine?: Affine;
}

/** What a node gives out: the output of a layer, a constant, or sizes that are computed from shapes. */
export type Value =
  | { readonly kind: 'layer'; readonly layer: LayerDraft }
  | { readonly kind: 'constant'; readonly tensor: NamedTensor }
  | { readonly kind: 'sizes'; readonly sizes: Sizes; readonly scalar: boolean };

const PASSING = new Set(['Identity', 'StopGradient', 'CheckNumerics', 'PreventGradient', 'Snapshot']);

/** True for nodes that hand on what they get. */
export function passes(op: string): boolean {
  return PASSING.has(op);
}

/** The layers made so far, and what is known of every node. */
export class Translation {
  readonly layers: LayerDraft[] = [];
  readonly notes: string[] = [];
  private readonly values = new Map<string, Value>();
  private readonly names = new Set<string>();
  private readonly readers = new Map<LayerDraft, number>();
  private readonly uses: ReadonlyMap<string, number>;
  private readonly fileName: string;

  constructor(fileName: string, nodes: readonly GraphNode[], outputs: readonly string[]) {
    this.fileName = fileName;
    this.uses = usesOf(nodes, outputs);
  }

  set(node: GraphNode, value: Value): void {
    this.values.set(node.name, value);
    if (value.kind !== 'layer') return;
    // A node that added nothing of its own hands a layer's output on, to as many readers as it has itself.
    const before = this.readers.get(value.layer) ?? 0;
    this.readers.set(value.layer, Math.max(before, this.uses.get(node.name) ?? 0));
  }

  valueOf(name: string): Value {
    const value = this.values.get(nodeNameOf(name));
    if (value === undefined) throw damagedGraph(this.fileName, `"${name}" is read before it is there.`);
    if (/:[1-9]\d*$/.test(name)) throw new UnsupportedNode(`it reads ${name}, which is not a first output`);
    return value;
  }

  input(node: GraphNode, index: number): Value {
    const name = node.inputs[index];
    if (name === undefined) {
      throw damagedGraph(this.fileName, `the ${node.op} "${node.name}" has ${node.inputs.length} inputs.`);
    }
    return this.valueOf(name);
  }

  layer(node: GraphNode, index: number): LayerDraft {
    const value = this.input(node, index);
    if (value.kind !== 'layer') throw new UnsupportedNode(`its input ${index + 1} is a constant`);
    return value.layer;
  }

  constant(node: GraphNode, index: number, what: string): NamedTensor {
    const value = this.input(node, index);
    if (value.kind !== 'constant') throw new UnsupportedNode(`its ${what} is not a constant`);
    return value.tensor;
  }

  /** Integers that are constant, or computed from shapes; `null` stands for the size of a batch. */
  sizes(node: GraphNode, index: number, what: string): Sizes {
    const value = this.input(node, index);
    if (value.kind === 'sizes') return value.sizes;
    return [...this.constant(node, index, what).data];
  }

  /** Whether nothing but the node that is being translated reads this layer. */
  readOnce(layer: LayerDraft): boolean {
    return this.readers.get(layer) === 1;
  }

  damaged(summary: string): Error {
    return damagedGraph(this.fileName, summary);
  }

  add(draft: Omit<LayerDraft, 'weights' | 'affine'> & Partial<LayerDraft>): LayerDraft {
    let { name } = draft;
    for (let i = 1; this.names.has(name); i++) name = `${draft.name}_${i}`;
    this.names.add(name);
    const layer: LayerDraft = { weights: [], ...draft, name };
    this.layers.push(layer);
    return layer;
  }
}

/** How often each node is read, by nodes and as an output; what only passes its input on does not count. */
function usesOf(nodes: readonly GraphNode[], outputs: readonly string[]): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string, times: number) => uses.set(name, (uses.get(name) ?? 0) + times);
  for (const output of outputs) count(output, 1);
  // Readers stand behind what they read, so that all uses of a node are known when its turn comes.
  for (const node of [...nodes].reverse()) {
    const times = passes(node.op) ? (uses.get(node.name) ?? 0) : 1;
    for (const input of node.inputs) count(nodeNameOf(input), times);
  }
  return uses;
}

/** Rows or columns of a window's output. */
export function windowSize(
  size: number | null,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid',
): number | null {
  if (size === null) return null;
  if (padding === 'same') return Math.ceil(size / stride);
  const left = size - ((kernel - 1) * dilation + 1);
  if (left < 0) throw new UnsupportedNode(`its window of ${kernel} is larger than its input of ${size}`);
  return Math.floor(left / stride) + 1;
}

/** The same numbers under another name and shape. */
export function renamed(
  tensor: NamedTensor,
  name: string,
  shape: readonly number[] = tensor.shape,
): NamedTensor {
  return { ...tensor, name, shape };
}

export function vector(values: ArrayLike<number>): NamedTensor {
  return { name: '', shape: [values.length], dtype: 'float32', data: Float32Array.from(values) };
}
