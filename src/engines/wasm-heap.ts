import * as tf from '@tensorflow/tfjs';

/** What of tfjs's WASM backend is used here; its types are not public. */
interface WasmBackend {
  readonly dataIdMap: { get(dataId: object): unknown };
  typedArrayFromHeap(tensor: { readonly dataId: object }): ArrayBufferView;
}

const repaired = new WeakSet<object>();

/**
 * Lets tfjs's WASM backend read tensors that another backend holds, such as the weights of a network that was built on
 * the host. `typedArrayFromHeap` of tfjs 4.22 takes hold of its memory first and of the tensor second; when taking over
 * the tensor makes the memory grow, it then reads memory that is gone: "Cannot perform Construct on a detached
 * ArrayBuffer", for example in the transpose of a training step. Here the tensor comes first. Does nothing when there is
 * no such backend.
 */
export function repairWasmHeap(): void {
  // `findBackend` would start one that nobody has picked.
  const backend = tf.engine().registry['wasm'] as unknown as WasmBackend | undefined;
  if (backend === undefined || repaired.has(backend)) return;
  if (typeof backend.typedArrayFromHeap !== 'function') return;
  const original = backend.typedArrayFromHeap.bind(backend);
  backend.typedArrayFromHeap = (tensor) => {
    backend.dataIdMap.get(tensor.dataId);
    return original(tensor);
  };
  repaired.add(backend);
}
