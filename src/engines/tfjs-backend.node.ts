import * as tf from '@tensorflow/tfjs';
import { repairWasmHeap } from './wasm-heap.ts';

/**
 * Picks tfjs's backend in Node: the one that the program has picked; else `tensorflow` when the program has imported
 * tfjs-node or tfjs-node-gpu; else WASM; else cpu. Nothing is printed. `hostOnly` makes it cpu until the next call
 * without it.
 */
export async function prepareTfjsNode({ hostOnly = false } = {}): Promise<void> {
  if (hostOnly && preparing === undefined) return pickHost();
  // tfjs drops a backend that is still starting when it is set again, so callers share one attempt.
  preparing ??= pickBackend().finally(() => (preparing = undefined));
  return preparing;
}

let preparing: Promise<void> | undefined;
/** Whether cpu was only picked as a place for tensors. */
let onlyHost = false;

async function pickHost(): Promise<void> {
  if (tf.getBackend() !== undefined) return tf.ready();
  silenceCpuBackend();
  await tf.setBackend('cpu');
  onlyHost = true;
}

async function pickBackend(): Promise<void> {
  silenceCpuBackend();
  await pickFastest();
  repairWasmHeap();
}

async function pickFastest(): Promise<void> {
  const picked = tf.getBackend();
  if (picked !== undefined && !(onlyHost && picked === 'cpu')) return tf.ready();
  onlyHost = false;
  for (const pick of [pickTensorflow, pickWasm]) if (await pick()) return;
  await tf.setBackend('cpu');
}

async function pickTensorflow(): Promise<boolean> {
  if (tf.engine().registryFactory.tensorflow === undefined) return false;
  return settle(tf.setBackend('tensorflow'));
}

async function pickWasm(): Promise<boolean> {
  // Importing it registers it; in Node it finds its .wasm files beside itself.
  if (!(await settle(import('@tensorflow/tfjs-backend-wasm').then(() => true)))) return false;
  return settle(tf.setBackend('wasm'));
}

async function settle(attempt: Promise<boolean>): Promise<boolean> {
  try {
    return await attempt;
  } catch {
    return false;
  }
}

/** The cpu backend prints a banner at its first tensor, in Node only. */
function silenceCpuBackend(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (cpu?.firstUse === true) cpu.firstUse = false;
}
