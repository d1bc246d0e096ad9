import { FormatError } from '../../src/base/errors.ts';
import { excerpt, isJsonObject, parseJson } from '../json.ts';

/** Number types of the format that are read here, with their bytes. */
export const BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type StoredDtype = keyof typeof BYTES;

export interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Bytes of the tensor, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the tensors' bytes begin in the file. */
  readonly dataAt: number;
}

/** Under this name the header keeps its metadata; no tensor can be called so. */
export const METADATA = '__metadata__';

/** As the format's own reader: a longer header is refused. */
const MOST_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** The header's length as the first eight bytes state it, or undefined when they state an absurd one. */
function headerLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES + 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0, true);
  return view.getUint32(4, true) === 0 && length >= 2 && length <= MOST_HEADER_BYTES ? length : undefined;
}

/** Whether bytes begin as a safetensors file does. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return headerLength(bytes) !== undefined && bytes[LENGTH_BYTES] === 0x7b;
}

function damaged(fileName: string, given: string, expected: string): FormatError {
  return new FormatError('FORMAT_DAMAGED', `${fileName} is a damaged safetensors file.`, {
    given,
    expected,
    nextStep: 'Fetch or save the file again; it seems cut off or altered.',
  });
}

/**
 * Reads and checks the header: every tensor has as many bytes as its shape needs, and all of them lie side by side to
 * the end of the file, as the format demands.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_UNSUPPORTED` (number types that are not read)
 */
export function readHeader(bytes: Uint8Array, fileName: string, mostTensors: number): Header {
  const length = headerLength(bytes);
  if (length === undefined || LENGTH_BYTES + length > bytes.length) {
    throw damaged(
      fileName,
      `${bytes.length} bytes with a header of ${length ?? 'absurd'} bytes`,
      'a header inside the file',
    );
  }
  const dataAt = LENGTH_BYTES + length;
  const json = parseJson(headerText(bytes.subarray(LENGTH_BYTES, dataAt), fileName), 'The header', fileName);
  if (!isJsonObject(json)) throw damaged(fileName, excerpt(json), 'a header that names tensors');
  const { [METADATA]: given = {}, ...tensors } = json;
  const names = Object.keys(tensors);
  if (names.length > mostTensors) {
    throw new FormatError('FORMAT_LIMIT', `${fileName} has more tensors than are read.`, {
      given: `${names.length} tensors`,
      expected: `at most ${mostTensors}`,
      nextStep: 'Raise the limit `tensors` if you trust the file.',
    });
  }
  const entries = names.map((name) => entryOf(name, tensors[name], bytes.length - dataAt, fileName));
  checkPlaces(entries, bytes.length - dataAt, fileName);
  const metadata = Object.entries(isJsonObject(given) ? given : {}).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return { entries, metadata: Object.fromEntries(metadata), dataAt };
}

function headerText(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trimEnd();
  } catch {
    throw damaged(fileName, 'a header that is not text', 'JSON in UTF-8');
  }
}

function entryOf(name: string, value: unknown, dataBytes: number, fileName: string): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const isCount = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isCount) || !Array.isArray(offsets) || !offsets.every(isCount)) {
    throw damaged(fileName, `${excerpt(name)}: ${excerpt(value)}`, 'dtype, shape and data_offsets');
  }
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `${excerpt(name)} in ${fileName} has a number type that is not read.`,
      {
        given: excerpt(dtype),
        expected: Object.keys(BYTES).join(', '),
        nextStep: 'Store the tensor as float32.',
      },
    );
  }
  const [begin, end] = offsets as [number, number];
  const stored = dtype as StoredDtype;
  const size = shape.reduce((product, side) => product * side, BYTES[stored]);
  if (offsets.length !== 2 || end < begin || end > dataBytes || end - begin !== size) {
    throw damaged(
      fileName,
      `${excerpt(name)}: bytes ${begin} to ${end} of ${dataBytes}`,
      `${size} bytes for ${stored} ${excerpt(shape)}`,
    );
  }
  return { name, dtype: stored, shape, begin, end };
}

function checkPlaces(entries: readonly HeaderEntry[], dataBytes: number, fileName: string): void {
  let end = 0;
  let before = 'the header';
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const name = excerpt(entry.name);
    if (entry.begin < end)
      throw damaged(fileName, `${before} and ${name} share bytes`, 'tensors side by side');
    if (entry.begin > end) {
      throw damaged(
        fileName,
        `${entry.begin - end} bytes between ${before} and ${name}`,
        'tensors side by side',
      );
    }
    end = entry.end;
    before = name;
  }
  if (end !== dataBytes) {
    throw damaged(fileName, `${dataBytes - end} bytes behind ${before}`, 'nothing behind the last tensor');
  }
}
