import { availableParallelism } from 'node:os';
import type * as OrtModule from 'onnxruntime-node';
import { EngineError, reasonOf } from '../base/errors.ts';
import type { OnnxFeed, OnnxSession } from '../platform.ts';
import { clipsInt8Sums } from './cpu-features.node.ts';
import { engineFailed } from './engine-errors.ts';

type Ort = typeof OrtModule;

export interface OrtSessionOptions {
  /** Threads for one operator; default: the number of cores. */
  readonly threads?: number;
  /** How the package is loaded. */
  readonly load?: () => Promise<Ort>;
}

/**
 * How long a thread that waits for the next operator keeps its core. ONNX Runtime's own default is so long that its
 * threads fight with those that decode pictures: on 2 busy cores SqueezeNet then takes 11.7 ms at the median, with
 * this 5.5 ms; on idle cores both take 2.4 ms. No spinning at all costs 0.7 ms there.
 */
const SPIN_MICROSECONDS = '20';

/** The messages of ONNX Runtime's own logger, from which on they are shown: 4 is fatal. */
const FATAL = 4;

/**
 * A session of ONNX Runtime's CPU provider on the bytes of a model. The bytes may be dropped afterwards.
 *
 * Runs may overlap: the binding runs them one after the other. `release` waits for those that are under way.
 *
 * @throws EngineError `ENGINE_UNAVAILABLE` (the optional package is missing or does not load on this machine),
 *   `ENGINE_FAILED` (the model is damaged, or a run fails)
 */
export async function createOnnxSessionNode(
  bytes: Uint8Array,
  options: OrtSessionOptions = {},
): Promise<OnnxSession> {
  // Since 1.30 ONNX Runtime for Linux reports its use to its maker and leaves log files in the temporary folder, unless
  // this is set before it is loaded. Who wants that can set it to 0.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const ort = await loadRuntime(options.load ?? (() => import('onnxruntime-node')));
  const session = await open(ort, bytes, options.threads ?? availableParallelism());
  const running = new Set<Promise<unknown>>();
  const inputName = session.inputNames[0] ?? '';

  return {
    inputName,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (data, shape) => runAll({ [inputName]: { data, shape } }),
    runAll,
    async release() {
      await Promise.allSettled(running);
      await session.release();
    },
  };

  async function runAll(feeds: Readonly<Record<string, OnnxFeed>>) {
    const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      tensorOf(ort, data, shape),
    ]);
    const run = session.run(Object.fromEntries(tensors) as Record<string, OrtModule.Tensor>);
    running.add(run);
    try {
      const results = await run;
      return session.outputNames.map((name) => {
        const { data: values, dims } = results[name]!;
        return { data: values as Float32Array, shape: dims };
      });
    } catch (cause) {
      throw engineFailed('ONNX Runtime could not run the model', cause);
    } finally {
      running.delete(run);
    }
  }
}

function tensorOf({ Tensor }: Ort, data: OnnxFeed['data'], shape: readonly number[]): OrtModule.Tensor {
  if (data instanceof Int32Array) return new Tensor('int32', data, shape);
  if (data instanceof Uint8Array) return new Tensor('uint8', data, shape);
  return new Tensor('float32', data, shape);
}

async function loadRuntime(load: () => Promise<Ort>): Promise<Ort> {
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

async function open(ort: Ort, bytes: Uint8Array, threads: number): Promise<OrtModule.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
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
  } catch (cause) {
    throw engineFailed('ONNX Runtime does not accept the model', cause);
  }
}
