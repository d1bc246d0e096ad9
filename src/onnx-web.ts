/**
 * Gives the onnx engine to browsers: importing this module once makes `onnxruntime-web`, an optional peer, the engine
 * that `engine: 'auto'` takes first. It is an entry of its own, as a bundler must find each package that is imported.
 *
 * @module dovecote/onnx-web
 */
import { registerOrtWeb } from './engines/ort-web.ts';

registerOrtWeb((build) =>
  build === 'cpu' ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu'),
);

export { configureOnnxRuntime } from './engines/ort-settings.ts';
export type { OnnxRuntimeSettings } from './engines/ort-settings.ts';
