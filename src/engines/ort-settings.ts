import { UsageError } from '../base/errors.ts';
import { requireWhole } from '../base/checks.ts';

export interface OnnxRuntimeSettings {
  /**
   * Threads for one operator. Default: the number of cores; in a browser up to 4 where the page is cross-origin isolated,
   * else 1.
   */
  readonly threads?: number;
  /**
   * In a browser: where the files `ort-wasm-simd-threaded*.mjs` and `.wasm` of onnxruntime-web are published, a folder's
   * URL that ends with a slash. Vite and webpack publish them by themselves, esbuild does not.
   */
  readonly wasmPaths?: string;
}

let settings: OnnxRuntimeSettings = {};

/**
 * Settings of ONNX Runtime for the networks that are compiled from now on. In a browser the runtime takes them when it
 * starts: call this before anything is compiled.
 *
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function configureOnnxRuntime(given: OnnxRuntimeSettings): void {
  if (given.threads !== undefined) requireWhole('threads', given.threads);
  const { wasmPaths } = given;
  if (wasmPaths !== undefined && (typeof wasmPaths !== 'string' || !wasmPaths.endsWith('/'))) {
    throw new UsageError('USAGE_ARGUMENT', 'wasmPaths is no folder.', {
      given: `wasmPaths: ${String(wasmPaths)}`,
      expected: "a folder's URL that ends with a slash",
      nextStep: 'publish the files of node_modules/onnxruntime-web/dist and give their folder',
    });
  }
  settings = { ...settings, ...given };
}

export function onnxRuntimeSettings(): OnnxRuntimeSettings {
  return settings;
}
