import { EngineError, reasonOf } from '../base/errors.ts';
import type { DeviceName, OnnxDevice, OnnxSession } from '../platform.ts';
import { deviceUnavailable, engineFailed } from './engine-errors.ts';
import { FATAL, onnxSession } from './ort-session.ts';
import { onnxRuntimeSettings } from './ort-settings.ts';
import type { OrtWeb, OrtWebBuild } from './ort-web.ts';
import { loadOrtWeb } from './ort-web.ts';

/**
 * A session of onnxruntime-web on the bytes of a model: WebAssembly with SIMD, with threads where the page is cross-origin
 * isolated, or WebGPU.
 *
 * @throws EngineError `ENGINE_UNAVAILABLE` (the package or its files are not there, or there is no such device),
 *   `ENGINE_FAILED` (the model is damaged, or a run fails)
 */
export async function createOnnxSessionBrowser(
  bytes: Uint8Array,
  { device = 'cpu' }: { readonly device?: DeviceName | undefined } = {},
): Promise<OnnxSession> {
  if (device === 'cuda') throw deviceUnavailable(device, 'browsers have no CUDA');
  if (device !== 'cpu') {
    try {
      await requireAdapter();
      return await open(await runtimeFor('webgpu'), bytes, 'webgpu');
    } catch (cause) {
      if (device !== 'auto') throw cause instanceof EngineError ? cause : deviceUnavailable(device, cause);
    }
  }
  const ort = await runtimeFor('cpu');
  try {
    return await open(ort, bytes, 'cpu');
  } catch (cause) {
    throw startFailed(cause) ?? engineFailed('ONNX Runtime does not accept the model', cause);
  }
}

/** Without one the runtime would compute on the processor, and say nothing of it. */
async function requireAdapter(): Promise<void> {
  if (!('gpu' in navigator))
    throw new Error('this browser, or this page without HTTPS, has no navigator.gpu');
  const { gpu } = navigator as { readonly gpu: { requestAdapter(): Promise<object | null> } };
  if ((await gpu.requestAdapter()) === null) throw new Error('the browser finds no GPU that it may use');
}

async function open(ort: OrtWeb, bytes: Uint8Array, device: OnnxDevice): Promise<OnnxSession> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: device === 'cpu' ? ['wasm'] : [device, 'wasm'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: FATAL,
  });
  return onnxSession(ort, session, device);
}

const runtimes = new Map<OrtWebBuild, Promise<OrtWeb>>();

function runtimeFor(build: OrtWebBuild): Promise<OrtWeb> {
  const known = runtimes.get(build);
  if (known !== undefined) return known;
  const loading = load(build);
  runtimes.set(build, loading);
  loading.catch(() => runtimes.delete(build));
  return loading;
}

async function load(build: OrtWebBuild): Promise<OrtWeb> {
  const ort = (await loadOrtWeb(build).catch(missing)) ?? missing("'dovecote/onnx-web' is imported nowhere");
  const { threads, wasmPaths } = onnxRuntimeSettings();
  ort.env.logLevel ??= 'fatal';
  if (threads !== undefined) ort.env.wasm.numThreads = threads;
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  return ort;
}

function missing(cause: unknown): never {
  throw new EngineError(
    'ENGINE_UNAVAILABLE',
    'In a browser the onnx engine needs the package onnxruntime-web, which is not in the bundle.',
    {
      given: reasonOf(cause),
      expected: "import 'dovecote/onnx-web' somewhere in the program",
      nextStep:
        "run npm install onnxruntime-web and import 'dovecote/onnx-web', or use the tfjs engine (engine: 'tfjs')",
      cause,
    },
  );
}

/** Its WebAssembly files were not found: the bundler left them behind. */
function startFailed(cause: unknown): EngineError | undefined {
  const reason = reasonOf(cause);
  if (!/no available backend|wasm|dynamically imported|fetch/i.test(reason)) return undefined;
  return new EngineError('ENGINE_UNAVAILABLE', 'ONNX Runtime cannot be started in this page.', {
    given: reason,
    expected: 'the files ort-wasm-simd-threaded.* of onnxruntime-web beside the bundle',
    nextStep:
      "for Vite's dev server set optimizeDeps: { exclude: ['onnxruntime-web'] }; elsewhere publish " +
      'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.* and call ' +
      "configureOnnxRuntime({ wasmPaths: '/their/folder/' }), or use the tfjs engine (engine: 'tfjs')",
    cause,
  });
}
