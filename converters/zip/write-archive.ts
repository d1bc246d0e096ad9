import { FormatError } from '../../src/base/errors.ts';
import type { ByteSink } from '../byte-sink.ts';
import { readPart } from '../byte-source.ts';
import { crc32 } from './crc32.ts';

const LOCAL_HEADER = 30;
const PIECE_BYTES = 4 * 1024 * 1024;
/** Above it a zip archive needs another format. */
const MOST_BYTES = 0xffff_fffe;
/** January 1st, 1980, the first day that a zip archive can say: files of one model are equal byte for byte. */
const DATE = 0x21;

/** A part of a sink, from a position on, as a sink of its own. */
class PartOfSink implements ByteSink {
  readonly #sink: ByteSink;
  readonly #start: number;

  constructor(sink: ByteSink, start: number) {
    this.#sink = sink;
    this.#start = start;
  }

  get size(): number {
    return Math.max(0, this.#sink.size - this.#start);
  }

  read(target: Uint8Array, position: number): void {
    this.#sink.read(target, this.#start + position);
  }

  write(bytes: Uint8Array, position: number): void {
    this.#sink.write(bytes, this.#start + position);
  }

  async drain(): Promise<void> {
    await this.#sink.drain?.();
  }
}

/** A file to be stored: its bytes, or what writes them. */
export interface MemberToWrite {
  /** Plain ASCII. */
  readonly name: string;
  readonly write: (sink: ByteSink) => void | Promise<void>;
}

interface Written {
  readonly name: Uint8Array;
  readonly offset: number;
  readonly size: number;
  readonly checksum: number;
}

function fields(view: DataView, at: number, { name, size, checksum }: Omit<Written, 'offset'>): void {
  // Version 2.0, no flags, stored.
  view.setUint16(at, 20, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, checksum, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, name.length, true);
}

function localHeader(member: Written): Uint8Array {
  const bytes = new Uint8Array(LOCAL_HEADER + member.name.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x04034b50, true);
  fields(view, 4, member);
  bytes.set(member.name, LOCAL_HEADER);
  return bytes;
}

function directoryEntry(member: Written): Uint8Array {
  const bytes = new Uint8Array(46 + member.name.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 20, true);
  fields(view, 6, member);
  view.setUint32(42, member.offset, true);
  bytes.set(member.name, 46);
  return bytes;
}

function endRecord(count: number, start: number, size: number): Uint8Array {
  const bytes = new Uint8Array(22);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, size, true);
  view.setUint32(16, start, true);
  return bytes;
}

/** CRC-32 of bytes, carried on from that of the bytes before. */
export type Checksum = (bytes: Uint8Array, before: number) => number;

function checksumOf(sink: ByteSink, from: number, to: number, next: Checksum): number {
  let checksum = 0;
  for (let at = from; at < to; at += PIECE_BYTES) {
    checksum = next(readPart(sink, at, Math.min(PIECE_BYTES, to - at)), checksum);
  }
  return checksum;
}

function tooLarge(size: number): FormatError {
  return new FormatError('FORMAT_LIMIT', 'The model is too large for a .keras file.', {
    given: `${size} bytes`,
    expected: `at most ${MOST_BYTES}`,
    nextStep: 'Write an .h5 file instead.',
  });
}

/**
 * Writes a zip archive whose files are stored as they are, into an empty sink, one after another. What writes a file may do
 * so in any order; its checksum is computed by reading it back.
 *
 * @param checksum Computes CRC-32; Node's own is five times as fast as the one here.
 * @throws FormatError `FORMAT_LIMIT` above 4 GiB; what writing throws.
 */
export async function writeArchive(
  members: readonly MemberToWrite[],
  sink: ByteSink,
  checksum: Checksum = crc32,
): Promise<void> {
  const written: Written[] = [];
  for (const { name, write } of members) {
    const offset = sink.size;
    const encoded = new TextEncoder().encode(name);
    const start = offset + LOCAL_HEADER + encoded.length;
    // The place of the header, which is known only afterwards.
    sink.write(new Uint8Array(start - offset), offset);
    await write(new PartOfSink(sink, start));
    const size = sink.size - start;
    if (sink.size > MOST_BYTES) throw tooLarge(sink.size);
    const member = { name: encoded, offset, size, checksum: checksumOf(sink, start, sink.size, checksum) };
    sink.write(localHeader(member), offset);
    written.push(member);
  }
  const directory = sink.size;
  for (const member of written) sink.write(directoryEntry(member), sink.size);
  sink.write(endRecord(written.length, directory, sink.size - directory), sink.size);
}
