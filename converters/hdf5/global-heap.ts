import { FormatError } from '../../src/base/errors.ts';
import type { ByteSource } from '../../src/base/types.ts';
import { readPart } from '../byte-source.ts';

/** `GCOL`, version 1: the start of a collection of variable-length texts. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1];
const HEADER = 16;
const WINDOW_BYTES = 64 * 1024;

/** Reads headers of 16 bytes one after another, through a window that moves on with them. */
class Headers {
  readonly #source: ByteSource;
  #start = 0;
  #window = new DataView(new ArrayBuffer(0));

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The view and the offset in it of the header at `position`. */
  at(position: number): [DataView, number] {
    const offset = position - this.#start;
    if (offset >= 0 && offset + HEADER <= this.#window.byteLength) return [this.#window, offset];
    this.#start = position;
    this.#window = new DataView(readPart(this.#source, position, WINDOW_BYTES).buffer);
    return [this.#window, 0];
  }
}

/** True when every object of the collection that starts at `start` takes some room and ends inside of it. */
function isSound(source: ByteSource, start: number): boolean {
  if (start + HEADER > source.size) return false;
  const headers = new Headers(source);
  const sizeAt = (position: number) => {
    const [view, offset] = headers.at(position);
    return Number(view.getBigUint64(offset + 8, true));
  };
  const size = sizeAt(start);
  const end = start + size;
  if (size < HEADER || end > source.size) return false;
  for (let at = start + HEADER; at + HEADER <= end;) {
    const [view, offset] = headers.at(at);
    const isFree = view.getUint16(offset, true) === 0;
    const stated = sizeAt(at);
    const taken = isFree ? stated : HEADER + Math.ceil(stated / 8) * 8;
    if (taken < HEADER || at + taken > end) return false;
    at += taken;
  }
  return true;
}

/**
 * HDF5 2.0 walks a damaged collection of variable-length texts for ever when an object of it takes no room, and a
 * WebAssembly call cannot be interrupted. So each collection is walked here when the library comes to read it: it
 * reads one from its very start.
 *
 * @param bytes What the library has read from `position` on.
 * @throws FormatError `FORMAT_DAMAGED`.
 */
export function checkGlobalHeap(
  bytes: Uint8Array,
  position: number,
  source: ByteSource,
  fileName: string,
): void {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte) || isSound(source, position)) return;
  throw new FormatError(
    'FORMAT_DAMAGED',
    `${fileName} is damaged: its texts of variable length are broken.`,
    {
      given: `a global heap at byte ${position} whose parts do not add up`,
      expected: 'a whole, unaltered HDF5 file',
      nextStep: 'Fetch the file again, or save it again.',
    },
  );
}
