import type { ErrorCode } from '../base/errors.ts';
import { DovecoteError, errorOf } from '../base/errors.ts';
import type { Pixels, Progress } from '../base/types.ts';
import type { ClassifyOptions } from '../classify/classify.ts';
import type { LabelledImage } from '../datasets/labelled-images.ts';
import type { OnnxRuntimeSettings } from '../engines/ort-settings.ts';
import type { ActivationOptions } from '../explain/layer-activations.ts';
import type { GradCam, GradCamOptions } from '../explain/grad-cam.ts';
import type { ConvertBytesOptions, ConvertedFile } from '../models/convert-bytes.ts';
import type { LoadModelOptions } from '../models/load-model.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { FineTuneOptions, FineTuneResult } from '../transfer/fine-tune.ts';

/** What goes between a page and its worker of some options: functions and signals stay on their side. */
export type Sent<Options> = Omit<Options, 'onProgress' | 'signal'>;

export type SentLoadOptions = Sent<LoadModelOptions>;
export type SentClassifyOptions = Sent<Omit<ClassifyOptions, 'model' | 'onPrecision' | 'calibration'>>;
export type SentConvertOptions = Sent<ConvertBytesOptions>;
export type SentGradCamOptions = Sent<GradCamOptions> & {
  /** Also lay the heat map over the photo. Default false. */
  readonly overlay?: boolean;
};
export type SentActivationOptions = Sent<Omit<ActivationOptions, 'layers'>> & {
  readonly layers?: 'maps' | 'stages' | readonly string[];
};
export type SentFineTuneOptions = Sent<
  Omit<FineTuneOptions, 'onEpoch' | 'callbacks' | 'checkpoints' | 'validation' | 'cache' | 'schedule'>
> & {
  readonly validation?: readonly LabelledImage[];
};

/**
 * Called while a call runs: a page that wants to hear of nothing sends none. Across threads it gives a promise that the page has
 * heard of it.
 */
export type Report = (event: ReportEvent) => void | Promise<void>;

export type ReportEvent = { readonly progress: Progress } | { readonly epoch: EpochReport };

export interface ModelFacts {
  /** Names of the classes; empty where the model does not say, or has none. */
  readonly classes: readonly string[];
  readonly name: string;
  /** `[height, width]`, where the model says. */
  readonly inputSize?: ModelMetadata['inputSize'];
  readonly architecture?: string;
  readonly layers: number;
  readonly parameters: number;
  /** Layers with a feature map, in the order in which they run; `isStage`: the last of its size. */
  readonly featureMaps: readonly FeatureMapFacts[];
}

export interface FeatureMapFacts {
  readonly name: string;
  readonly className: string;
  /** `[rows, columns, channels]`; `null` where the model takes pictures of any size. */
  readonly shape: readonly (number | null)[];
  readonly isStage: boolean;
}

export interface ModelHandle extends ModelFacts {
  readonly id: number;
}

export type TrainedHandle = Omit<FineTuneResult, 'model'> & { readonly model: ModelHandle };
export type Explained = GradCam & { readonly overlay?: Pixels };
export type Converted = Omit<ConvertedFile, 'bytes'> & { readonly file: File };

export interface WorkerSettings {
  readonly onnxRuntime?: OnnxRuntimeSettings;
  /** tfjs's backend in the worker, for training and for the tfjs engine. Default: WebGL where it works, else cpu. */
  readonly backend?: string;
}

/** An outcome that survives the way between threads, which strips errors of all but their message. */
export type Outcome<Value> = { readonly value: Value } | { readonly problem: Problem };

export interface Problem {
  readonly message: string;
  readonly stack?: string | undefined;
  /** Of this package's errors. */
  readonly known?: {
    readonly code: ErrorCode;
    readonly summary: string;
    readonly given: string;
    readonly expected: string;
    readonly nextStep: string;
  };
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof DovecoteError)) {
    return error instanceof Error
      ? { message: error.message, stack: error.stack }
      : { message: String(error) };
  }
  const { message, stack, code, summary, given, expected, nextStep } = error;
  return { message, stack, known: { code, summary, given, expected, nextStep } };
}

/** @throws the error that the other side had */
export function valueOf<Value>(outcome: Outcome<Value>): Value {
  if ('value' in outcome) return outcome.value;
  const { message, stack, known } = outcome.problem;
  const error = known === undefined ? new Error(message) : errorOf(known.code, known.summary, known);
  if (stack !== undefined) error.stack = stack;
  throw error;
}
