import { damaged } from './classic.ts';

/** Bytes and the sides of their array, row-major. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * An IDX file of bytes, unpacked: two zeros, the type 8 (bytes), the number of sides, each side as 4 bytes with the largest
 * first, then the values.
 *
 * @param sides How many it has to have: 3 for pictures, 1 for labels.
 * @throws DatasetError `DATASET_FORMAT`
 */
export function readIdx(bytes: Uint8Array, sides: number, file: string): ByteArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length < 4 ? undefined : view.getUint32(0);
  if (magic !== 0x0800 + sides) {
    throw damaged(file, 'its magic number is wrong', {
      given: magic === undefined ? `${bytes.length} bytes` : `0x${magic.toString(16).padStart(8, '0')}`,
      expected: `an IDX file with 0x0000080${sides}`,
    });
  }
  const start = 4 + 4 * sides;
  const shape = Array.from({ length: sides }, (_, side) =>
    bytes.length < start ? NaN : view.getUint32(4 + 4 * side),
  );
  const size = shape.reduce((product, side) => product * side, 1);
  if (bytes.length !== start + size) {
    throw damaged(
      file,
      bytes.length < start + size || Number.isNaN(size) ? 'it is cut off' : 'it is too long',
      {
        given: `${bytes.length} bytes`,
        expected: Number.isNaN(size)
          ? `a header of ${start} bytes`
          : `${start + size} bytes for ${shape.join(' x ')}`,
      },
    );
  }
  return { shape, data: bytes.subarray(start) };
}
