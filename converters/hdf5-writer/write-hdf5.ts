import { throwIfAborted } from '../../src/base/errors.ts';
import type { NumericArray, WeightTensor } from '../../src/base/types.ts';
import type { ByteSink } from '../byte-sink.ts';
import { boxesOf, selectionOf } from '../hdf5/boxes.ts';
import { hdf5Module, withHdf5Sink, type Hdf5Module } from '../hdf5/session.ts';
import { countOf, isInMemory, piecesOf } from '../tensors.ts';
import { writeAttribute, type AttributeValue } from './attributes.ts';

/** A group of a file: what stands on it and in it. */
export interface GroupToWrite {
  /** From the root, without a slash at its start; empty for the root. Groups above it are made where they are missing. */
  readonly path: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Data sets; slashes in a name make groups. */
  readonly tensors?: readonly TensorToWrite[];
}

export interface TensorToWrite {
  readonly name: string;
  readonly tensor: WeightTensor;
}

export interface WriteHdf5Options {
  /** Asked between pieces of tensors. */
  readonly signal?: AbortSignal;
}

const LIBRARY_BYTES = 384 * 1024 * 1024;

/** An array of the type that Keras stores: counts and the like are its only integers, and these have 64 bits. */
function stored(data: NumericArray, dtype: WeightTensor['dtype']): Uint8Array {
  const whole = dtype === 'int32' ? BigInt64Array.from(data as Int32Array, BigInt) : data;
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
}

class OpenFile {
  readonly #module: Hdf5Module;
  readonly #file: bigint;

  constructor(module: Hdf5Module, file: bigint) {
    this.#module = module;
    this.#file = file;
  }

  /** @param made The groups that are there already; it grows. */
  group(path: string, made: Set<string>): void {
    let prefix = '';
    for (const part of path.split('/').filter((item) => item !== '')) {
      prefix += `/${part}`;
      if (!made.has(prefix)) this.#module.create_group(this.#file, prefix, false);
      made.add(prefix);
    }
  }

  attribute(path: string, name: string, value: AttributeValue): void {
    writeAttribute(this.#module, this.#file, `/${path}`, name, value);
  }

  /** A data set without its numbers. */
  dataset(path: string, { shape, dtype }: WeightTensor): void {
    const { H5T_FLOAT, H5T_INTEGER } = this.#module.H5T_class_t;
    const sizes = shape.map(BigInt);
    const metadata = {
      type: dtype === 'float32' ? H5T_FLOAT.value : H5T_INTEGER.value,
      size: { float32: 4, int32: 8, bool: 1 }[dtype],
      signed: dtype === 'int32',
      littleEndian: true,
      vlen: false,
      shape: sizes,
      maxshape: sizes,
      chunks: null,
      compression: 0,
      compression_opts: [],
      track_order: false,
    };
    // The library wants the numbers at once. Without any it makes the data set, and complains.
    const module = this.#module;
    withoutComplaints(module, () => module.create_dataset(this.#file, path, 0n, metadata as never));
  }

  /** The numbers from `start` on of a data set. */
  numbers(path: string, tensor: WeightTensor, start: number, piece: NumericArray): void {
    const { shape, dtype } = tensor;
    const module = this.#module;
    const bytes = stored(piece, dtype);
    const size = bytes.length / piece.length;
    const pointer = module._malloc(bytes.length);
    try {
      module.HEAPU8.set(bytes, pointer);
      for (const box of boxesOf(shape, start, start + piece.length)) {
        const [count, offset, stride] = selectionOf(shape.length === 0 ? undefined : box);
        const at = BigInt(pointer + (box.start - start) * size);
        module.set_dataset_data(this.#file, path, count, offset, stride, at);
      }
    } finally {
      module._free(pointer);
    }
  }
}

interface StandardError {
  stream_ops: Record<string, unknown>;
}

function withoutComplaints(module: Hdf5Module, action: () => void): void {
  const { streams } = module.FS as unknown as { streams: StandardError[] };
  const stderr = streams[2]!;
  const operations = stderr.stream_ops;
  stderr.stream_ops = {
    ...operations,
    write: (_: unknown, __: unknown, ___: number, length: number) => length,
  };
  module.deactivate_throwing_error_handler();
  try {
    action();
  } finally {
    module.activate_throwing_error_handler();
    stderr.stream_ops = operations;
  }
}

function writeInMemory(open: OpenFile, path: string, tensor: WeightTensor): void {
  let start = 0;
  for (const piece of piecesOf(tensor)) {
    open.numbers(path, tensor, start, piece);
    start += piece.length;
  }
}

/**
 * Writes an HDF5 file as h5py does: groups, texts as attributes, and tensors, little-endian and without chunks.
 *
 * Piece by piece: tensors that lie in a file are read 8 MiB at a time, and while one is read, the new file is closed, since
 * the library has one file open at a time. Integers become int64.
 *
 * @throws what reading the tensors and writing to the sink throw; AbortedError `ABORTED`.
 */
export async function writeHdf5(
  groups: readonly GroupToWrite[],
  sink: ByteSink,
  { signal }: WriteHdf5Options = {},
): Promise<void> {
  const module = await hdf5Module();
  const session = <T>(again: boolean, action: (open: OpenFile) => T) => {
    throwIfAborted(signal, 'Writing');
    const options = { fileName: 'the new file', limits: { libraryBytes: LIBRARY_BYTES }, again };
    return withHdf5Sink(module, sink, options, (file) => action(new OpenFile(module, file)));
  };
  const later: { path: string; tensor: WeightTensor }[] = [];
  session(false, (open) => {
    const made = new Set<string>();
    for (const { path, attributes = {}, tensors = [] } of groups) {
      open.group(path, made);
      for (const [name, value] of Object.entries(attributes)) open.attribute(path, name, value);
      for (const { name, tensor } of tensors) {
        const where = `/${path === '' ? name : `${path}/${name}`}`;
        open.group(where.slice(0, where.lastIndexOf('/')), made);
        open.dataset(where, tensor);
        if (countOf(tensor) === 0) continue;
        if (isInMemory(tensor)) writeInMemory(open, where, tensor);
        else later.push({ path: where, tensor });
      }
    }
  });
  for (const { path, tensor } of later) {
    let start = 0;
    for (const piece of piecesOf(tensor)) {
      const from = start;
      // The piece before was written while this one was read.
      await sink.drain?.();
      session(true, (open) => open.numbers(path, tensor, from, piece));
      start += piece.length;
    }
  }
}
