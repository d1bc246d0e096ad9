import { DovecoteError, reasonOf } from '../../base/errors.ts';
import { damaged } from './classic.ts';
import type { ByteArray } from './idx.ts';

/** More than any array of a classic data set. */
const MOST_BYTES = 2 ** 30;

/**
 * Arrays of a NumPy archive by their names.
 *
 * @throws DatasetError `DATASET_FORMAT`
 */
export async function readNpz(
  bytes: Uint8Array,
  names: readonly string[],
  file: string,
): Promise<ByteArray[]> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } =
    await import('@zip.js/zip.js/lib/zip-core-native.js');
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { checkSignature: true, useWebWorkers: false });
  try {
    const entries = await reader.getEntries();
    const arrays: ByteArray[] = [];
    for (const name of names) {
      const entry = entries.find((each) => each.filename === `${name}.npy`);
      if (entry === undefined || entry.directory || entry.uncompressedSize > MOST_BYTES) {
        throw damaged(file, `it has no array ${name}`, {
          given:
            entries
              .map((each) => each.filename)
              .slice(0, 10)
              .join(', ') || 'no arrays',
          expected: names.join(', '),
        });
      }
      arrays.push(readNpy(await entry.getData(new Uint8ArrayWriter()), `${name} of ${file}`));
    }
    return arrays;
  } catch (cause) {
    if (cause instanceof DovecoteError) throw cause;
    const given = reasonOf(cause);
    throw damaged(file, 'it is no whole zip archive', { given, expected: 'a NumPy archive', cause });
  } finally {
    await reader.close();
  }
}

/**
 * A NumPy array of whole numbers 0 to 255, in C order.
 *
 * @throws DatasetError `DATASET_FORMAT`
 */
export function readNpy(bytes: Uint8Array, file: string): ByteArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const expected = 'a NumPy array of bytes in C order';
  const signature = new TextDecoder('latin1').decode(bytes.subarray(1, 6));
  if (bytes.length < 12 || bytes[0] !== 0x93 || signature !== 'NUMPY') {
    throw damaged(file, 'its magic number is wrong', { given: `${bytes.length} bytes`, expected });
  }
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  const headerLength = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + headerLength));
  const type = /'descr':\s*'([<>|=]?)([iu])([1248])'/.exec(header);
  const sides = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (type === null || sides === undefined || !/'fortran_order':\s*False/.test(header) || type[1] === '>') {
    throw damaged(file, 'it is of another kind', { given: header.trim().slice(0, 200), expected });
  }
  const shape = sides
    .split(',')
    .filter((side) => side.trim() !== '')
    .map(Number);
  const width = Number(type[3]);
  const count = shape.reduce((product, side) => product * side, 1);
  const values = bytes.subarray(start + headerLength);
  if (values.length !== count * width) {
    const given = `${values.length} bytes of values`;
    throw damaged(file, 'it is cut off', { given, expected: `${count * width}, for ${shape.join(' x ')}` });
  }
  if (width === 1 && type[2] === 'u') return { shape, data: values };
  const data = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    data[at] = values[at * width]!;
    // Little-endian: all other bytes of a number up to 255 are zero.
    const rest = values.subarray(at * width + 1, (at + 1) * width);
    if (rest.some((byte) => byte !== 0) || (width === 1 && data[at]! > 127)) {
      throw damaged(file, `number ${at + 1} is not between 0 and 255`, { given: type[0], expected });
    }
  }
  return { shape, data };
}
