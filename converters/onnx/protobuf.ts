import { PbfWriter } from 'pbf';
import { FormatError } from '../../src/base/errors.ts';

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
const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, floats: 7, ints: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, floats: 6, ints: 7 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensorType: 1 } as const;
const TENSOR_TYPE = { elemType: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIMENSION = { value: 1, param: 2 } as const;
const DATA_TYPE = { float32: 1, int64: 7 } as const;
const LENGTH_DELIMITED = 2;

export type Attribute =
  | { readonly f: number }
  | { readonly i: number }
  | { readonly s: string }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] };

export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  /** An empty string leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** A string is a symbolic dimension, `null` an unknown one. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly shape: readonly (number | string | null)[];
}

export interface OnnxGraphParts {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

/**
 * The bytes of an ONNX model.
 *
 * Small messages go through the protobuf library; the weights are copied once, straight to their place, for a
 * nested message that outgrows its length prefix is moved byte by byte otherwise.
 *
 * @throws FormatError `FORMAT_LIMIT` when the model is larger than 2 GiB.
 */
export function encodeModel(graph: OnnxGraphParts): Uint8Array {
  const chunks: Uint8Array[] = [
    message((pbf) => {
      for (const node of graph.nodes) pbf.writeMessage(GRAPH.node, writeNode, node);
      pbf.writeStringField(GRAPH.name, graph.name);
      for (const input of graph.inputs) pbf.writeMessage(GRAPH.input, writeValueInfo, input);
      for (const output of graph.outputs) pbf.writeMessage(GRAPH.output, writeValueInfo, output);
    }),
  ];
  for (const tensor of graph.initializers) chunks.push(...tensorChunks(tensor));
  const graphLength = lengthOf(chunks);
  chunks.unshift(
    message((pbf) => {
      pbf.writeVarintField(MODEL.irVersion, IR_VERSION);
      pbf.writeStringField(MODEL.producerName, 'dovecote');
      pbf.writeMessage(MODEL.opsetImport, writeOpset, OPSET_VERSION);
      pbf.writeTag(MODEL.graph, LENGTH_DELIMITED);
      pbf.writeVarint(graphLength);
    }),
  );
  return concatenate(chunks, graph.name);
}

function message(write: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish();
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

function concatenate(chunks: readonly Uint8Array[], model: string): Uint8Array {
  const length = lengthOf(chunks);
  if (length > MAX_MODEL_BYTES) {
    throw new FormatError('FORMAT_LIMIT', `The model "${model}" is too large for the ONNX format.`, {
      given: `${length} bytes`,
      expected: `at most ${MAX_MODEL_BYTES} bytes`,
      nextStep: "Run it with the tfjs engine (engine: 'tfjs', --engine tfjs).",
    });
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function tensorChunks(tensor: OnnxTensor): Uint8Array[] {
  const data = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const header = message((pbf) => {
    if (tensor.dims.length > 0) pbf.writePackedVarint(TENSOR.dims, [...tensor.dims]);
    const isFloat = tensor.data instanceof Float32Array;
    pbf.writeVarintField(TENSOR.dataType, isFloat ? DATA_TYPE.float32 : DATA_TYPE.int64);
    pbf.writeStringField(TENSOR.name, tensor.name);
    pbf.writeTag(TENSOR.rawData, LENGTH_DELIMITED);
    pbf.writeVarint(data.byteLength);
  });
  const prefix = message((pbf) => {
    pbf.writeTag(GRAPH.initializer, LENGTH_DELIMITED);
    pbf.writeVarint(header.byteLength + data.byteLength);
  });
  return [prefix, header, data];
}

function writeOpset(version: number, pbf: PbfWriter): void {
  pbf.writeStringField(OPSET.domain, '');
  pbf.writeVarintField(OPSET.version, version);
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

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(ATTRIBUTE.name, name);
  if ('f' in value) {
    pbf.writeFloatField(ATTRIBUTE.f, value.f);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.f);
  } else if ('i' in value) {
    pbf.writeVarintField(ATTRIBUTE.i, value.i);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.i);
  } else if ('s' in value) {
    pbf.writeStringField(ATTRIBUTE.s, value.s);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.s);
  } else if ('floats' in value) {
    pbf.writePackedFloat(ATTRIBUTE.floats, [...value.floats]);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.floats);
  } else {
    pbf.writePackedVarint(ATTRIBUTE.ints, [...value.ints]);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
  }
}

function writeValueInfo(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeStringField(VALUE_INFO.name, info.name);
  pbf.writeMessage(VALUE_INFO.type, writeType, info.shape);
}

function writeType(shape: OnnxValueInfo['shape'], pbf: PbfWriter): void {
  pbf.writeMessage(TYPE.tensorType, writeTensorType, shape);
}

function writeTensorType(shape: OnnxValueInfo['shape'], pbf: PbfWriter): void {
  pbf.writeVarintField(TENSOR_TYPE.elemType, DATA_TYPE.float32);
  pbf.writeMessage(TENSOR_TYPE.shape, writeShape, shape);
}

function writeShape(shape: OnnxValueInfo['shape'], pbf: PbfWriter): void {
  for (const dimension of shape) pbf.writeMessage(SHAPE.dim, writeDimension, dimension);
}

function writeDimension(dimension: number | string | null, pbf: PbfWriter): void {
  if (typeof dimension === 'number') pbf.writeVarintField(DIMENSION.value, dimension);
  else if (typeof dimension === 'string') pbf.writeStringField(DIMENSION.param, dimension);
}
