import type { Hdf5Module } from '../hdf5/session.ts';

/** A text, of variable length as h5py stores it, or a list of texts of one fixed length, as NumPy has them. */
export type AttributeValue = string | readonly string[];

/** The most that HDF5 keeps in an object's header; Keras splits longer lists. */
const HEADER_LIMIT = 64512;

const shaped = (shape: readonly number[]) => ({ shape: shape.map(BigInt), maxshape: shape.map(BigInt) });

/** Writes `list` in as many parts as are needed, each below the limit: `name`, or `name0`, `name1`, ... */
function* parts(name: string, list: readonly string[], size: number): Generator<[string, readonly string[]]> {
  let count = 1;
  while (size * Math.ceil(list.length / count) > HEADER_LIMIT && count < list.length) count += 1;
  if (count === 1) {
    yield [name, list];
    return;
  }
  let start = 0;
  for (let part = 0; part < count; part++) {
    // As numpy's array_split: the first parts take one more each until there is no rest.
    const length = Math.floor(list.length / count) + (part < list.length % count ? 1 : 0);
    yield [`${name}${part}`, list.slice(start, start + length)];
    start += length;
  }
}

function writeFixed(
  module: Hdf5Module,
  file: bigint,
  path: string,
  name: string,
  list: readonly Uint8Array[],
) {
  const size = Math.max(1, ...list.map((text) => text.length));
  const bytes = new Uint8Array(size * list.length);
  list.forEach((text, i) => bytes.set(text, i * size));
  const type = module.H5T_class_t.H5T_STRING.value;
  writeRaw(module, file, path, name, bytes, { type, size, cset: 0, ...shaped([list.length]) });
}

function writeRaw(
  module: Hdf5Module,
  file: bigint,
  path: string,
  name: string,
  bytes: Uint8Array,
  metadata: Record<string, unknown>,
): void {
  const pointer = module._malloc(Math.max(1, bytes.length));
  try {
    module.HEAPU8.set(bytes, pointer);
    const whole = { vlen: false, signed: false, littleEndian: true, ...metadata };
    module.create_attribute(file, path, name, BigInt(pointer), whole as never);
  } finally {
    module._free(pointer);
  }
}

/** Puts an attribute on a group of an open file. */
export function writeAttribute(
  module: Hdf5Module,
  file: bigint,
  path: string,
  name: string,
  value: AttributeValue,
): void {
  const { H5T_STRING, H5T_FLOAT } = module.H5T_class_t;
  if (typeof value === 'string') {
    const type = { type: H5T_STRING.value, size: 4, vlen: true, cset: 1, signed: false, littleEndian: true };
    module.create_vlen_str_attribute(file, path, name, [value] as never, { ...type, ...shaped([]) } as never);
  } else if (value.length === 0) {
    // An empty list has no length of texts: NumPy takes it for numbers.
    writeRaw(module, file, path, name, new Uint8Array(0), { type: H5T_FLOAT.value, size: 8, ...shaped([0]) });
  } else {
    const encoder = new TextEncoder();
    const size = Math.max(...value.map((text) => encoder.encode(text).length));
    for (const [part, list] of parts(name, value, size)) {
      writeFixed(
        module,
        file,
        path,
        part,
        list.map((text) => encoder.encode(text)),
      );
    }
  }
}
