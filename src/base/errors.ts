/**
 * Every failure that a user can cause. `code` is stable: programs may switch on it.
 *
 * | prefix | meaning |
 * |---|---|
 * | `USAGE_*` | the call or the command line is wrong (exit code 2) |
 * | `MODEL_*` | the model's name, options or structure |
 * | `WEIGHTS_*` | weights that do not fit the model |
 * | `FORMAT_*` | a model file that cannot be read or is refused |
 * | `IMAGE_*` | a picture that cannot be read or is refused |
 * | `DATASET_*` | a folder, table or archive of pictures that cannot be trained on |
 * | `NETWORK_*`, `DOWNLOAD_*` | the network, or what came over it |
 * | `CACHE_*` | the weight cache |
 * | `OUTPUT_*` | writing files |
 * | `CHECKPOINT_*` | going on with a training that was interrupted |
 * | `ENGINE_*` | an inference engine |
 * | `ABORTED` | stopped by an AbortSignal or Ctrl-C (exit code 130) |
 */
export type ErrorCode =
  | 'USAGE_OPTION'
  | 'USAGE_ARGUMENT'
  | 'MODEL_UNKNOWN'
  | 'MODEL_OPTION'
  | 'MODEL_INPUT'
  | 'MODEL_DIFFERENCE'
  | 'WEIGHTS_SHAPE'
  | 'WEIGHTS_COUNT'
  | 'WEIGHTS_MISSING'
  | 'WEIGHTS_UNAVAILABLE'
  | 'FORMAT_UNKNOWN'
  | 'FORMAT_DAMAGED'
  | 'FORMAT_UNSUPPORTED'
  | 'FORMAT_UNSUPPORTED_LAYER'
  | 'FORMAT_UNSAFE'
  | 'FORMAT_LIMIT'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_EMPTY'
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_TOO_LARGE'
  | 'IMAGE_SOURCE'
  | 'IMAGE_DECODER'
  | 'DATASET_NOT_FOUND'
  | 'DATASET_EMPTY'
  | 'DATASET_ONE_CLASS'
  | 'DATASET_CLASSES'
  | 'DATASET_ROW'
  | 'DATASET_FORMAT'
  | 'NETWORK_UNREACHABLE'
  | 'NETWORK_STATUS'
  | 'NETWORK_TIMEOUT'
  | 'NETWORK_OFFLINE'
  | 'DOWNLOAD_TRUNCATED'
  | 'DOWNLOAD_HASH'
  | 'DOWNLOAD_CONTENT'
  | 'CACHE_LOCKED'
  | 'CACHE_ACCESS'
  | 'FILE_NOT_FOUND'
  | 'FILE_ACCESS'
  | 'FILE_CHANGED'
  | 'OUTPUT_EXISTS'
  | 'OUTPUT_ACCESS'
  | 'OUTPUT_DISK_FULL'
  | 'CHECKPOINT_EXISTS'
  | 'CHECKPOINT_MISMATCH'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_UNSUPPORTED_LAYER'
  | 'ENGINE_FAILED'
  | 'ABORTED';

export interface ErrorDetails {
  /** What was given, as the user wrote it. */
  given: string;
  /** What was expected instead. */
  expected: string;
  /** What to do now, as an instruction. */
  nextStep: string;
  cause?: unknown;
}

/** Base of all errors of this package. `message` holds the whole story on one or more lines. */
export class DovecoteError extends Error {
  readonly code: ErrorCode;
  /** The first sentence: what went wrong. */
  readonly summary: string;
  readonly given: string;
  readonly expected: string;
  readonly nextStep: string;

  constructor(code: ErrorCode, summary: string, details: ErrorDetails) {
    const lines = [
      summary,
      `  given:    ${details.given}`,
      `  expected: ${details.expected}`,
      `  next:     ${details.nextStep}`,
    ];
    super(lines.join('\n'), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = kindOf(code)?.name ?? 'AbortedError';
    this.code = code;
    this.summary = summary;
    this.given = details.given;
    this.expected = details.expected;
    this.nextStep = details.nextStep;
  }

  /** Exit code of the command line: 2 for usage, 130 when interrupted, 1 otherwise. */
  get exitCode(): number {
    if (this.code === 'ABORTED') return 130;
    return this.code.startsWith('USAGE_') || this.code === 'MODEL_UNKNOWN' ? 2 : 1;
  }
}

/** A wrong option or argument. */
export class UsageError extends DovecoteError {}
/** An unknown model, or options that it does not take. */
export class ModelError extends DovecoteError {}
/** Weights that do not fit the model they are loaded into. */
export class WeightsError extends DovecoteError {}
/** A model file that is damaged, unsafe, or of a kind that is not read. */
export class FormatError extends DovecoteError {}
/** A picture that cannot be decoded. */
export class ImageError extends DovecoteError {}
/** A training folder that cannot be used. */
export class DatasetError extends DovecoteError {}
/** A failed download or request. */
export class NetworkError extends DovecoteError {}
/** The weight cache cannot be used. */
export class CacheError extends DovecoteError {}
/** A file cannot be read or written. */
export class FileError extends DovecoteError {}
/** A checkpoint that cannot be gone on with. */
export class CheckpointError extends DovecoteError {}
/** An inference engine is missing or cannot run the model. */
export class EngineError extends DovecoteError {}
/** Stopped on request. */
export class AbortedError extends DovecoteError {
  constructor(what: string, details: Partial<ErrorDetails> = {}) {
    super('ABORTED', what, {
      given: 'a request to stop',
      expected: 'to run to the end',
      nextStep: 'run it again',
      ...details,
    });
  }
}

type Kind = new (code: ErrorCode, summary: string, details: ErrorDetails) => DovecoteError;

/** Names are written out: bundlers shorten those of classes. */
const KINDS: readonly { readonly prefix: string; readonly name: string; readonly make: Kind }[] = [
  { prefix: 'USAGE_', name: 'UsageError', make: UsageError },
  { prefix: 'MODEL_', name: 'ModelError', make: ModelError },
  { prefix: 'WEIGHTS_', name: 'WeightsError', make: WeightsError },
  { prefix: 'FORMAT_', name: 'FormatError', make: FormatError },
  { prefix: 'IMAGE_', name: 'ImageError', make: ImageError },
  { prefix: 'DATASET_', name: 'DatasetError', make: DatasetError },
  { prefix: 'NETWORK_', name: 'NetworkError', make: NetworkError },
  { prefix: 'DOWNLOAD_', name: 'NetworkError', make: NetworkError },
  { prefix: 'CACHE_', name: 'CacheError', make: CacheError },
  { prefix: 'FILE_', name: 'FileError', make: FileError },
  { prefix: 'OUTPUT_', name: 'FileError', make: FileError },
  { prefix: 'CHECKPOINT_', name: 'CheckpointError', make: CheckpointError },
  { prefix: 'ENGINE_', name: 'EngineError', make: EngineError },
];

const kindOf = (code: ErrorCode) => KINDS.find(({ prefix }) => code.startsWith(prefix));

/**
 * The error that another thread has thrown, out of what can be sent.
 *
 * @internal
 */
export function errorOf(code: ErrorCode, summary: string, details: ErrorDetails): DovecoteError {
  const kind = kindOf(code);
  return kind === undefined ? new AbortedError(summary, details) : new kind.make(code, summary, details);
}

/** Throws `ABORTED` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(`${what} was stopped.`, { cause: signal.reason });
}

/** The message of anything thrown, on one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof DovecoteError) return error.summary;
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}
