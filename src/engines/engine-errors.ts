import { EngineError, reasonOf } from '../base/errors.ts';

/** `ENGINE_FAILED` with the runtime's reason on one line. */
export function engineFailed(what: string, cause: unknown): EngineError {
  return new EngineError('ENGINE_FAILED', `${what}: ${reasonOf(cause)}`, {
    nextStep: "Try the tfjs engine (engine: 'tfjs', --engine tfjs), and report the model if that one works.",
    cause,
  });
}

export function disposedError(model: string): EngineError {
  return new EngineError('ENGINE_FAILED', `The compiled model "${model}" was disposed before it ran.`, {
    nextStep: 'Compile the model again.',
  });
}
