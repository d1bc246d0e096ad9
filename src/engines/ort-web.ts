import type { Ort } from './ort-session.ts';

/** What of onnxruntime-web is not in what it shares with the Node package. */
export interface OrtWeb extends Ort {
  readonly env: Ort['env'] & { wasm: { numThreads?: number; wasmPaths?: unknown } };
}

/** Each build of the runtime comes with a WebAssembly file of its own; the one without WebGPU has half the size. */
export type OrtWebBuild = 'cpu' | 'webgpu';

/** Imports a build of onnxruntime-web, as a module that may hold it as its default export. */
export type OrtWebLoader = (build: OrtWebBuild) => Promise<unknown>;

let loader: OrtWebLoader | undefined;

/**
 * A bundler must find each package that a program imports, so that the browser's entry cannot import an optional one:
 * `dovecote/onnx-web` does, and registers it here.
 */
export function registerOrtWeb(load: OrtWebLoader): void {
  loader = load;
}

/** @throws whatever the import throws. `undefined`: none is registered. */
export async function loadOrtWeb(build: OrtWebBuild): Promise<OrtWeb | undefined> {
  if (loader === undefined) return undefined;
  const loaded = (await loader(build)) as OrtWeb & { default?: OrtWeb };
  return loaded.InferenceSession === undefined ? loaded.default : loaded;
}
