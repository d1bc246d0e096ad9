import type { OnnxGraphParts, OnnxNode, OnnxTensor } from '../protobuf.ts';
import type { GraphIndex } from './graph-index.ts';
import { floatsOf } from './graph-index.ts';
import { activationInputs, planQuantization, sourceOfNumbers } from './plan.ts';
import type { TensorRange } from './ranges.ts';

const LEVELS = 255;
const MOST = 127;
/** Parts of the largest weight that are tried for the end of the range. */
const CLIPS = [1, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79, 0.76, 0.73, 0.7];

/** How the numbers of a tensor become 8 bits: `value = (stored - zero) * scale`. */
interface Scale {
  readonly scale: number;
  readonly zero: number;
}

/**
 * The graph with 8-bit activations (unsigned, one scale and zero for each tensor, from `ranges`) and weights (signed, one
 * scale for each output channel, zero at 0) around every operator that ONNX Runtime computes in integers. Biases are int32.
 * It is written with QuantizeLinear and DequantizeLinear, which runtimes fuse with the operators between.
 */
export function quantizeGraph(
  graph: OnnxGraphParts,
  ranges: ReadonlyMap<string, TensorRange>,
): OnnxGraphParts {
  return new Quantizer(graph, ranges).result();
}

class Quantizer {
  readonly #graph: OnnxGraphParts;
  readonly #index: GraphIndex;
  readonly #plan: ReturnType<typeof planQuantization>;
  readonly #scales = new Map<string, Scale>();
  readonly #nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  /** Names under which quantised activations are read. */
  readonly #readAs = new Map<string, string>();

  constructor(graph: OnnxGraphParts, ranges: ReadonlyMap<string, TensorRange>) {
    this.#graph = graph;
    this.#plan = planQuantization(graph);
    this.#index = this.#plan.index;
    for (const name of this.#plan.tensors) {
      const range = ranges.get(sourceOfNumbers(name, this.#index));
      if (range !== undefined) this.#scales.set(name, this.#isPixels(name) ? PIXELS : scaleOf(range));
    }
  }

  result(): OnnxGraphParts {
    for (const { name } of this.#graph.inputs) this.#pass(name);
    for (const node of this.#graph.nodes) {
      const inputs = this.#plan.nodes.has(node) ? this.#quantizedInputs(node) : node.inputs;
      this.#nodes.push({ ...node, inputs: inputs.map((input) => this.#readAs.get(input) ?? input) });
      node.outputs.forEach((output) => this.#pass(output));
    }
    const nodes = this.#nodes;
    const read = new Set(nodes.flatMap(({ inputs }) => inputs));
    const kept = this.#graph.initializers.filter(({ name }) => read.has(name) || this.#isReadInside(name));
    return { ...this.#graph, nodes, initializers: [...kept, ...this.#constants.values()] };
  }

  /** Graphs inside of nodes read constants too. */
  #isReadInside(name: string): boolean {
    return !this.#index.consumers.has(name);
  }

  /** Quantises an activation and back; whoever reads it gets what comes out. */
  #pass(name: string): void {
    const scale = this.#scales.get(name);
    if (scale === undefined) return;
    const parameters = [
      this.#constant(`${name}:scale`, [], 'float32', Float32Array.of(scale.scale)),
      this.#constant(`${name}:zero`, [], 'uint8', Uint8Array.of(scale.zero)),
    ];
    const stored = this.#add('QuantizeLinear', [name, ...parameters], `${name}:uint8`);
    this.#readAs.set(name, this.#add('DequantizeLinear', [stored, ...parameters], `${name}:restored`));
  }

  #quantizedInputs(node: OnnxNode): readonly string[] {
    const scales = activationInputs(node).map((input) => this.#scales.get(input));
    if (scales.some((scale) => scale === undefined)) return node.inputs;
    switch (node.opType) {
      case 'Conv':
        return this.#weighted(node, scales[0]!, 0);
      case 'Gemm':
      case 'MatMul':
        return this.#weighted(node, scales[0]!, isTransposed(node) ? 0 : 1);
      default:
        return node.inputs;
    }
  }

  /** The inputs of an operator with a kernel, whose output channels are along `axis`, and maybe a bias. */
  #weighted({ inputs }: OnnxNode, { scale }: Scale, axis: number): readonly string[] {
    const [x, kernelName, biasName, ...rest] = inputs as [string, string, string | undefined];
    const kernel = this.#index.constants.get(kernelName)!;
    const { stored, scales } = quantizeKernel(floatsOf(kernel), kernel.dims, axis);
    const channels = scales.length;
    const key = `${kernelName}:int8`;
    const scaleName = this.#constant(`${key}:scale`, [channels], 'float32', scales);
    const zeroName = this.#constant(`${key}:zero`, [channels], 'int8', new Int8Array(channels));
    const storedName = this.#constant(key, kernel.dims, 'int8', stored);
    const along = { axis: { i: axis } };
    const restored = this.#add(
      'DequantizeLinear',
      [storedName, scaleName, zeroName],
      `${key}:restored`,
      along,
    );
    const bias = biasName === undefined ? undefined : this.#index.constants.get(biasName);
    if (biasName === undefined || bias === undefined || bias.dims.length !== 1)
      return [x, restored, ...(biasName === undefined ? [] : [biasName])];
    // Its step is that of the products, so that the integers can be added.
    const steps = scales.map((each) => each * scale);
    const numbers = Int32Array.from(floatsOf(bias), (value, channel) => saturated(value / steps[channel]!));
    const biasKey = `${biasName}:int32:${x}:${kernelName}`;
    const biasScale = this.#constant(`${biasKey}:scale`, [channels], 'float32', steps);
    const biasStored = this.#constant(biasKey, bias.dims, 'int32', numbers);
    const alone = { axis: { i: 0 } };
    const biasRestored = this.#add('DequantizeLinear', [biasStored, biasScale], `${biasKey}:restored`, alone);
    return [x, restored, biasRestored, ...rest];
  }

  #constant(name: string, dims: readonly number[], type: OnnxTensor['type'], data: PieceArray): string {
    if (!this.#constants.has(name)) this.#constants.set(name, { name, dims, type, pieces: () => [data] });
    return name;
  }

  #add(opType: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): string {
    const known = this.#nodes.some(({ outputs }) => outputs[0] === output);
    if (!known) this.#nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  /** Whether these are the bytes of a picture: 8 bits hold them as they are. */
  #isPixels(name: string): boolean {
    const producer = this.#index.producers.get(name);
    if (producer === undefined)
      return this.#graph.inputs.some((each) => each.name === name && each.type === 'uint8');
    const moved = ['Cast', 'Transpose', 'Gather'].includes(producer.opType);
    return moved && this.#isPixels(producer.inputs[0]!);
  }
}

type PieceArray = Float32Array | Int32Array | Uint8Array | Int8Array;

const PIXELS: Scale = { scale: 1, zero: 0 };

function scaleOf({ min, max }: TensorRange): Scale {
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  // A tensor of zeros.
  if (!(high > low)) return { scale: 1, zero: 0 };
  const scale = Math.fround((high - low) / LEVELS);
  return { scale, zero: Math.min(LEVELS, Math.max(0, Math.round(-low / scale))) };
}

function isTransposed({ opType, attributes }: OnnxNode): boolean {
  const { transB } = attributes;
  return opType === 'Gemm' && transB !== undefined && 'i' in transB && transB.i === 1;
}

/** Weights as int8 with a scale for each position along `axis`: the one with the least squared error. */
function quantizeKernel(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
): { stored: Int8Array; scales: Float32Array } {
  const channels = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const outer = values.length / (channels * inner);
  const stored = new Int8Array(values.length);
  const scales = new Float32Array(channels);
  const positions = new Int32Array(outer * inner);
  for (let channel = 0; channel < channels; channel++) {
    let count = 0;
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) positions[count++] = (o * channels + channel) * inner + i;
    let largest = 0;
    for (const at of positions) largest = Math.max(largest, Math.abs(values[at]!));
    const scale = largest === 0 ? 1 : bestStep(values, positions, largest);
    scales[channel] = scale;
    for (const at of positions) stored[at] = toInt8(values[at]!, scale);
  }
  return { stored, scales };
}

function bestStep(values: Float32Array, positions: Int32Array, largest: number): number {
  let best = 0;
  let least = Infinity;
  for (const clip of CLIPS) {
    const step = Math.fround((largest * clip) / MOST);
    let error = 0;
    for (const at of positions) error += (values[at]! - toInt8(values[at]!, step) * step) ** 2;
    if (error < least) [best, least] = [step, error];
  }
  return best;
}

function toInt8(value: number, step: number): number {
  return Math.max(-MOST, Math.min(MOST, Math.round(value / step)));
}

function saturated(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(value)));
}
