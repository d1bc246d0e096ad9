import { availableParallelism } from 'node:os';
import type * as OrtModule from 'onnxruntime-node';
import { EngineError, reasonOf } from '../base/errors.ts';
import type { DeviceName, OnnxDevice, OnnxSession } from '../platform.ts';
import { clipsInt8Sums } from './cpu-features.node.ts';
import { deviceUnavailable, engineFailed } from './engine-errors.ts';
import type { Ort, OrtInferenceSession } from './ort-session.ts';
import { FATAL, onnxSession } from './ort-session.ts';
import { onnxRuntimeSettings } from './ort-settings.ts';

type OrtNode = typeof OrtModule;

export interface OrtSessionOptions {
  /** Default `cpu`; `auto` takes the first of CUDA, WebGPU and the CPU that works. */
  readonly device?: DeviceName | undefined;
  /** Threads for one operator; default: as `configureOnnxRuntime` says, else the number of cores. */
  readonly threads?: number;
  /** How the package is loaded. */
  readonly load?: () => Promise<OrtNode>;
}

/**
 * How long a thread that waits for the next operator keeps its core. ONNX Runtime's own default is so long that its
 * threads fight with those that decode pictures: on 2 busy cores SqueezeNet then takes 11.7 ms at the median, with
 * this 5.5 ms; on idle cores both take 2.4 ms. No spinning at all costs 0.7 ms there.
 */
const SPIN_MICROSECONDS = '20';

/**
 * A session of ONNX Runtime on the bytes of a model, which may be dropped afterwards.
 *
 * @throws EngineError `ENGINE_UNAVAILABLE` (the optional package is missing or does not load on this machine, or there is
 *   no such device), `ENGINE_FAILED` (the model is damaged, or a run fails)
 */
export async function createOnnxSessionNode(
  bytes: Uint8Array,
  options: OrtSessionOptions = {},
): Promise<OnnxSession> {
  const ort = await loadOnnxRuntimeNode(options.load);
  const threads = options.threads ?? onnxRuntimeSettings().threads ?? availableParallelism();
  const { device = 'cpu' } = options;
  for (const name of device === 'auto' ? gpusOf(ort) : device === 'cpu' ? [] : [device]) {
    try {
      return onnxSession(ort, await open(ort, bytes, threads, name), name);
    } catch (cause) {
      if (device !== 'auto') throw deviceUnavailable(name, cause);
    }
  }
  try {
    return onnxSession(ort, await open(ort, bytes, threads, 'cpu'), 'cpu');
  } catch (cause) {
    throw engineFailed('ONNX Runtime does not accept the model', cause);
  }
}

/** @throws EngineError `ENGINE_UNAVAILABLE` */
export async function loadOnnxRuntimeNode(
  load: () => Promise<OrtNode> = () => import('onnxruntime-node'),
): Promise<OrtNode> {
  // Since 1.30 ONNX Runtime for Linux reports its use to its maker and leaves log files in the temporary folder, unless
  // this is set before it is loaded. Who wants that can set it to 0.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    const ort = await load();
    // Its warnings about missing GPUs and unused initializers are nobody's business here.
    ort.env.logLevel ??= 'fatal';
    return ort;
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code;
    const absent = missing === 'ERR_MODULE_NOT_FOUND' || missing === 'MODULE_NOT_FOUND';
    throw new EngineError(
      'ENGINE_UNAVAILABLE',
      absent
        ? 'The onnx engine needs the package onnxruntime-node, which is not installed.'
        : `The package onnxruntime-node does not load on this machine: ${reasonOf(cause)}`,
      {
        given: `${process.platform} ${process.arch}, Node ${process.versions.node}`,
        expected: 'onnxruntime-node 1.20 or newer',
        nextStep: absent
          ? "Run npm install onnxruntime-node, or use the slower tfjs engine (engine: 'tfjs', --engine tfjs)."
          : "Install it again for this platform, or use the tfjs engine (engine: 'tfjs', --engine tfjs).",
        cause,
      },
    );
  }
}

/** GPUs that this build of the runtime knows, fastest first; whether there is one shows when it is opened. */
export function gpusOf(ort: OrtNode): Exclude<OnnxDevice, 'cpu'>[] {
  const names = new Set(ort.listSupportedBackends().map(({ name }) => name));
  return (['cuda', 'webgpu'] as const).filter((name) => names.has(name));
}

function open(
  ort: OrtNode,
  bytes: Uint8Array,
  threads: number,
  device: OnnxDevice,
): Promise<OrtInferenceSession> {
  return (ort as unknown as Ort).InferenceSession.create(bytes, {
    // What a GPU has no kernel for runs on the CPU.
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    logSeverityLevel: FATAL,
    extra: {
      session: {
        intra_op: { spin_duration_us: SPIN_MICROSECONDS },
        // Sums of int8 products would be clipped; where they are not, this would only make them slow.
        ...(clipsInt8Sums() ? { x64quantprecision: '1' } : {}),
      },
    },
  });
}
