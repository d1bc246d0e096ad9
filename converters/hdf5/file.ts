import { FormatError } from '../../src/base/errors.ts';
import type { NumericArray, StoredTensor, WeightTensor } from '../../src/base/types.ts';
import { overLimit, type ReadLimits } from '../model-file.ts';
import { countOf } from '../tensors.ts';
import { boxesOf, selectionOf, type Box } from './boxes.ts';
import { dtypeOf, storedType, toNumericArray, type StoredType } from './numbers.ts';
import type { Hdf5Module } from './session.ts';

/** Tensors are carried over in pieces, so that the library's memory, which never shrinks, stays small. */
const PIECE_BYTES = 8 * 1024 * 1024;
const MAX_RANK = 8;
/** Tensors up to this size are read with the file's structure: opening the file again for each would take longer. */
const SMALL_BYTES = 64 * 1024;

interface StoredSet {
  readonly shape: readonly number[];
  readonly type: StoredType;
  readonly count: number;
  readonly numberBytes: number;
  readonly bytes: number;
  readonly chunkBytes: number;
}

/** Opens the same file once more, after this one is closed. */
export type Reopen = <T>(action: (file: Hdf5File) => T) => T;

/** Reading access to one open HDF5 file. Everything that comes out is a copy in JavaScript's own memory. */
export class Hdf5File {
  readonly #module: Hdf5Module;
  readonly #file: bigint;
  readonly #name: string;
  readonly #limits: ReadLimits;
  readonly #reopen: Reopen;
  readonly #walked = new Set<string>(['']);
  readonly notes = new Set<string>();
  #tensors = 0;
  #tensorBytes = 0;

  constructor(module: Hdf5Module, file: bigint, fileName: string, limits: ReadLimits, reopen: Reopen) {
    this.#module = module;
    this.#file = file;
    this.#name = fileName;
    this.#limits = limits;
    this.#reopen = reopen;
  }

  attributeNames(path: string): Set<string> {
    this.#walk(path);
    return new Set(this.#module.get_attribute_names(this.#file, path));
  }

  /** Names of the links in a group. */
  children(path: string): string[] {
    this.#walk(path);
    return this.#module.get_names(this.#file, path, false);
  }

  isGroup(path: string): boolean {
    this.#walk(path);
    return this.#module.get_type(this.#file, path) === this.#module.H5G_GROUP;
  }

  /** The strings of an attribute, of fixed or variable length, a scalar as a list of one. Always read as UTF-8. */
  strings(path: string, attribute: string): string[] {
    this.#walk(path);
    const module = this.#module;
    const metadata = module.get_attribute_metadata(this.#file, path, attribute);
    const count = Number(metadata.total_size);
    if (metadata.shape === null || count === 0) return [];
    const bytes = count * Number(metadata.size);
    this.#limit(
      bytes <= this.#limits.attributeBytes,
      `the attribute ${attribute} takes ${bytes} bytes`,
      'attributeBytes',
    );
    if (metadata.type !== module.H5T_class_t.H5T_STRING.value) {
      throw this.#damaged(`the attribute ${attribute} of ${path} is not text.`);
    }
    const pointer = this.#allocate(bytes);
    try {
      module.get_attribute_data(this.#file, path, attribute, BigInt(pointer));
      if (!metadata.vlen) return this.#fixedStrings(pointer, count, Number(metadata.size));
      const texts = this.#variableStrings(pointer, count, attribute);
      module.reclaim_vlen_memory(this.#file, path, attribute, BigInt(pointer));
      return texts;
    } finally {
      module._free(pointer);
    }
  }

  #fixedStrings(pointer: number, count: number, size: number): string[] {
    const decoder = new TextDecoder();
    return Array.from({ length: count }, (_, i) => {
      const start = pointer + i * size;
      return decoder.decode(this.#upToZero(start, start + size));
    });
  }

  #variableStrings(pointer: number, count: number, attribute: string): string[] {
    const heap = this.#module.HEAPU8;
    const view = new DataView(heap.buffer, heap.byteOffset);
    const decoder = new TextDecoder();
    let total = 0;
    return Array.from({ length: count }, (_, i) => {
      const start = view.getUint32(pointer + i * 4, true);
      if (start === 0) return '';
      const text = this.#upToZero(start, heap.length);
      total += text.length;
      this.#limit(
        total <= this.#limits.attributeBytes,
        `the attribute ${attribute} takes ${total} bytes`,
        'attributeBytes',
      );
      return decoder.decode(text);
    });
  }

  #upToZero(start: number, end: number): Uint8Array {
    const zero = this.#module.HEAPU8.indexOf(0, start);
    return this.#module.HEAPU8.slice(start, zero === -1 || zero > end ? end : zero);
  }

  /**
   * A data set as a tensor; number types that TensorFlow.js lacks are converted, with a note. Large ones stay in the file
   * until their numbers are asked for.
   */
  tensor(path: string, name: string): WeightTensor {
    const stored = this.#stored(path);
    this.#count(path, stored);
    const { shape, type, count, bytes } = stored;
    const dtype = dtypeOf(type);
    if (type !== dtype) this.notes.add(`${type} weights were converted to ${dtype}`);
    if (bytes <= SMALL_BYTES) return { name, shape, dtype, data: this.numbers(path, 0, count) };
    const read: StoredTensor['read'] = (from, to, into) =>
      this.#reopen((file) => file.numbers(path, from, to, into));
    return { name, shape, dtype, read };
  }

  /**
   * The numbers `from` to `to` of a data set, in row-major order.
   *
   * @param into Memory that may be used for them.
   */
  numbers(path: string, from: number, to: number, into?: ArrayBuffer): NumericArray {
    const stored = this.#stored(path);
    const length = (to - from) * stored.numberBytes;
    const out =
      into !== undefined && into.byteLength >= length
        ? new Uint8Array(into, 0, length)
        : new Uint8Array(length);
    this.#raw(path, stored, from, to, out);
    return toNumericArray(out, stored.type, path).data;
  }

  #stored(path: string): StoredSet {
    this.#walk(path);
    const module = this.#module;
    if (module.get_type(this.#file, path) !== module.H5G_DATASET)
      throw this.#damaged(`${path} is not a data set.`);
    const metadata = module.get_dataset_metadata(this.#file, path);
    if (metadata.virtual_sources !== undefined && metadata.virtual_sources.length > 0) {
      throw this.#unsafe(`${path} is a virtual data set: its numbers lie in other files.`);
    }
    const shape = (metadata.shape ?? []).map(Number);
    if (metadata.shape === null) throw this.#damaged(`${path} has no data.`);
    if (shape.length > MAX_RANK) throw this.#damaged(`${path} has ${shape.length} dimensions.`);
    const type = storedType(module, metadata);
    if (type === undefined) {
      throw new FormatError(
        'FORMAT_UNSUPPORTED',
        `${path} in ${this.#name} has a number type that is not read.`,
        {
          given: path,
          expected: 'float16, float32, float64, an integer or a boolean type',
          nextStep: 'Store the weights as float32.',
        },
      );
    }
    const count = countOf({ shape });
    const numberBytes = Number(metadata.size);
    // HDF5 takes memory for a whole chunk at once, whatever the tensor's own size is.
    const chunkBytes = (metadata.chunks ?? []).reduce((product, size) => product * size, numberBytes);
    return { shape, type, count, numberBytes, bytes: count * numberBytes, chunkBytes };
  }

  /** Against the limits, before any number is read. */
  #count(path: string, { count, bytes, chunkBytes }: StoredSet): void {
    this.#tensors += 1;
    this.#tensorBytes += Math.max(bytes, count * 4);
    this.#limit(
      this.#tensors <= this.#limits.tensors,
      `it holds more than ${this.#limits.tensors} tensors`,
      'tensors',
    );
    this.#limit(
      this.#tensorBytes <= this.#limits.tensorBytes,
      `its tensors take ${this.#tensorBytes} bytes when expanded`,
      'tensorBytes',
    );
    this.#limit(
      chunkBytes <= this.#limits.tensorBytes,
      `a chunk of ${path} takes ${chunkBytes} bytes`,
      'tensorBytes',
    );
  }

  /** The bytes of the numbers `from` to `to`, carried over in pieces. */
  #raw(
    path: string,
    { shape, count, numberBytes }: StoredSet,
    from: number,
    to: number,
    out: Uint8Array,
  ): void {
    if (out.length === 0) return;
    const most = Math.min(to - from, Math.floor(PIECE_BYTES / numberBytes));
    const pointer = this.#allocate(most * numberBytes);
    try {
      if (most === count) this.#copy(path, undefined, pointer, out);
      else {
        for (let start = from; start < to; start += most) {
          for (const box of boxesOf(shape, start, Math.min(to, start + most))) {
            const at = (box.start - from) * numberBytes;
            const target = out.subarray(at, at + countOf({ shape: box.count }) * numberBytes);
            this.#copy(path, box, pointer, target);
          }
        }
      }
    } finally {
      this.#module._free(pointer);
    }
  }

  /** A block, or the whole data set, by way of the library's memory at `pointer`. */
  #copy(path: string, box: Box | undefined, pointer: number, target: Uint8Array): void {
    const [count, offset, stride] = selectionOf(box);
    this.#module.get_dataset_data(this.#file, path, count, offset, stride, BigInt(pointer));
    target.set(this.#module.HEAPU8.subarray(pointer, pointer + target.length));
  }

  /** Checks the link of every part of a path before anything follows it. */
  #walk(path: string): void {
    let prefix = '';
    for (const part of path.split('/').filter((item) => item !== '')) {
      prefix += `/${part}`;
      if (this.#walked.has(prefix)) continue;
      const soft = this.#module.get_symbolic_link(this.#file, prefix) as string | null;
      if (soft !== null) throw this.#unsafe(`${prefix} is a soft link to "${soft}".`);
      const external = this.#module.get_external_link(this.#file, prefix) as { filename?: string };
      if (external.filename !== undefined) {
        throw this.#unsafe(`${prefix} is a link into another file, "${external.filename}".`);
      }
      this.#walked.add(prefix);
    }
  }

  #allocate(bytes: number): number {
    const pointer = this.#module._malloc(bytes);
    this.#limit(
      pointer !== 0,
      `${bytes} bytes at once are more than the HDF5 library can hold`,
      'tensorBytes',
    );
    return pointer;
  }

  #limit(kept: boolean, what: string, limit: keyof ReadLimits): void {
    if (!kept) throw overLimit(this.#name, what, this.#limits, limit);
  }

  #damaged(summary: string): FormatError {
    return new FormatError('FORMAT_DAMAGED', `${this.#name} is damaged: ${summary}`, {
      given: summary,
      expected: 'a whole, unaltered Keras file',
      nextStep: 'Fetch the file again, or save it again with Keras.',
    });
  }

  #unsafe(summary: string): FormatError {
    return new FormatError('FORMAT_UNSAFE', `${this.#name} is refused: ${summary}`, {
      given: summary,
      expected: 'a self-contained file; Keras writes no links',
      nextStep: 'Copy the linked data into the file (h5repack, h5copy), or get the file from another source.',
    });
  }
}
