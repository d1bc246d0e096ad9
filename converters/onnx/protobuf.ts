import { PbfWriter } from 'pbf';
import { FormatError } from '../../src/base/errors.ts';
import type { NumericArray } from '../../src/base/types.ts';
import { countOf } from '../tensors.ts';

/** ONNX 1.12's file format; ONNX Runtime reads it since 1.12 (2022). */
export const IR_VERSION = 8;
/** The newest operator set of that release: LayerNormalization is in it, Gelu and Mish are not. */
export const OPSET_VERSION = 17;

/** Protobuf refuses longer messages, and so does ONNX Runtime. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** Field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto). */
const MODEL = { irVersion: 1, producerName: 2, graph: 7, opsetImport: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, g: 6, floats: 7, ints: 8, strings: 9, type: 20 } as const;
const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, g: 5, floats: 6, ints: 7, strings: 8 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensorType: 1 } as const;
const TENSOR_TYPE = { elemType: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIMENSION = { value: 1, param: 2 } as const;
/** Also what the operator Cast takes. */
export const DATA_TYPE = {
  ...{ float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 },
} as const;
const ELEMENT_BYTES = { float32: 4, uint8: 1, int8: 1, int32: 4, int64: 8, bool: 1, float16: 2 } as const;
const LENGTH_DELIMITED = 2;

export type Attribute =
  | { readonly f: number }
  | { readonly i: number }
  | { readonly s: string }
  /** A graph inside of the graph, which may read what stands outside; it has no initializers of its own. */
  | { readonly g: OnnxGraphParts }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] }
  | { readonly strings: readonly string[] };

export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  /** An empty string leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export type OnnxType = keyof typeof DATA_TYPE;
/** Uint16Array: the bits of float16. */
export type OnnxArray = NumericArray | BigInt64Array | Int8Array | Uint16Array;

/** `pieces` gives its numbers in order, and is asked for once, when the tensor is written. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: OnnxType;
  readonly pieces: () => Iterable<OnnxArray>;
}

/** A string is a symbolic dimension, `null` an unknown one. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string | null)[];
}

export interface OnnxGraphParts {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

/** A model as bytes that are made while they are asked for; chunks show the tensors' own memory and are not to be changed. */
export interface EncodedModel {
  /** How many bytes all chunks have together. */
  readonly size: number;
  /** To be walked once, from start to end. */
  readonly chunks: Generator<Uint8Array, void, undefined>;
}

/**
 * The bytes of an ONNX model, one tensor or piece of a tensor after the other: its length is known from the shapes, so
 * that nothing has to be held that was written.
 *
 * @throws FormatError `FORMAT_LIMIT` when the model is larger than 2 GiB, `FORMAT_DAMAGED` for impossible shapes.
 */
export function encodeModel(graph: OnnxGraphParts): EncodedModel {
  for (const { name, shape } of [...graph.inputs, ...graph.outputs]) checkSizes(name, shape);
  for (const { name, dims } of graph.initializers) checkSizes(name, dims);
  const body = message((pbf) => writeGraph(graph, pbf));
  const headers = graph.initializers.map(tensorHeader);
  const graphLength = graph.initializers.reduce(
    (sum, tensor, index) => sum + (headers[index] as Uint8Array).byteLength + byteLength(tensor),
    body.byteLength,
  );
  checkSize(graphLength, graph.name);
  const start = message((pbf) => {
    pbf.writeVarintField(MODEL.irVersion, IR_VERSION);
    pbf.writeStringField(MODEL.producerName, 'dovecote');
    pbf.writeMessage(MODEL.opsetImport, writeOpset, OPSET_VERSION);
    pbf.writeTag(MODEL.graph, LENGTH_DELIMITED);
    pbf.writeVarint(graphLength);
  });
  const size = start.byteLength + graphLength;
  checkSize(size, graph.name);
  return { size, chunks: chunksOf([start, body], graph.initializers, headers) };
}

function* chunksOf(
  start: readonly Uint8Array[],
  tensors: readonly OnnxTensor[],
  headers: readonly Uint8Array[],
): Generator<Uint8Array, void, undefined> {
  yield* start;
  for (const [index, tensor] of tensors.entries()) {
    yield headers[index] as Uint8Array;
    let length = 0;
    for (const piece of tensor.pieces()) {
      const data = rawData(piece, tensor.type);
      length += data.byteLength;
      yield data;
    }
    // Every length before it would be wrong.
    if (length !== byteLength(tensor)) {
      throw new FormatError('FORMAT_DAMAGED', `The numbers of "${tensor.name}" do not fill its shape.`, {
        given: `${length} bytes`,
        expected: `[${tensor.dims.join(', ')}] as ${byteLength(tensor)} bytes`,
        nextStep: 'Load the model again; a damaged file can be the cause.',
      });
    }
  }
}

function rawData(piece: OnnxArray, type: OnnxType): Uint8Array {
  const floats = type === 'float32' && !(piece instanceof Float32Array);
  const array = floats && !(piece instanceof BigInt64Array) ? Float32Array.from(piece) : piece;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function byteLength(tensor: OnnxTensor): number {
  return countOf({ shape: tensor.dims }) * ELEMENT_BYTES[tensor.type];
}

function message(write: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish();
}

/** Sizes that a damaged config gives: fractions, or fewer than none. */
function checkSizes(name: string, shape: OnnxValueInfo['shape']): void {
  if (shape.every((size) => typeof size !== 'number' || (Number.isSafeInteger(size) && size >= 0))) return;
  throw new FormatError('FORMAT_DAMAGED', `The tensor "${name}" would have an impossible shape.`, {
    given: `[${shape.map((size) => size ?? 'any').join(', ')}]`,
    expected: 'whole numbers that are not negative',
    nextStep: 'Build or save the model again.',
  });
}

function checkSize(length: number, model: string): void {
  if (length <= MAX_MODEL_BYTES) return;
  throw new FormatError('FORMAT_LIMIT', `The model "${model}" is too large for the ONNX format.`, {
    given: `${length} bytes`,
    expected: `at most ${MAX_MODEL_BYTES} bytes`,
    nextStep: "Run it with the tfjs engine (engine: 'tfjs', --engine tfjs).",
  });
}

/** The bytes of an encoded model in one array. */
export function joined({ size, chunks }: EncodedModel): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** All of a tensor's message but its numbers, which come last. */
function tensorHeader(tensor: OnnxTensor): Uint8Array {
  const length = byteLength(tensor);
  const header = message((pbf) => {
    if (tensor.dims.length > 0) pbf.writePackedVarint(TENSOR.dims, [...tensor.dims]);
    pbf.writeVarintField(TENSOR.dataType, DATA_TYPE[tensor.type]);
    pbf.writeStringField(TENSOR.name, tensor.name);
    pbf.writeTag(TENSOR.rawData, LENGTH_DELIMITED);
    pbf.writeVarint(length);
  });
  const prefix = message((pbf) => {
    pbf.writeTag(GRAPH.initializer, LENGTH_DELIMITED);
    pbf.writeVarint(header.byteLength + length);
  });
  const whole = new Uint8Array(prefix.byteLength + header.byteLength);
  whole.set(prefix);
  whole.set(header, prefix.byteLength);
  return whole;
}

function writeOpset(version: number, pbf: PbfWriter): void {
  pbf.writeStringField(OPSET.domain, '');
  pbf.writeVarintField(OPSET.version, version);
}

/** All of a graph but its initializers. */
function writeGraph(graph: OnnxGraphParts, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(GRAPH.node, writeNode, node);
  pbf.writeStringField(GRAPH.name, graph.name);
  for (const input of graph.inputs) pbf.writeMessage(GRAPH.input, writeValueInfo, input);
  for (const output of graph.outputs) pbf.writeMessage(GRAPH.output, writeValueInfo, output);
}

function writeNode(node: OnnxNode, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(NODE.input, input);
  for (const output of node.outputs) pbf.writeStringField(NODE.output, output);
  pbf.writeStringField(NODE.name, node.name);
  pbf.writeStringField(NODE.opType, node.opType);
  for (const attribute of Object.entries(node.attributes)) {
    pbf.writeMessage(NODE.attribute, writeAttribute, attribute);
  }
}

/** @throws FormatError `FORMAT_DAMAGED` for a number that no attribute can hold */
function whole(attribute: string, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new FormatError('FORMAT_DAMAGED', `The attribute "${attribute}" would have an impossible number.`, {
    given: String(value),
    expected: 'a whole number',
    nextStep: 'The config of a layer is damaged: save or convert the model again.',
  });
}

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(ATTRIBUTE.name, name);
  if ('f' in value) {
    pbf.writeFloatField(ATTRIBUTE.f, value.f);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.f);
  } else if ('i' in value) {
    pbf.writeVarintField(ATTRIBUTE.i, whole(name, value.i));
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.i);
  } else if ('s' in value) {
    pbf.writeStringField(ATTRIBUTE.s, value.s);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.s);
  } else if ('g' in value) {
    pbf.writeMessage(ATTRIBUTE.g, writeGraph, value.g);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.g);
  } else if ('floats' in value) {
    pbf.writePackedFloat(ATTRIBUTE.floats, [...value.floats]);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.floats);
  } else if ('strings' in value) {
    for (const text of value.strings) pbf.writeStringField(ATTRIBUTE.strings, text);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.strings);
  } else {
    pbf.writePackedVarint(
      ATTRIBUTE.ints,
      value.ints.map((each) => whole(name, each)),
    );
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
  }
}

function writeValueInfo(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeStringField(VALUE_INFO.name, info.name);
  pbf.writeMessage(VALUE_INFO.type, writeType, info);
}

function writeType(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeMessage(TYPE.tensorType, writeTensorType, info);
}

function writeTensorType({ shape, type }: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeVarintField(TENSOR_TYPE.elemType, DATA_TYPE[type]);
  pbf.writeMessage(TENSOR_TYPE.shape, writeShape, shape);
}

function writeShape(shape: OnnxValueInfo['shape'], pbf: PbfWriter): void {
  for (const dimension of shape) pbf.writeMessage(SHAPE.dim, writeDimension, dimension);
}

function writeDimension(dimension: number | string | null, pbf: PbfWriter): void {
  if (typeof dimension === 'number') pbf.writeVarintField(DIMENSION.value, dimension);
  else if (typeof dimension === 'string') pbf.writeStringField(DIMENSION.param, dimension);
}
