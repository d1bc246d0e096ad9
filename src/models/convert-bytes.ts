import { UsageError } from '../base/errors.ts';
import type {
  FileFormat,
  ModelFile,
  OutputFormat,
  TfjsArtifacts,
  TfjsStream,
  WriteModelOptions,
} from '../../converters/index.ts';
import {
  MemorySink,
  checkOutputFormat,
  readModelFile,
  streamResolved,
  writeModel,
} from '../../converters/index.ts';
import { platform } from '../platform.ts';
import type { Conversion, ConversionFacts, ConvertOptions } from './convert.ts';
import { convertFile, factsOf } from './convert.ts';
import { readConfig } from './model-bytes.ts';

/** A converted model in memory, ready to be written or to be loaded with `tf.loadLayersModel`. */
export interface ConvertedModel extends TfjsArtifacts, ConversionFacts {}

/** A converted model as the bytes of one file. */
export interface ConvertedFile extends ConversionFacts {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What a user may want to know. */
  readonly notes: readonly string[];
}

export interface ConvertBytesOptions extends ConvertOptions {
  /** What to write. Default `tfjs`. */
  readonly to?: OutputFormat;
}

/**
 * Converts the bytes of a model file: Keras's `.h5` and `.keras` of any version (whole models; weights with `config` or
 * `architecture`), or a .safetensors file with the weights of a network of the zoo. The result is a TensorFlow.js layers
 * model, or with `to` the bytes of an ONNX, Keras 3 or Keras 2 file.
 *
 * @throws FormatError `FORMAT_*`; WeightsError `WEIGHTS_*`; ModelError `MODEL_UNKNOWN`; UsageError `USAGE_OPTION`;
 * EngineError `ENGINE_UNSUPPORTED_LAYER` for layers that ONNX lacks; AbortedError `ABORTED`
 */
export async function convertBytes(
  bytes: Uint8Array,
  options?: ConvertOptions & { readonly to?: 'tfjs' },
): Promise<ConvertedModel>;
export async function convertBytes(
  bytes: Uint8Array,
  options: ConvertOptions & { readonly to: FileFormat },
): Promise<ConvertedFile>;
export async function convertBytes(
  bytes: Uint8Array,
  options: ConvertBytesOptions = {},
): Promise<ConvertedModel | ConvertedFile> {
  const { to = 'tfjs' } = options;
  checkOutputFormat(to);
  await platform().prepareTfjs();
  const config = options.config === undefined ? undefined : await readConfig(options.config, options);
  const file = await readModelFile(bytes, { fileName: 'the given bytes', limits: options.limits, config });
  return convertInMemory(file, to, options);
}

/** A file that has been read, as another one in memory. */
export async function convertInMemory(
  file: ModelFile,
  to: OutputFormat,
  options: ConvertOptions = {},
): Promise<ConvertedModel | ConvertedFile> {
  const conversion = convertFile(file, options);
  if (to === 'tfjs') {
    const stream = tfjsStreamOf(conversion, options);
    const shards = [...stream.shards];
    return { ...factsOf(conversion), modelJson: stream.modelJson, shards, notes: stream.notes };
  }
  checkOutputOptions(to, options);
  const sink = new MemorySink();
  const written = await writeModel(conversion.model, to, sink, writeOptionsOf(options));
  return {
    ...factsOf(conversion),
    bytes: sink.bytes(),
    notes: [...file.notes, ...conversion.model.notes, ...written],
  };
}

export function writeOptionsOf({ weightsOnly, onProgress, signal }: ConvertOptions): WriteModelOptions {
  return {
    weightsOnly,
    signal,
    onProgress: (done, total) => onProgress?.({ phase: 'convert', done, total, unit: 'bytes' }),
  };
}

/** The TensorFlow.js layers model that a conversion comes to, whose weight files are made one by one. */
export function tfjsStreamOf(
  conversion: Conversion,
  options: ConvertOptions & { readonly reuseBuffers?: boolean },
): TfjsStream {
  return streamResolved(conversion.model, conversion.file, {
    quantize: options.quantize,
    perChannel: options.perChannel,
    shardSizeBytes: options.shardSizeBytes,
    reuseBuffers: options.reuseBuffers,
    userDefinedMetadata: conversion.userDefinedMetadata,
  });
}

/** @throws UsageError `USAGE_OPTION` for options that the output has no place for. */
export function checkOutputOptions(
  to: OutputFormat,
  { quantize, perChannel, shardSizeBytes, weightsOnly }: ConvertOptions,
): void {
  if (weightsOnly === true && (to === 'tfjs' || to === 'onnx')) {
    throw new UsageError('USAGE_OPTION', `A conversion to ${to} cannot leave the layers out.`, {
      given: `weightsOnly with to: ${to}`,
      expected: 'to: keras or h5',
      nextStep: 'leave weightsOnly out',
    });
  }
  const wrong = [
    ...(quantize === undefined || quantize === 'none' ? [] : [`quantize: ${quantize}`]),
    ...(perChannel === true ? ['perChannel'] : []),
    ...(shardSizeBytes === undefined ? [] : [`shardSizeBytes: ${shardSizeBytes}`]),
  ];
  if (to === 'tfjs' || wrong.length === 0) return;
  throw new UsageError('USAGE_OPTION', `A conversion to ${to} has no use for ${wrong.join(' and ')}.`, {
    given: `${wrong.join(', ')} with to: ${to}`,
    expected: 'quantization and weight files for to: tfjs only',
    nextStep: 'leave it out; weights of other formats are written as float32',
  });
}
