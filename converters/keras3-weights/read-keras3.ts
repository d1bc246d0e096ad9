import { DovecoteError, FormatError } from '../../src/base/errors.ts';
import type { ByteSource, JsonObject, LayerWeights } from '../../src/base/types.ts';
import { sourceOf, type ModelBytes } from '../byte-source.ts';
import type { Hdf5File } from '../hdf5/file.ts';
import { inHdf5File } from '../hdf5/open-file.ts';
import type { ReadHdf5Options } from '../hdf5/read-keras-hdf5.ts';
import { excerpt, isJsonObject, parseJson, stringOf } from '../json.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import { readLimits, type ModelFile, type ReadLimits } from '../model-file.ts';
import { openArchive, type ZipArchive } from '../zip/archive.ts';
import { layerTensors, looseLayers } from './layer-tensors.ts';
import { holdsWeightTree, readWeightTree, type WeightTree } from './weight-tree.ts';

/** A file of Keras 3, or of Keras 2 in the same format. */
export interface Keras3File extends ModelFile {
  /** `keras-v3`: a `.keras` archive. `keras-v3-weights`: a `.weights.h5` file. */
  readonly kind: 'keras-v3' | 'keras-v3-weights';
  /** The groups of the weight file; `layerTensors` finds those of a model's layers in it. */
  readonly weightTree: WeightTree;
}

const CONFIG = 'config.json';
const METADATA = 'metadata.json';
const WEIGHTS = 'model.weights.h5';

interface Opened {
  readonly tree: WeightTree;
  readonly notes: readonly string[];
}

function openWeights(source: ByteSource, fileName: string, limits: ReadLimits): Promise<Opened> {
  return inHdf5File(source, fileName, limits, (file) => {
    if (!holdsWeightTree(file)) throw notWeights(file, fileName);
    const tree = readWeightTree(file, fileName, limits);
    return { tree, notes: [...file.notes] };
  });
}

function notWeights(file: Hdf5File, fileName: string): FormatError {
  return new FormatError('FORMAT_UNKNOWN', `${fileName} holds no layers as Keras 3 stores them.`, {
    given: `groups and data sets at the root: ${file.children('/').slice(0, 8).join(', ') || 'none'}`,
    expected: 'a group "layers"',
    nextStep: 'Give a file written by model.save or model.save_weights.',
  });
}

async function jsonMember(archive: ZipArchive, name: string, fileName: string): Promise<JsonObject> {
  const text = new TextDecoder().decode(await archive.bytes(name, 'attributeBytes'));
  const value = parseJson(text, name, fileName);
  if (isJsonObject(value)) return value;
  throw new FormatError('FORMAT_DAMAGED', `${name} of ${fileName} is not a JSON object.`, {
    given: excerpt(value),
    expected: 'an object',
    nextStep: 'Save the model again with Keras.',
  });
}

function requireMembers(archive: ZipArchive, fileName: string): void {
  const names = archive.names;
  const missing = [CONFIG, METADATA, WEIGHTS].filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  const given = `a zip archive of ${names.slice(0, 6).join(', ') || 'nothing'}`;
  if (names.includes('model.weights.npz')) {
    throw new FormatError('FORMAT_UNSUPPORTED', `${fileName} keeps its weights in NumPy's format.`, {
      given,
      expected: `weights in ${WEIGHTS}`,
      nextStep: 'Save the model again with Keras as it does by default.',
    });
  }
  throw new FormatError('FORMAT_UNKNOWN', `${fileName} is a zip archive, but no model of Keras 3.`, {
    given,
    expected: `${CONFIG}, ${METADATA} and ${WEIGHTS} in it`,
    nextStep: 'Give a file written by model.save("NAME.keras").',
  });
}

interface Matched {
  readonly layers: readonly LayerWeights[];
  readonly notes: readonly string[];
  readonly refusal?: DovecoteError;
}

/** A model that cannot be built is still told of: its weights stand by the names of their groups then. */
function matched(config: JsonObject, tree: WeightTree, fileName: string, kerasVersion: string): Matched {
  let graph;
  try {
    graph = parseKerasConfig(config, { fileName, kerasVersion });
  } catch (error) {
    // Thrown again where the model is converted.
    if (!(error instanceof DovecoteError)) throw error;
    return { layers: looseLayers(tree), notes: [] };
  }
  try {
    return layerTensors(graph, tree, { fileName });
  } catch (error) {
    if (!(error instanceof DovecoteError)) throw error;
    return { layers: looseLayers(tree), notes: [], refusal: error };
  }
}

/**
 * Reads a `.keras` file: a zip archive of the model's config and its weights, by Keras 3 or by Keras 2.12 and later.
 *
 * Layers come in the order of the config, each with its weights under the names and in the order of
 * `expectedWeights`. What belongs to training and the files in `assets/` are left out. Nothing is unpacked to a disk; a
 * weight file that is stored, as Keras writes it, is read where it stands, and large tensors stay there; its checksum is
 * not verified, which would need all of it to be read.
 *
 * @throws FormatError `FORMAT_UNKNOWN` (no model of Keras), `FORMAT_DAMAGED` (cut off or altered), `FORMAT_UNSAFE` (names that
 *   lead out of a folder, names twice, encryption, links), `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED` (weights as `.npz`, number
 *   types). A model whose layers do not fit its weights has a `refusal`.
 */
export async function readKeras3(bytes: ModelBytes, options: ReadHdf5Options = {}): Promise<Keras3File> {
  const fileName = options.fileName ?? 'the file';
  const source = sourceOf(bytes);
  const limits = readLimits(source.size, options.limits);
  const archive = await openArchive(source, { fileName, limits });
  requireMembers(archive, fileName);
  const config = await jsonMember(archive, CONFIG, fileName);
  const metadata = await jsonMember(archive, METADATA, fileName);
  const kerasVersion = stringOf(metadata.keras_version) ?? '3';
  const weights = await archive.source(WEIGHTS, 'tensorBytes');
  const { tree, notes } = await openWeights(weights, fileName, limits);
  const { layers, notes: more, refusal } = matched(config, tree, fileName, kerasVersion);
  const trainingConfig = config.compile_config;
  return {
    kind: 'keras-v3',
    fileName,
    kerasVersion,
    backend: 'tensorflow',
    config,
    ...(isJsonObject(trainingConfig) ? { trainingConfig } : {}),
    layers,
    notes: [...notes, ...more],
    ...(refusal === undefined ? {} : { refusal }),
    weightTree: tree,
  };
}

/**
 * Reads a `.weights.h5` file of Keras 3. Its groups are named by class and counted; only with a model (`layerTensors`) is it
 * known which belongs to which layer. `layers` has them in the file's order, by the names that newer files state.
 *
 * @throws FormatError as `readKeras3`.
 */
export async function readKeras3Weights(
  bytes: ModelBytes,
  options: ReadHdf5Options = {},
): Promise<Keras3File> {
  const fileName = options.fileName ?? 'the file';
  const source = sourceOf(bytes);
  const limits = readLimits(source.size, options.limits);
  const { tree, notes } = await openWeights(source, fileName, limits);
  return {
    kind: 'keras-v3-weights',
    fileName,
    kerasVersion: '3',
    backend: 'tensorflow',
    layers: looseLayers(tree),
    notes,
    weightTree: tree,
  };
}
