import type { KernelBackend, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

/** What of tfjs's WASM backend is used here; its types are not public. */
export interface WasmBackend extends KernelBackend {
  readonly dataIdMap: { get(dataId: object): unknown };
  makeOutput(shape: readonly number[], dtype: 'float32' | 'int32'): TensorInfo;
  /** The tensor's own memory, until the memory grows: to be used at once. */
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array;
}

/** Inputs are tensors wherever tfjs calls a kernel. */
export interface KernelArguments {
  readonly inputs: NamedTensorInfoMap;
  readonly backend: WasmBackend;
  readonly attrs: NamedAttrMap;
}

export type Kernel = (call: KernelArguments) => TensorInfo;

const BACKEND = 'wasm';

/** The kernel that the WASM backend has now. */
export function originalKernel(name: string): Kernel {
  const config = tf.getKernel(name, BACKEND) as { kernelFunc: unknown } | undefined;
  if (config !== undefined) return config.kernelFunc as Kernel;
  return () => {
    throw new Error(`The WASM backend of TensorFlow.js has no kernel ${name}.`);
  };
}

/** Puts a kernel in the place of the WASM backend's, or where it has none; what sets the old one up is kept. */
export function replaceKernel(name: string, kernel: Kernel): void {
  const old = tf.getKernel(name, BACKEND) as tf.KernelConfig | undefined;
  if (old !== undefined) tf.unregisterKernel(name, BACKEND);
  tf.registerKernel({
    ...old,
    kernelName: name,
    backendName: BACKEND,
    kernelFunc: kernel as unknown as tf.KernelConfig['kernelFunc'],
  });
}

export interface View {
  readonly data: Float32Array;
  readonly shape: number[];
}

/**
 * Views of float32 tensors in the backend's memory, to be used before anything is allocated there. Tensors that another
 * backend holds are taken over first, since that may move the memory.
 */
export function views(backend: WasmBackend, ...tensors: readonly TensorInfo[]): View[] {
  for (const { dataId } of tensors) backend.dataIdMap.get(dataId);
  return tensors.map((tensor) => ({
    data: backend.typedArrayFromHeap(tensor) as Float32Array,
    shape: tensor.shape,
  }));
}
