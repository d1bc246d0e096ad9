import { FormatError } from '../../src/base/errors.ts';

/** `GCOL`, version 1, three reserved zeros: the start of a collection of variable-length texts. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0];
const HEADER = 16;

function collectionAt(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(SIGNATURE[0]!, from);
  while (at !== -1 && !SIGNATURE.every((byte, i) => bytes[at + i] === byte))
    at = bytes.indexOf(SIGNATURE[0]!, at + 1);
  return at;
}

/** True when every object of the collection that starts at `start` takes some room and ends inside of it. */
function isSound(view: DataView, start: number): boolean {
  const size = Number(view.getBigUint64(start + 8, true));
  const end = start + size;
  if (size < HEADER || end > view.byteLength) return false;
  for (let at = start + HEADER; at + HEADER <= end;) {
    const isFree = view.getUint16(at, true) === 0;
    const stated = Number(view.getBigUint64(at + 8, true));
    const taken = isFree ? stated : HEADER + Math.ceil(stated / 8) * 8;
    if (taken < HEADER || at + taken > end) return false;
    at += taken;
  }
  return true;
}

/**
 * HDF5 2.0 walks a damaged collection of variable-length texts for ever when an object of it takes no room, and a
 * WebAssembly call cannot be interrupted. So the collections are walked here first.
 *
 * @throws FormatError `FORMAT_DAMAGED`.
 */
export function checkGlobalHeaps(bytes: Uint8Array, fileName: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = collectionAt(bytes, 0); at !== -1; at = collectionAt(bytes, at + 1)) {
    if (at + HEADER <= bytes.length && isSound(view, at)) continue;
    throw new FormatError(
      'FORMAT_DAMAGED',
      `${fileName} is damaged: its texts of variable length are broken.`,
      {
        given: `a global heap at byte ${at} whose parts do not add up`,
        expected: 'a whole, unaltered HDF5 file',
        nextStep: 'Fetch the file again, or save it again.',
      },
    );
  }
}
