import { EngineError, reasonOf } from '../base/errors.ts';

const TRY_TFJS =
  "Try the tfjs engine (engine: 'tfjs', --engine tfjs), and report the model if that one works.";

/** `ENGINE_FAILED` with the runtime's reason on one line. */
export function engineFailed(what: string, cause: unknown, nextStep = TRY_TFJS): EngineError {
  return new EngineError('ENGINE_FAILED', `${what}: ${reasonOf(cause)}`, {
    given: what,
    expected: 'a model that the runtime can run',
    nextStep,
    cause,
  });
}

export function disposedError(model: string): EngineError {
  return new EngineError('ENGINE_FAILED', `The compiled model "${model}" was disposed before it ran.`, {
    given: 'a compiled model after dispose()',
    expected: 'a compiled model in use',
    nextStep: 'Compile the model again.',
  });
}

/** `ENGINE_UNAVAILABLE`: ONNX Runtime cannot compute there. */
export function deviceUnavailable(device: string, cause: unknown): EngineError {
  const next = {
    cuda: 'Install the CUDA build of ONNX Runtime (Linux and Windows, see onnxruntime.ai), or leave `device` out.',
    webgpu: 'Use a machine or browser with a GPU that WebGPU reaches, or leave `device` out.',
  }[device];
  return new EngineError(
    'ENGINE_UNAVAILABLE',
    `ONNX Runtime cannot use ${device} here: ${withoutPlace(reasonOf(cause))}`,
    {
      given: `device: ${device}`,
      expected: `a machine with ${device}, and a runtime that knows it`,
      nextStep: next ?? 'Leave `device` out.',
      cause,
    },
  );
}

/** The runtime's messages begin with the line of its source and the condition that did not hold. */
export function withoutPlace(reason: string): string {
  return reason.replace(/^\/\S+:\d+ .* was false\. /, '');
}
