import { DovecoteError, FormatError, reasonOf } from '../../base/errors.ts';
import { damaged } from './classic.ts';
import type { ByteArray } from './idx.ts';

/** What a pickled array becomes. */
class PickledArray {
  state: unknown;

  __setstate__(state: unknown): void {
    this.state = state;
  }
}

class PickledType {
  readonly name: unknown;
  constructor(name: unknown) {
    this.name = name;
  }

  __setstate__(): void {
    // Byte order and fields, which bytes have none of.
  }
}

/** The only names that a batch may refer to; nothing of the file is ever run. */
const known: Readonly<Record<string, (...values: unknown[]) => unknown>> = {
  '_codecs.encode': (text) => bytesOf(text),
  'numpy.core.multiarray._reconstruct': () => new PickledArray(),
  'numpy._core.multiarray._reconstruct': () => new PickledArray(),
  'numpy.dtype': (name) => new PickledType(name),
  // Only ever handed to the two above.
  'numpy.ndarray': () => undefined,
};

/**
 * The dictionary in a Python pickle of plain values and arrays of bytes, as CIFAR's batches are (written by Python 2) or
 * written anew by Python 3.
 *
 * @throws DatasetError `DATASET_FORMAT`; FormatError `FORMAT_UNSAFE` where it names anything but arrays
 */
export async function readPickle(bytes: Uint8Array, file: string): Promise<ReadonlyMap<string, unknown>> {
  const { BufferReader, Parser } = await import('pickleparser');
  /** Python 2 has one type for texts and bytes; the library would read it as Windows-1252. */
  class LatinReader extends BufferReader {
    override string(size: number, encoding: 'ascii' | 'utf-8'): string {
      return encoding === 'utf-8' ? super.string(size, encoding) : latinOf(Uint8Array.from(this.bytes(size)));
    }
  }
  let read: unknown;
  try {
    const resolve = (module: string, name: string) => {
      const full = `${module}.${name}`;
      const found = Object.hasOwn(known, full) ? known[full] : undefined;
      if (found === undefined) throw unsafe(file, full);
      return found;
    };
    const parser = new Parser({ nameResolver: { resolve }, unpicklingTypeOfDictionary: 'Map' });
    read = parser.read(new LatinReader(bytes));
  } catch (cause) {
    if (cause instanceof DovecoteError) throw cause;
    throw damaged(file, 'it is no whole pickle', {
      given: reasonOf(cause),
      expected: 'a Python pickle',
      cause,
    });
  }
  if (!(read instanceof Map)) {
    throw damaged(file, 'it is no dictionary', { given: typeof read, expected: 'a pickled dictionary' });
  }
  return new Map([...(read as Map<unknown, unknown>)].map(([key, value]) => [textOf(key), value]));
}

/** @throws DatasetError `DATASET_FORMAT` */
export function byteArrayOf(value: unknown, what: string): ByteArray {
  const state: unknown = value instanceof PickledArray ? value.state : undefined;
  const [, shape, type, isFortran, data] = Array.isArray(state) ? (state as unknown[]) : [];
  const bytes = bytesOf(data);
  const sides = Array.isArray(shape) ? (shape as unknown[]).map(Number) : [];
  const size = sides.reduce((product, side) => product * side, 1);
  const isBytes = type instanceof PickledType && ['u1', '|u1', 'uint8'].includes(String(type.name));
  if (!isBytes || isFortran === true || isFortran === 1 || bytes?.length !== size) {
    throw damaged(what, 'it is no array of bytes', {
      given: `shape ${sides.join(' x ') || 'unknown'}, ${bytes?.length ?? 'no'} bytes`,
      expected: 'an array of uint8 in C order',
    });
  }
  return { shape: sides, data: bytes };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') return undefined;
  const bytes = new Uint8Array(value.length);
  for (let at = 0; at < value.length; at++) bytes[at] = value.charCodeAt(at);
  return bytes;
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? latinOf(value) : String(value);
}

function latinOf(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

function unsafe(file: string, name: string): FormatError {
  return new FormatError('FORMAT_UNSAFE', `${file} refers to ${name}, which is not for pictures.`, {
    given: `a pickle with ${name}`,
    expected: 'a dictionary of plain values and NumPy arrays',
    nextStep: 'do not open this file with Python either; get it from where it was published',
  });
}
