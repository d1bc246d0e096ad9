import type { FileEntry, ZipReader } from '@zip.js/zip.js';
import { FormatError } from '../../src/base/errors.ts';
import type { ByteSource } from '../../src/base/types.ts';
import { readPart, sourceOf } from '../byte-source.ts';
import { overLimit, type ReadLimits } from '../model-file.ts';
import { asArchiveError, damagedArchive, unsafeArchive } from './zip-errors.ts';

const LOCAL_HEADER = 30;
const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot expand more than this. */
const MOST_EXPANSION = 1032;
/** Keras writes three entries and one for each asset. */
const MOST_ENTRIES = 10_000;
/** The library reads the directory at once; ten thousand entries need less. */
const MOST_AT_ONCE = 8 * 1024 * 1024;

const loadLibrary = () => import('@zip.js/zip.js/lib/zip-core-native.js');

/** True when the bytes begin as a zip archive does, an empty one included. */
export function isZip(head: Uint8Array): boolean {
  const signature = [head[2], head[3]].join();
  return head[0] === 0x50 && head[1] === 0x4b && (signature === '3,4' || signature === '5,6');
}

type LimitName = keyof ReadLimits;

/** A zip archive whose entries have been checked; no file is ever written from it. */
export class ZipArchive {
  readonly #entries: ReadonlyMap<string, FileEntry>;
  readonly #source: ByteSource;
  readonly #fileName: string;
  readonly #limits: ReadLimits;

  constructor(
    entries: ReadonlyMap<string, FileEntry>,
    source: ByteSource,
    fileName: string,
    limits: ReadLimits,
  ) {
    this.#entries = entries;
    this.#source = source;
    this.#fileName = fileName;
    this.#limits = limits;
  }

  /** The names of the files in it, in the order of its directory. */
  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The size in bytes that the directory states; `undefined` when there is no such file. */
  sizeOf(name: string): number | undefined {
    return this.#entries.get(name)?.uncompressedSize;
  }

  /**
   * All bytes of a file, its checksum held. @throws FormatError `FORMAT_LIMIT` above the limit, before memory is taken;
   * `FORMAT_DAMAGED`.
   */
  async bytes(name: string, limit: LimitName): Promise<Uint8Array<ArrayBuffer>> {
    const entry = this.#entry(name);
    this.#hold(name, entry, limit);
    const bytes = new Uint8Array(entry.uncompressedSize);
    let length = 0;
    const writable = new WritableStream<Uint8Array>({
      write: (chunk) => {
        if (length + chunk.length > bytes.length) {
          throw unsafeArchive(
            this.#fileName,
            `${name} is larger than it says`,
            `more than ${bytes.length} bytes`,
          );
        }
        bytes.set(chunk, length);
        length += chunk.length;
      },
    });
    try {
      await entry.getData(writable, { checkCrc32: true });
    } catch (error) {
      throw asArchiveError(error, await loadLibrary(), this.#fileName);
    }
    if (length === bytes.length) return bytes;
    throw damagedArchive(this.#fileName, `${name} has ${length} bytes and not ${bytes.length}, as it says`);
  }

  /**
   * A file as a source: one that is stored is a part of the archive and takes no memory, and its checksum is not held; one
   * that is deflated is inflated at once.
   */
  async source(name: string, limit: LimitName): Promise<ByteSource> {
    const entry = this.#entry(name);
    if (entry.compressionMethod !== STORED) return sourceOf(await this.bytes(name, limit));
    this.#hold(name, entry, limit);
    const archive = this.#source;
    const start = dataStart(archive, entry, this.#fileName);
    return {
      size: entry.uncompressedSize,
      read: (target, position) => archive.read(target, start + position),
    };
  }

  #entry(name: string): FileEntry {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    throw damagedArchive(this.#fileName, `there is no ${name} in it`);
  }

  #hold(name: string, entry: FileEntry, limit: LimitName): void {
    if (entry.uncompressedSize <= this.#limits[limit]) return;
    throw overLimit(this.#fileName, `${name} has ${entry.uncompressedSize} bytes`, this.#limits, limit);
  }
}

/** Where the bytes of an entry begin; its local header says the same as the directory. */
function dataStart(source: ByteSource, entry: FileEntry, fileName: string): number {
  const header = readPart(source, entry.offset, LOCAL_HEADER);
  const view = new DataView(header.buffer);
  if (header.length < LOCAL_HEADER || view.getUint32(0, true) !== 0x04034b50) {
    throw damagedArchive(fileName, `${entry.filename} does not begin where the directory says`);
  }
  const nameLength = view.getUint16(26, true);
  const name = readPart(source, entry.offset + LOCAL_HEADER, nameLength);
  const same =
    name.length === entry.rawFilename.length &&
    name.every((byte, i) => byte === entry.rawFilename[i]) &&
    view.getUint16(8, true) === entry.compressionMethod &&
    (view.getUint16(6, true) & 1) === 0;
  if (!same) throw unsafeArchive(fileName, `${entry.filename} has another header than the directory says`);
  return entry.offset + LOCAL_HEADER + nameLength + view.getUint16(28, true);
}

/** What an entry says of itself, before any of its bytes is read. */
function checkEntry(entry: FileEntry, fileName: string): void {
  const { filename: name, compressedSize, uncompressedSize } = entry;
  if (name.includes('\\')) throw unsafeArchive(fileName, `it holds the name ${JSON.stringify(name)}`);
  if (entry.symlink) throw unsafeArchive(fileName, `${name} is a symbolic link`);
  if (entry.encrypted) throw unsafeArchive(fileName, `${name} is encrypted`);
  if (![compressedSize, uncompressedSize, entry.offset].every(Number.isSafeInteger)) {
    throw damagedArchive(fileName, `${name} has a size that is no whole number`);
  }
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `${name} in ${fileName} is compressed in a way that is not read.`,
      {
        given: `the zip method ${entry.compressionMethod}`,
        expected: 'stored, as Keras writes, or deflated',
        nextStep: 'Save the model again with Keras, or pack the files anew.',
      },
    );
  }
  if (entry.compressionMethod === STORED && compressedSize !== uncompressedSize) {
    throw damagedArchive(fileName, `${name} is stored, but states two sizes`);
  }
  if (entry.compressionMethod === DEFLATED && uncompressedSize > MOST_EXPANSION * compressedSize + 64) {
    throw unsafeArchive(
      fileName,
      `${name} says that ${compressedSize} bytes become ${uncompressedSize}`,
      'more than deflate can',
    );
  }
}

/** No two entries share bytes, and all lie in front of the directory. */
function checkPlaces(entries: readonly FileEntry[], source: ByteSource, end: number, fileName: string): void {
  const places = entries.map((entry) => {
    const start = dataStart(source, entry, fileName);
    return { name: entry.filename, from: entry.offset, to: start + entry.compressedSize };
  });
  places.sort((a, b) => a.from - b.from);
  places.forEach(({ name, to }, i) => {
    const next = places[i + 1];
    if (to > end) throw damagedArchive(fileName, `${name} goes on behind the end of the entries`);
    if (next !== undefined && next.from < to) {
      throw unsafeArchive(fileName, `${name} and ${next.name} share bytes`);
    }
  });
}

async function fileEntries(
  reader: ZipReader<unknown>,
  source: ByteSource,
  fileName: string,
): Promise<Map<string, FileEntry>> {
  const files: FileEntry[] = [];
  let count = 0;
  for await (const entry of reader.getEntriesGenerator()) {
    count += 1;
    if (count > MOST_ENTRIES) {
      throw new FormatError(
        'FORMAT_LIMIT',
        `${fileName} is refused: it has more than ${MOST_ENTRIES} entries.`,
        {
          given: 'a zip archive of very many files',
          expected: 'a .keras file, which has three and one for each asset',
          nextStep: 'Save the model again with Keras.',
        },
      );
    }
    if (entry.directory) continue;
    checkEntry(entry, fileName);
    files.push(entry);
  }
  checkPlaces(files, source, reader.directoryOffset ?? source.size, fileName);
  return new Map(files.map((entry) => [entry.filename, entry]));
}

/**
 * Opens a zip archive. Its directory is read and checked, its files are not: names that lead out of a folder, names that
 * occur twice, encrypted files, links, files that share bytes and sizes that cannot be are refused.
 *
 * @throws FormatError `FORMAT_UNSAFE`, `FORMAT_LIMIT`, `FORMAT_DAMAGED`.
 */
export async function openArchive(
  source: ByteSource,
  options: { readonly fileName: string; readonly limits: ReadLimits },
): Promise<ZipArchive> {
  const { fileName, limits } = options;
  const library = await loadLibrary();
  class SourceReader extends library.Reader<ByteSource> {
    override size = source.size;
    override readUint8Array(index: number, length: number): Promise<Uint8Array> {
      if (length > MOST_AT_ONCE) {
        return Promise.reject(
          new FormatError('FORMAT_LIMIT', `${fileName} is refused: its directory takes ${length} bytes.`, {
            given: `${length} bytes`,
            expected: `at most ${MOST_AT_ONCE}`,
            nextStep: 'Save the model again with Keras.',
          }),
        );
      }
      return Promise.resolve(readPart(source, index, length));
    }
  }
  const reader = new library.ZipReader(new SourceReader(source), {
    strictness: 'strict',
    useWebWorkers: false,
  });
  try {
    return new ZipArchive(await fileEntries(reader, source, fileName), source, fileName, limits);
  } catch (error) {
    throw asArchiveError(error, library, fileName);
  } finally {
    await reader.close();
  }
}
