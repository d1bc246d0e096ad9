export type { Affine, Dialect, LayerCall, LayerEmitter, Padding2D } from './emitter.ts';
export { inputOf, unsupportedLayer, weightOf } from './emitter.ts';
export { weightKey } from './emit-graph.ts';
export { IR_VERSION, OPSET_VERSION } from './protobuf.ts';
export { onnxLayerNames, registerOnnxLayer } from './registry.ts';
export type { OnnxEndpoint, OnnxModel, OnnxWeights, WriteOnnxOptions } from './write-onnx.ts';
export { buildOnnxModel, writeOnnxModel } from './write-onnx.ts';
