// By another name than programs give it that esbuild makes one file of: those declare `createRequire` at the top.
import { createRequire as requireFrom } from 'node:module';
import { availableParallelism } from 'node:os';
import type * as OrtModule from 'onnxruntime-node';
import type { NativeOperators, OnnxFeed, OnnxTarget } from '../platform.ts';

/** What of the native part of onnxruntime-node is used: its runs are synchronous, as tfjs's kernels have to be. */
interface Binding {
  InferenceSession: { new (): NativeSession; prototype: unknown };
}
interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: object, fetches: object, options: object): object;
  dispose(): void;
}

/** Graphs that are kept ready; the one that was used longest ago goes first. */
const CAPACITY = 256;
const FATAL = 4;

let loaded: NativeOperators | undefined | null = null;

/**
 * Small graphs in ONNX Runtime, computed while the caller waits, with onnxruntime-node's native part. Undefined where that
 * package is missing or is not built as version 1.20 to 1.30 are; or with the environment variable
 * `DOVECOTE_NATIVE_TRAINING=0`.
 */
export function nativeOperatorsNode(): NativeOperators | undefined {
  if (loaded === null) loaded = process.env.DOVECOTE_NATIVE_TRAINING === '0' ? undefined : load();
  return loaded;
}

function load(): NativeOperators | undefined {
  try {
    process.env.ORT_DISABLE_TELEMETRY ??= '1';
    const require = requireFrom(import.meta.url);
    const ort = require('onnxruntime-node') as typeof OrtModule;
    ort.env.logLevel ??= 'fatal';
    const part = require('onnxruntime-node/dist/binding.js') as { binding: Binding; initOrt?: () => void };
    part.initOrt?.();
    // What is not public may be another thing one day: a session shows it.
    const { run } = part.binding.InferenceSession.prototype as Partial<NativeSession>;
    return typeof run === 'function' ? new Operators(ort, part.binding) : undefined;
  } catch {
    return undefined;
  }
}

class Operators implements NativeOperators {
  readonly #sessions = new Map<string, NativeSession>();
  readonly #ort: typeof OrtModule;
  readonly #binding: Binding;

  constructor(ort: typeof OrtModule, binding: Binding) {
    this.#ort = ort;
    this.#binding = binding;
  }

  run(
    key: string,
    make: () => Uint8Array,
    feeds: Readonly<Record<string, OnnxFeed>>,
    outs: Readonly<Record<string, OnnxTarget>>,
  ): void {
    const session = this.#sessions.get(key) ?? this.#open(make());
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    session.run(this.#tensors(feeds), this.#tensors(outs), {});
    if (this.#sessions.size <= CAPACITY) return;
    const [oldest] = this.#sessions.keys();
    this.#sessions.get(oldest!)!.dispose();
    this.#sessions.delete(oldest!);
  }

  #tensors(values: Readonly<Record<string, OnnxFeed>>): object {
    const { Tensor } = this.#ort;
    const named = Object.entries(values).map(([name, { data, shape }]) => [
      name,
      new Tensor('float32', data as Float32Array, shape),
    ]);
    return Object.fromEntries(named) as object;
  }

  #open({ buffer, byteOffset, byteLength }: Uint8Array): NativeSession {
    const session = new this.#binding.InferenceSession();
    session.loadModel(buffer, byteOffset, byteLength, {
      intraOpNumThreads: availableParallelism(),
      logSeverityLevel: FATAL,
      extra: { session: { intra_op: { spin_duration_us: '20' } } },
    });
    return session;
  }

  dispose(): void {
    for (const session of this.#sessions.values()) session.dispose();
    this.#sessions.clear();
  }
}
