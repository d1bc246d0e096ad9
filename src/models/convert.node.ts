import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FileFormat, OutputFormat } from '../../converters/index.ts';
import { checkOutputFormat, namesWeights, outputFormatOf, writeModel } from '../../converters/index.ts';
import { checkOutputFile, writeFileWhole } from '../output/write-file.node.ts';
import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';
import type { ConversionCheck } from './check-conversion.ts';
import { checkOutput } from './check-output.node.ts';
import type { Conversion, ConversionFacts, ConvertOptions } from './convert.ts';
import { convertFile, factsOf } from './convert.ts';
import { checkOutputOptions, tfjsStreamOf, writeOptionsOf } from './convert-bytes.ts';
import { platform } from '../platform.ts';
import { withModelAt } from './model-bytes.ts';

export interface ConvertFileOptions extends ConvertOptions {
  /** What to write. Default: what the ending of the output's name says, `.onnx`, `.keras` or `.h5`; else `tfjs`. */
  readonly to?: OutputFormat;
  /** Replace the output of an earlier conversion. Default false. */
  readonly force?: boolean;
  /**
   * Read the output back and run it against the source on made-up inputs, by another engine where that is possible.
   * Default false.
   */
  readonly check?: boolean;
}

export interface ConvertResult extends ConversionFacts {
  readonly out: string;
  readonly to: OutputFormat;
  /** Names of the files in `out`; of a single file, its own name. */
  readonly files: readonly string[];
  /** Size of all files together. */
  readonly bytes: number;
  readonly warnings: readonly string[];
  /** With `check`: how far the output's results are from the source's. */
  readonly check?: ConversionCheck;
}

type Written = Pick<ConvertResult, 'files' | 'bytes' | 'warnings'>;
type Target = ConvertFileOptions & { readonly to: OutputFormat };

/**
 * Converts a model file to a folder with a TensorFlow.js layers model, which plain `tf.loadLayersModel` loads, or to an
 * ONNX, Keras 3 (`.keras`) or Keras 2 (`.h5`) file. It reads Keras's files of any version, TensorFlow.js layers models,
 * and weights of networks of the zoo. The output is written whole or not at all; of a large model, piece by piece.
 *
 * @param input Path or URL.
 * @param output The folder of a TensorFlow.js model, or the file. A name that ends in `.weights.h5` stands for Keras 3's weights
 * without the model.
 * @throws FileError `FILE_NOT_FOUND`, `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; FormatError `FORMAT_*`;
 * WeightsError `WEIGHTS_*`; ModelError `MODEL_UNKNOWN`; UsageError `USAGE_OPTION`; EngineError `ENGINE_UNSUPPORTED_LAYER` for
 * layers that ONNX lacks; NetworkError; AbortedError `ABORTED`
 */
export async function convert(
  input: string | URL,
  output: string,
  given: ConvertFileOptions = {},
): Promise<ConvertResult> {
  const options = { ...given, weightsOnly: given.weightsOnly ?? namesWeights(output) };
  const { force, onProgress, signal, limits } = options;
  const to = options.to ?? outputFormatOf(output);
  checkOutputFormat(to);
  checkOutputOptions(to, options);
  await (to === 'tfjs' ? checkOutputFolder : checkOutputFile)(output, force);
  await platform().prepareTfjs();
  const quantized = options.quantize !== undefined && options.quantize !== 'none';
  const write = to === 'tfjs' ? writeTfjs : writeSingle;
  return withModelAt(input, { onProgress, signal, limits, config: options.config }, async (file) => {
    const conversion = convertFile(file, options);
    const written = await write(conversion, output, { ...options, to });
    const check =
      options.check === true
        ? await checkOutput(conversion, output, { to, quantized, weightsOnly: options.weightsOnly })
        : undefined;
    return { out: output, to, ...factsOf(conversion), ...written, ...(check === undefined ? {} : { check }) };
  });
}

async function writeTfjs(conversion: Conversion, folder: string, options: Target): Promise<Written> {
  const { force, onProgress, signal } = options;
  // Each file is written before the second one after it is made.
  const stream = tfjsStreamOf(conversion, { ...options, reuseBuffers: true });
  const modelJson = new TextEncoder().encode(JSON.stringify(stream.modelJson));
  const total = stream.weightBytes + modelJson.length;
  const names: string[] = [];
  let bytes = 0;
  function* files() {
    yield { name: 'model.json', bytes: modelJson };
    yield* stream.shards;
  }
  function* counted() {
    for (const each of files()) {
      yield each;
      names.push(each.name);
      bytes += each.bytes.length;
      onProgress?.({ phase: 'convert', done: bytes, total, unit: 'bytes' });
    }
  }
  await writeFolder(folder, counted(), { force, signal });
  return { files: names, bytes, warnings: stream.notes };
}

async function writeSingle(conversion: Conversion, output: string, options: Target): Promise<Written> {
  const { file, model } = conversion;
  let notes: readonly string[] = [];
  const to = options.to as FileFormat;
  await writeFileWhole(
    output,
    async (sink) => {
      notes = await writeModel(model, to, sink, {
        ...writeOptionsOf(options),
        fileName: file.fileName,
        checksum: crc32,
      });
    },
    { force: options.force },
  );
  const { size } = await stat(output);
  return { files: [basename(output)], bytes: size, warnings: [...file.notes, ...model.notes, ...notes] };
}
