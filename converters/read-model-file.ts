import { FormatError, UsageError } from '../src/base/errors.ts';
import { readPart, sourceOf, wholeOf, type ModelBytes } from './byte-source.ts';
import { readKerasHdf5, type ReadHdf5Options } from './hdf5/read-keras-hdf5.ts';
import { isHdf5 } from './hdf5/signature.ts';
import { inspectModel, type Inspection } from './inspect.ts';
import { isJsonObject, parseJson } from './json.ts';
import { readKeras3, readKeras3Weights } from './keras3-weights/read-keras3.ts';
import { configFile, modelConfigIn, type ModelConfig } from './model-config.ts';
import type { ModelFile } from './model-file.ts';
import { isSafetensors } from './safetensors/header.ts';
import { readSafetensors } from './safetensors/read-safetensors.ts';
import { readTfjsModel } from './tfjs/read-tfjs.ts';
import type { ReadShard } from './tfjs/read-weights.ts';
import { isZip } from './zip/archive.ts';

export interface ReadModelFileOptions extends ReadHdf5Options {
  /** Needed for a TensorFlow.js `model.json`: gives the bytes of a weight file by its name beside it. */
  readonly readShard?: ReadShard;
  /** The layers of a file that holds weights only; in a whole-model file it replaces those of the file. */
  readonly config?: ModelConfig;
}

/** @throws UsageError `USAGE_OPTION` where there are no weights that layers could be given to */
function withConfig(file: ModelFile, config: ModelConfig | undefined): ModelFile {
  if (config === undefined) return file;
  if (file.kind === 'keras-config' || file.kind === 'tfjs-graph-model') {
    throw new UsageError('USAGE_OPTION', `${file.fileName} has no use for a config beside it.`, {
      given: `a config with ${file.kind === 'keras-config' ? 'another config' : 'a graph model'}`,
      expected: 'a file of weights, or a whole model whose layers are to be replaced',
      nextStep: 'leave the config out, or give the file of the weights',
    });
  }
  const { kerasVersion = file.kerasVersion } = config;
  // A model's own refusal is about its layers, which others take the place of.
  return { ...file, config: config.config, kerasVersion, refusal: undefined };
}

function startsAsJsonObject(bytes: Uint8Array): boolean {
  const head = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  return head.startsWith('{');
}

/** Of either layout: layers by name, or the tree of Keras 3's `.weights.h5`. */
async function readHdf5(bytes: ModelBytes, options: ReadModelFileOptions): Promise<ModelFile> {
  try {
    return await readKerasHdf5(bytes, options);
  } catch (error) {
    if (!isOfOtherLayout(error)) throw error;
    return await readKeras3Weights(bytes, options).catch((other: unknown) => {
      throw isOfOtherLayout(other) ? error : other;
    });
  }
}

const isOfOtherLayout = (error: unknown) => error instanceof FormatError && error.code === 'FORMAT_UNKNOWN';

/**
 * Reads a model file of any kind that is known; the kind is found from the bytes, not from the file's name. Of HDF5 files
 * and archives the bytes of a source are read as they are needed; others are small enough to be read at once.
 *
 * @throws what `readKerasHdf5`, `readKeras3`, `readSafetensors` and `readTfjsModel` throw; `USAGE_OPTION` for a `model.json`
 *   without `readShard`, and for a `config` beside a file without weights.
 */
export async function readModelFile(
  bytes: ModelBytes,
  options: ReadModelFileOptions = {},
): Promise<ModelFile> {
  return withConfig(await readOwn(bytes, options), options.config);
}

async function readOwn(bytes: ModelBytes, options: ReadModelFileOptions): Promise<ModelFile> {
  const head = readPart(sourceOf(bytes), 0, 64);
  if (isSafetensors(head)) return readSafetensors(wholeOf(bytes), options);
  if (isZip(head)) return readKeras3(bytes, options);
  if (isHdf5(bytes) || !startsAsJsonObject(head)) return readHdf5(bytes, options);
  const fileName = options.fileName ?? 'model.json';
  const json = parseJson(new TextDecoder().decode(wholeOf(bytes)), 'The text', fileName);
  const tfjs = isJsonObject(json) && (json.modelTopology !== undefined || json.weightsManifest !== undefined);
  const config = tfjs ? undefined : modelConfigIn(json);
  if (config !== undefined) return configFile(config, fileName);
  if (tfjs && options.readShard === undefined) {
    throw new UsageError(
      'USAGE_OPTION',
      `${fileName} is a TensorFlow.js model, whose weights lie in other files.`,
      {
        given: 'a model.json alone',
        expected: 'the option readShard, which gives their bytes',
        nextStep: 'Pass readShard, or give the model by its path or address.',
      },
    );
  }
  // Other JSON has no weight files: it is refused before any is asked for.
  const readShard = options.readShard ?? (() => Promise.resolve(new Uint8Array()));
  return readTfjsModel(json, readShard, { fileName, limits: options.limits });
}

/** Reads a file and tells what is in it, without converting it. @throws what `readModelFile` throws. */
export async function inspectModelFile(
  bytes: ModelBytes,
  options: ReadModelFileOptions = {},
): Promise<Inspection> {
  return inspectModel(await readModelFile(bytes, options));
}
