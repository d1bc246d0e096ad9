import type { OnnxDevice, OnnxFeed, OnnxSession } from '../platform.ts';
import { engineFailed } from './engine-errors.ts';

export interface OrtTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface OrtInferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** What of onnxruntime-node and onnxruntime-web is used, in which they are alike. */
export interface Ort {
  readonly env: { logLevel?: string };
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<OrtInferenceSession>;
  };
  readonly Tensor: {
    new (type: 'float32' | 'int32' | 'uint8', data: OnnxFeed['data'], dims: readonly number[]): OrtTensor;
  };
}

/** The messages of ONNX Runtime's own logger, from which on they are shown: 4 is fatal. */
export const FATAL = 4;

/**
 * What the engine sees of a session. Runs may overlap: the runtime runs them one after the other. `release` waits for
 * those that are under way.
 */
export function onnxSession(
  ort: Pick<Ort, 'Tensor'>,
  session: OrtInferenceSession,
  device: OnnxDevice,
): OnnxSession {
  const running = new Set<Promise<unknown>>();
  const inputName = session.inputNames[0] ?? '';
  // The web build refuses a run while another is under way.
  let last: Promise<unknown> = Promise.resolve();

  async function runAll(feeds: Readonly<Record<string, OnnxFeed>>) {
    const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      tensorOf(ort, data, shape),
    ]);
    const run = last.then(() => session.run(Object.fromEntries(tensors) as Record<string, OrtTensor>));
    last = run.catch(() => undefined);
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

  return {
    device,
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
}

function tensorOf(
  { Tensor }: Pick<Ort, 'Tensor'>,
  data: OnnxFeed['data'],
  shape: readonly number[],
): OrtTensor {
  if (data instanceof Int32Array) return new Tensor('int32', data, shape);
  if (data instanceof Uint8Array) return new Tensor('uint8', data, shape);
  return new Tensor('float32', data, shape);
}
