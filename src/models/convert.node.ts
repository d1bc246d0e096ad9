import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';
import type { ConvertOptions } from './convert.ts';
import { convertFile } from './convert.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { platform } from '../platform.ts';
import { readModelAt } from './model-bytes.ts';

export interface ConvertFileOptions extends ConvertOptions {
  /** Replace the output of an earlier conversion. Default false. */
  readonly force?: boolean;
}

export interface ConvertResult {
  readonly out: string;
  readonly layers: number;
  readonly parameters: number;
  /** The network of the zoo, when it was named or recognised. */
  readonly architecture?: string;
  /** Its width and make, where they are not the network's default. */
  readonly variant?: VariantOptions;
  /** Names of the files in `out`. */
  readonly files: readonly string[];
  /** Size of all files together. */
  readonly bytes: number;
  readonly warnings: readonly string[];
}

/**
 * Converts a Keras 1 or 2 .h5 file, or a .safetensors file with the weights of a network of the zoo, to a folder with a
 * TensorFlow.js layers model, which plain `tf.loadLayersModel` loads. The folder is written whole or not at all.
 *
 * @param input Path or URL.
 * @throws FileError `FILE_NOT_FOUND`, `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; FormatError `FORMAT_*`;
 * WeightsError `WEIGHTS_*`; ModelError `MODEL_UNKNOWN`; NetworkError; AbortedError `ABORTED`
 */
export async function convert(
  input: string | URL,
  outputFolder: string,
  options: ConvertFileOptions = {},
): Promise<ConvertResult> {
  const { force, onProgress, signal } = options;
  await checkOutputFolder(outputFolder, force);
  await platform().prepareTfjs();
  const file = await readModelAt(input, { onProgress, signal });
  const converted = convertFile(file, options);
  const files = [
    { name: 'model.json', bytes: new TextEncoder().encode(JSON.stringify(converted.modelJson)) },
    ...converted.shards,
  ];
  await writeFolder(outputFolder, files, { force, signal });
  return {
    out: outputFolder,
    layers: converted.layers,
    parameters: converted.parameters,
    architecture: converted.architecture,
    variant: converted.variant,
    files: files.map(({ name }) => name),
    bytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
    warnings: converted.notes,
  };
}
