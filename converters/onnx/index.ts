export type { Affine, CheckedWeight, Dialect, LayerCall, LayerEmitter, Padding } from './emitter.ts';
export { checkedWeight, inputOf, unsupportedLayer, weightKey, weightOf } from './emitter.ts';
export type { PixelInput } from './pixel-input.ts';
export { IR_VERSION, OPSET_VERSION } from './protobuf.ts';
export { onnxLayerNames, registerOnnxLayer } from './registry.ts';
export type { OnnxEndpoint, OnnxModel, OnnxStream, OnnxWeights, WriteOnnxOptions } from './write-onnx.ts';
export { buildOnnxModel, streamOnnxModel, writeOnnxModel } from './write-onnx.ts';
