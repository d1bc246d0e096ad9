/**
 * `dovecote/converters`: model files to artifacts, in Node and browsers alike. Bytes in, bytes out.
 *
 * @module dovecote/converters
 */
export type { GraphLayer, ModelGraph, TensorRef } from './graph.ts';
export type { GraphModelFacts, ModelFile, ReadLimits } from './model-file.ts';
export type { ModelBytes } from './byte-source.ts';
export { requireModelConfig, type ModelConfig } from './model-config.ts';
export { parseJson } from './json.ts';
export { MemorySink, type ByteSink } from './byte-sink.ts';
export type {
  ByteSource,
  JsonObject,
  JsonValue,
  LayerWeights,
  NamedTensor,
  StoredTensor,
  WeightTensor,
} from '../src/base/types.ts';
export {
  checkOutputFormat,
  namesWeights,
  outputFormatOf,
  OUTPUT_FORMATS,
  type OutputFormat,
} from './output-format.ts';
export { writeModel, type FileFormat, type WriteModelOptions } from './write-model.ts';
export { weightsByKey } from './weights-by-key.ts';
export { countOf, inMemory, numbersOf, piecesOf } from './tensors.ts';
export { DovecoteError, FormatError, UsageError, WeightsError, type ErrorCode } from '../src/base/errors.ts';
export { isHdf5 } from './hdf5/signature.ts';
export { readKerasHdf5, type ReadHdf5Options } from './hdf5/read-keras-hdf5.ts';
export { readTfjsModel } from './tfjs/read-tfjs.ts';
export type { ReadShard, ReadTfjsOptions } from './tfjs/read-weights.ts';
export {
  streamTfjsModel,
  writeTfjsModel,
  type TfjsArtifacts,
  type TfjsStream,
  type WriteTfjsOptions,
} from './tfjs/write-tfjs.ts';
export type { Quantization } from './tfjs/quantize.ts';
export type { Shard } from './tfjs/shards.ts';
export { readSafetensors, type ReadSafetensorsOptions } from './safetensors/read-safetensors.ts';
export {
  writeSafetensors,
  type SafetensorsEncoding,
  type WriteSafetensorsOptions,
} from './safetensors/write-safetensors.ts';
export { inspectModelFile, readModelFile, type ReadModelFileOptions } from './read-model-file.ts';
export { formatInspection, inspectModel, type InspectedLayer, type Inspection } from './inspect.ts';
export {
  resolveModelFile,
  withLayersOf,
  type Architecture,
  type ResolvedModel,
  type ResolveOptions,
} from './resolve-model.ts';
export { matchWeights, type MatchOptions } from './match-weights.ts';
export { expectedWeights, type ExpectedLayer, type ExpectedWeight } from './keras/layer-weights.ts';
export { parseKerasConfig, type ParseKerasOptions } from './keras/parse-config.ts';
export { layerTable, layerTableMarkdown, type LayerRow } from './keras/layer-table.ts';
export { toTfjsTopology } from './keras/tfjs-topology.ts';
export {
  convertKeras,
  convertModelFile,
  streamModelFile,
  streamResolved,
  type ConvertKerasOptions,
} from './convert-keras.ts';
export {
  buildOnnxModel,
  streamOnnxModel,
  writeOnnxModel,
  type OnnxModel,
  type OnnxStream,
  type WriteOnnxOptions,
} from './onnx/index.ts';
export {
  writeKeras3,
  writeKeras3Weights,
  writeKerasH5,
  writeKerasH5Weights,
  type ModelToWrite,
  type WriteKerasOptions,
} from './keras-writer/write-keras.ts';
export { readKeras3, readKeras3Weights } from './keras3-weights/read-keras3.ts';
export type { KernelOrder } from './weights-layout.ts';
export type { LayerReading } from './keras/layer-table.ts';
export type { WeightTree } from './keras3-weights/weight-tree.ts';
export type { NumericArray } from '../src/base/types.ts';
export type { OnnxEndpoint, OnnxWeights } from './onnx/write-onnx.ts';
export type { Checksum } from './zip/write-archive.ts';
export type { Dialect } from './onnx/emitter.ts';
export type { PixelInput } from './onnx/pixel-input.ts';
export type { Keras3File } from './keras3-weights/read-keras3.ts';
export type { WrittenKeras } from './keras-writer/write-keras.ts';
export type {
  Attribute,
  OnnxArray,
  OnnxGraphParts,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from './onnx/protobuf.ts';
export type { Shape, ValueType } from './onnx/value.ts';
