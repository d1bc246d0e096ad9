import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';
import type { ConvertOptions } from './convert.ts';
import { convertFile } from './convert.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { platform } from '../platform.ts';
import { withModelAt } from './model-bytes.ts';

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
  return withModelAt(input, { onProgress, signal }, async (file) => {
    const converted = convertFile(file, options);
    const modelJson = new TextEncoder().encode(JSON.stringify(converted.modelJson));
    const names: string[] = [];
    let bytes = 0;
    const { weightBytes } = converted;
    function* files() {
      yield { name: 'model.json', bytes: modelJson };
      yield* converted.shards;
    }
    function* counted() {
      for (const each of files()) {
        yield each;
        names.push(each.name);
        bytes += each.bytes.length;
        onProgress?.({ phase: 'convert', done: bytes, total: weightBytes + modelJson.length, unit: 'bytes' });
      }
    }
    await writeFolder(outputFolder, counted(), { force, signal });
    return {
      out: outputFolder,
      layers: converted.layers,
      parameters: converted.parameters,
      architecture: converted.architecture,
      variant: converted.variant,
      files: names,
      bytes,
      warnings: converted.notes,
    };
  });
}
