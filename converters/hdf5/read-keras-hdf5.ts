import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, LayerWeights } from '../../src/base/types.ts';
import { sourceOf, type ModelBytes } from '../byte-source.ts';
import { excerpt, isJsonObject, parseJson } from '../json.ts';
import { overLimit, readLimits, type ModelFile, type ReadLimits } from '../model-file.ts';
import type { Hdf5File } from './file.ts';
import { inHdf5File } from './open-file.ts';

export interface ReadHdf5Options {
  /** Shown in errors. Default `the file`. */
  readonly fileName?: string;
  readonly limits?: Partial<ReadLimits>;
}

/** Keras splits attributes above 64512 bytes into `name0`, `name1`, ... */
function chunkedStrings(file: Hdf5File, path: string, name: string): string[] | undefined {
  const names = file.attributeNames(path);
  if (names.has(name)) return file.strings(path, name);
  if (!names.has(`${name}0`)) return undefined;
  const all: string[] = [];
  for (let i = 0; names.has(`${name}${i}`); i++) all.push(...file.strings(path, `${name}${i}`));
  return all;
}

/** Empty when absent, and also when it is an empty list that h5py stored as float64. */
function weightNames(file: Hdf5File, path: string): string[] {
  return chunkedStrings(file, path, 'weight_names') ?? [];
}

function jsonAttribute(file: Hdf5File, name: string, fileName: string): JsonObject | undefined {
  const text = chunkedStrings(file, '/', name)?.join('');
  if (text === undefined || text === '') return undefined;
  const value = parseJson(text, name, fileName);
  if (isJsonObject(value)) return value;
  if (value === null) return undefined;
  throw new FormatError('FORMAT_DAMAGED', `${name} of ${fileName} is not a JSON object.`, {
    given: excerpt(value),
    expected: 'an object with class_name and config',
    nextStep: 'Save the model again with Keras.',
  });
}

function readLayer(file: Hdf5File, root: string, layer: string): LayerWeights {
  const path = `${root}/${layer}`;
  const weights = weightNames(file, path).map((name) => file.tensor(`${path}/${name}`, name));
  return { layer, weights };
}

function notKeras(file: Hdf5File, fileName: string): FormatError {
  const children = file.children('/');
  return new FormatError('FORMAT_UNKNOWN', `${fileName} is an HDF5 file, but not one of Keras.`, {
    given: `groups and data sets at the root: ${children.slice(0, 8).join(', ') || 'none'}`,
    expected: 'an attribute layer_names, at the root or in model_weights',
    nextStep: 'Give a file written by model.save or model.save_weights.',
  });
}

function readContents(file: Hdf5File, fileName: string, limits: ReadLimits): ModelFile {
  const text = (name: string, path = '/') =>
    file.attributeNames(path).has(name) ? file.strings(path, name)[0] : undefined;
  const ownNames = chunkedStrings(file, '/', 'layer_names');
  const wholeModel = ownNames === undefined && file.children('/').includes('model_weights');
  const root = wholeModel && file.isGroup('/model_weights') ? '/model_weights' : '';
  const names = ownNames ?? chunkedStrings(file, root === '' ? '/' : root, 'layer_names');
  if (names === undefined) throw notKeras(file, fileName);
  if (names.length > limits.layers) {
    throw overLimit(fileName, `it has ${names.length} layers`, limits, 'layers');
  }
  if (names.some((name) => name === '') || new Set(names).size < names.length) {
    throw new FormatError(
      'FORMAT_DAMAGED',
      `${fileName} is damaged: a layer name is empty or occurs twice.`,
      {
        given: `layer_names: ${excerpt(names)}`,
        expected: 'one name for each layer',
        nextStep: 'Save the file again with Keras.',
      },
    );
  }
  const config = jsonAttribute(file, 'model_config', fileName);
  const trainingConfig = config === undefined ? undefined : jsonAttribute(file, 'training_config', fileName);
  const weightsRoot = root === '' ? '/' : root;
  const backend = text('backend') ?? text('backend', weightsRoot);
  // Keras 1 states no version at the root; its model_config may hold one.
  const inConfig = typeof config?.keras_version === 'string' ? config.keras_version : undefined;
  const layers = names.map((name) => readLayer(file, root, name));
  if (wholeModel && file.children('/').includes('optimizer_weights'))
    file.notes.add('optimizer weights were left out');
  return {
    kind: config === undefined ? 'keras-h5-weights' : 'keras-h5-model',
    fileName,
    kerasVersion: text('keras_version') ?? text('keras_version', weightsRoot) ?? inConfig ?? '1',
    ...(backend === undefined ? {} : { backend }),
    ...(config === undefined ? {} : { config }),
    ...(trainingConfig === undefined ? {} : { trainingConfig }),
    layers,
    notes: [...file.notes],
  };
}

/**
 * Reads a Keras 1 or 2 HDF5 file: a whole model (`model.save`) or weights alone (`model.save_weights`).
 *
 * Layers come in the order of the file, those without weights with an empty list. float16 and float64 become
 * float32, and the integer types int32, each with a note. The optimizer's weights are left out. Nothing in the file
 * is executed, links out of the file are not followed. Large tensors stay in the file, which has to be open as long as they
 * are read; nothing else of it is in memory.
 *
 * @throws FormatError `FORMAT_UNKNOWN` (not HDF5, or not of Keras), `FORMAT_DAMAGED` (cut off or altered),
 *   `FORMAT_UNSAFE` (links, virtual data sets), `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED` (number types).
 */
export async function readKerasHdf5(bytes: ModelBytes, options: ReadHdf5Options = {}): Promise<ModelFile> {
  const fileName = options.fileName ?? 'the file';
  const source = sourceOf(bytes);
  const limits = readLimits(source.size, options.limits);
  return inHdf5File(source, fileName, limits, (file) => readContents(file, fileName, limits));
}
