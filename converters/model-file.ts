import { FormatError, type DovecoteError } from '../src/base/errors.ts';
import type { JsonObject, LayerWeights } from '../src/base/types.ts';
import type { WeightTree } from './keras3-weights/weight-tree.ts';

/** What a model file holds: weights by layer and, in a whole-model file, the topology. */
export interface ModelFile {
  readonly kind:
    | 'keras-h5-model'
    | 'keras-h5-weights'
    | 'keras-v3'
    | 'keras-v3-weights'
    | 'keras-config'
    | 'tfjs-layers-model'
    | 'tfjs-graph-model'
    | 'safetensors-weights';
  /** Shown in errors. */
  readonly fileName: string;
  /** As the file states it; `1` when a Keras file states none, empty for files that Keras did not write. */
  readonly kerasVersion: string;
  /** `tensorflow`, `theano`, ... as the file states it; absent in files of Keras 1. */
  readonly backend?: string;
  /** `{class_name, config}` of the model, as it stands in the file. */
  readonly config?: JsonObject;
  readonly trainingConfig?: JsonObject;
  /** Only in TensorFlow.js files. */
  readonly userDefinedMetadata?: JsonObject;
  /** In the order of the file; layers without weights have an empty list. */
  readonly layers: readonly LayerWeights[];
  /** Conversions and oddities that a user may want to know of. */
  readonly notes: readonly string[];
  /** Only in files of Keras 3's format: weights by the objects that hold them, which only a model's layers name. */
  readonly weightTree?: WeightTree;
  /** Only for graph models of TensorFlow.js. */
  readonly graphModel?: GraphModelFacts;
  /** Why a model that could be read cannot be built; then there is no config. Thrown where it is converted. */
  readonly refusal?: DovecoteError;
}

/** What a graph model tells beyond its layers. */
export interface GraphModelFacts {
  /** TensorFlow's operations and how often each occurs. */
  readonly operations: Readonly<Record<string, number>>;
  /** Whether a class "background" was left out of 1001. */
  readonly background: boolean;
  /** The scope of TF-Slim's networks in the names of nodes, for example `MobilenetV1`. */
  readonly network?: string;
  /** The layer before the one that classifies. */
  readonly features?: string;
  /** `scale * x + offset`, which the network itself applies to its input. */
  readonly inputRescaling?: { readonly scale: number; readonly offset: number };
}

/** Bounds that a file must keep to; a file beyond them ends in `FORMAT_LIMIT` before memory is taken. */
export interface ReadLimits {
  /** Default 20,000. */
  readonly layers: number;
  /** Tensors in the whole file. Default 200,000. */
  readonly tensors: number;
  /** Bytes of one attribute, the model config included. Default 128 MiB. */
  readonly attributeBytes: number;
  /** Bytes of memory that the HDF5 library may have while it reads; Keras's files need less than 64 MiB. Default 384 MiB. */
  readonly libraryBytes: number;
  /** Bytes of all tensors when expanded. Default 64 MiB and 200 times the file's size, at most 8 GiB. */
  readonly tensorBytes: number;
}

const MIB = 1024 * 1024;

/** A file that goes beyond a limit. */
export function overLimit(
  fileName: string,
  what: string,
  limits: ReadLimits,
  limit: keyof ReadLimits,
): FormatError {
  return new FormatError('FORMAT_LIMIT', `${fileName} is refused: ${what}.`, {
    given: what,
    expected: `at most ${limits[limit]} (limits.${limit})`,
    nextStep: `If you trust the file, raise limits.${limit}.`,
  });
}

export function readLimits(fileBytes: number, given: Partial<ReadLimits> = {}): ReadLimits {
  return {
    layers: 20_000,
    tensors: 200_000,
    attributeBytes: 128 * MIB,
    libraryBytes: 384 * MIB,
    tensorBytes: Math.min(64 * MIB + 200 * fileBytes, 8192 * MIB),
    ...given,
  };
}
