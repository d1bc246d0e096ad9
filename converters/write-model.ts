import { UsageError, throwIfAborted } from '../src/base/errors.ts';
import type { StoredTensor, WeightTensor } from '../src/base/types.ts';
import type { ByteSink } from './byte-sink.ts';
import {
  writeKeras3,
  writeKeras3Weights,
  writeKerasH5,
  writeKerasH5Weights,
  type ModelToWrite,
  type WriteKerasOptions,
  type WrittenKeras,
} from './keras-writer/write-keras.ts';
import { streamOnnxModel } from './onnx/index.ts';
import type { OutputFormat } from './output-format.ts';
import type { ResolvedModel } from './resolve-model.ts';
import { badNote, countBad, countOf, isInMemory } from './tensors.ts';
import { weightsByKey } from './weights-by-key.ts';

/** What goes into one file. */
export type FileFormat = Exclude<OutputFormat, 'tfjs'>;

export interface WriteModelOptions {
  /** Write the weights without the model's layers: `.weights.h5` of Keras 3, or Keras 2's `.h5`. Default false. */
  readonly weightsOnly?: boolean;
  /** Shown in errors. Default `the model`. */
  readonly fileName?: string;
  /** Called with the bytes that were written so far, and about how many there will be. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** What computes the checksums of a `.keras` file. Default: JavaScript. */
  readonly checksum?: WriteKerasOptions['checksum'];
}

type KerasWriter = (
  model: ModelToWrite,
  sink: ByteSink,
  options: WriteKerasOptions,
) => Promise<WrittenKeras | void>;

const MODEL_WRITERS: Readonly<Record<'keras' | 'h5', KerasWriter>> = { keras: writeKeras3, h5: writeKerasH5 };
const WEIGHT_WRITERS: typeof MODEL_WRITERS = { keras: writeKeras3Weights, h5: writeKerasH5Weights };

/** Tells of what is written, and stops when it is asked to. The end is told once, when all is written. */
function watched(sink: ByteSink, total: number, { onProgress, signal }: WriteModelOptions): ByteSink {
  let told = 0;
  return {
    get size() {
      return sink.size;
    },
    read: (target, position) => sink.read(target, position),
    drain: async () => sink.drain?.(),
    write: (bytes, position) => {
      throwIfAborted(signal, 'Converting');
      sink.write(bytes, position);
      if (sink.size <= told || sink.size >= total) return;
      told = sink.size;
      onProgress?.(told, total);
    },
  };
}

/** Counts the numbers of a tensor that are NaN or infinite, at the latest when they are read. */
function observed(tensor: WeightTensor, bad: Map<string, number>): WeightTensor {
  const { name, shape, dtype } = tensor;
  if (isInMemory(tensor)) {
    bad.set(name, countBad(tensor.data));
    return tensor;
  }
  const counted = new Map<number, number>();
  const read: StoredTensor['read'] = (from, to, into) => {
    const data = tensor.read(from, to, into);
    // A piece may be read more than once.
    counted.set(from, countBad(data));
    bad.set(
      name,
      [...counted.values()].reduce((sum, count) => sum + count, 0),
    );
    return data;
  };
  return { name, shape, dtype, read };
}

/**
 * Writes a model into an empty sink, piece by piece: as ONNX, as Keras 2's whole-model `.h5` or as Keras 3's `.keras`.
 *
 * @returns What a user may want to know of the output.
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER` and FormatError `FORMAT_UNSUPPORTED_LAYER` for layers that the format cannot
 *   say, `FORMAT_LIMIT`; UsageError `USAGE_OPTION` for an ONNX model without its layers; AbortedError `ABORTED`; what reading
 *   the tensors and writing to the sink throw
 */
export async function writeModel(
  model: ResolvedModel,
  to: FileFormat,
  sink: ByteSink,
  options: WriteModelOptions = {},
): Promise<readonly string[]> {
  const { weightsOnly = false, fileName, signal } = options;
  const bad = new Map<string, number>();
  const layers = model.layers.map(({ layer, weights }) => ({
    layer,
    weights: weights.map((tensor) => observed(tensor, bad)),
  }));
  const badNotes = () =>
    [...bad].filter(([, count]) => count > 0).map(([name, count]) => badNote(name, count));
  if (to !== 'onnx') {
    const tensors = layers.flatMap(({ weights }) => weights);
    const bytes = tensors.reduce((sum, tensor) => sum + 4 * countOf(tensor), 0);
    const write = (weightsOnly ? WEIGHT_WRITERS : MODEL_WRITERS)[to];
    const { graph } = model;
    const written = await write({ graph, layers }, watched(sink, bytes, options), {
      fileName,
      signal,
      checksum: options.checksum,
    });
    options.onProgress?.(bytes, bytes);
    return [...(written?.notes ?? []), ...badNotes()];
  }
  if (weightsOnly) {
    throw new UsageError('USAGE_OPTION', 'An ONNX model cannot do without its layers.', {
      given: 'weightsOnly with to: onnx',
      expected: 'to: keras or h5',
      nextStep: 'leave weightsOnly out',
    });
  }
  const { size, chunks } = streamOnnxModel(model.graph, weightsByKey(model.graph, layers));
  const watching = watched(sink, size, options);
  let done = 0;
  for (const chunk of chunks) {
    // The chunk before was written while this one was made.
    await sink.drain?.();
    watching.write(chunk, done);
    done += chunk.length;
  }
  options.onProgress?.(size, size);
  return badNotes();
}
