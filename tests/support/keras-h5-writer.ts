import { File as Hdf5, ready, type Group } from 'h5wasm/node';
import type { NumericArray } from '../../src/base/types.ts';

export interface LayerToWrite {
  readonly name: string;
  readonly weights: readonly WeightToWrite[];
}

export interface WeightToWrite {
  /** As Keras writes it: `conv1/kernel:0`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: NumericArray;
}

export interface WriteOptions {
  /** Undefined: as Keras 1 writes weights, without a version and a backend. */
  readonly kerasVersion?: string;
  readonly backend?: string;
}

/** The most that HDF5 keeps in an object's header; Keras splits longer attributes. */
const HEADER_LIMIT = 64512;

/** Writes a file as `model.save_weights` of Keras 1 and 2 does: groups, attributes and all. */
export async function writeKerasH5(
  path: string,
  layers: readonly LayerToWrite[],
  { kerasVersion, backend }: WriteOptions = {},
): Promise<void> {
  await ready;
  const file = new Hdf5(path, 'w');
  try {
    writeNames(
      file,
      'layer_names',
      layers.map(({ name }) => name),
    );
    if (backend !== undefined) file.create_attribute('backend', backend);
    if (kerasVersion !== undefined) file.create_attribute('keras_version', kerasVersion);
    for (const { name, weights } of layers) {
      const group = groupAt(file, name);
      writeNames(
        group,
        'weight_names',
        weights.map((weight) => weight.name),
      );
      for (const { name: path, shape, data } of weights) {
        const parts = path.split('/');
        const parent = groupAt(group, parts.slice(0, -1).join('/'));
        parent.create_dataset({
          name: parts.at(-1)!,
          // Counts are the only integers among weights.
          data: data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt),
          shape: [...shape],
          dtype: data instanceof Float32Array ? '<f' : '<q',
        });
      }
    }
  } finally {
    file.close();
  }
}

/** A group and those above it, made where they are missing. */
function groupAt(root: Group, path: string): Group {
  let group = root;
  for (const part of path.split('/').filter((name) => name !== '')) {
    group = (group.keys().includes(part) ? group.get(part) : group.create_group(part)) as Group;
  }
  return group;
}

/** Texts of one fixed length, as numpy has them; empty lists are of float64. In pieces where they are too long. */
function writeNames(group: Group, attribute: string, names: readonly string[]): void {
  if (names.length === 0) {
    group.create_attribute(attribute, new Float64Array(0), [0], '<d');
    return;
  }
  const length = Math.max(...names.map((name) => name.length));
  let pieces = 1;
  while (length * Math.ceil(names.length / pieces) > HEADER_LIMIT) pieces += 1;
  let start = 0;
  for (let piece = 0; piece < pieces; piece++) {
    // As numpy's array_split: the first pieces take one more each until there is no rest.
    const size = Math.floor(names.length / pieces) + (piece < names.length % pieces ? 1 : 0);
    const name = pieces === 1 ? attribute : `${attribute}${piece}`;
    group.create_attribute(name, names.slice(start, start + size), [size], `S${length}`);
    start += size;
  }
}
