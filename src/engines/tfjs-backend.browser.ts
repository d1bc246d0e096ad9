import * as tf from '@tensorflow/tfjs';
import { repairWasmHeap } from './wasm-heap.ts';

/**
 * Picks tfjs's backend in a browser: the one that the program has picked, else WebGL when it works, else cpu. WASM
 * and WebGPU need files or a package that the program has to provide; it registers and picks them itself.
 */
export async function prepareTfjsBrowser(): Promise<void> {
  await pickBackend();
  repairWasmHeap();
}

async function pickBackend(): Promise<void> {
  if (tf.getBackend() !== undefined) return tf.ready();
  for (const name of ['webgl', 'cpu']) {
    try {
      if (tf.findBackendFactory(name) != null && (await tf.setBackend(name))) return;
    } catch {
      // The next one.
    }
  }
}
