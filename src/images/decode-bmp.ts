import type { Pixels } from '../base/types.ts';
import { unreadableImage } from './image-errors.ts';
import { toRgb } from './flatten.ts';

const UNCOMPRESSED = 0;
const BIT_FIELDS = 3;
const ALPHA_BIT_FIELDS = 6;

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  readonly pixelsAt: number;
  readonly palette: Uint8Array;
  readonly paletteEntryBytes: 3 | 4;
  /** Red, green, blue, alpha; for 16 and 32 bits. */
  readonly masks: readonly [number, number, number, number];
}

/**
 * Decodes an uncompressed Windows or OS/2 bitmap of 1, 4, 8, 16, 24 or 32 bits a pixel, because libvips does not.
 * The fourth byte of 32 bits is alpha only where the header says so with a mask and not all of it is 0.
 *
 * @throws ImageError `IMAGE_UNREADABLE` when it is truncated, damaged or run-length encoded
 */
export function decodeBmp(bytes: Uint8Array, name: string): Pixels {
  const header = readHeader(bytes, name);
  const { width, height, bits, topDown, pixelsAt } = header;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (pixelsAt + rowBytes * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length) {
    throw unreadableImage(
      name,
      `a BMP file of ${bytes.length} bytes for ${width} x ${height} pixels of ${bits} bits`,
      `at least ${pixelsAt + rowBytes * height} bytes`,
      'the file is cut off: copy or download it again',
    );
  }
  const rgba = new Uint8Array(width * height * 4);
  const readRow = bits <= 8 ? paletteRow : bits === 24 ? bgrRow : maskedRow;
  for (let y = 0; y < height; y++) {
    const row = topDown ? y : height - 1 - y;
    readRow(bytes, pixelsAt + row * rowBytes, header, rgba.subarray(y * width * 4, (y + 1) * width * 4));
  }
  if (bits !== 24 && bits > 8) makeOpaqueWhereAlphaIsUnused(rgba);
  return toRgb(rgba, width, height, 4);
}

function readHeader(bytes: Uint8Array, name: string): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = (what: string): never => {
    throw unreadableImage(
      name,
      `a BMP file with ${what}`,
      'an uncompressed BMP',
      'save it again as PNG or JPEG',
    );
  };
  const headerBytes = view.getUint32(14, true);
  const old = headerBytes === 12;
  if (bytes.length < 14 + headerBytes) damaged('a header that is cut off');
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? UNCOMPRESSED : view.getUint32(30, true);
  if (width < 1 || height < 1) damaged(`a size of ${width} x ${height}`);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) damaged(`${bits} bits a pixel`);
  const hasMasks = compression === BIT_FIELDS || compression === ALPHA_BIT_FIELDS;
  if (compression !== UNCOMPRESSED && !(hasMasks && bits >= 16)) damaged(`compression method ${compression}`);

  // A 40-byte header has its masks behind it, a longer one inside; both are at byte 54.
  const masksBehind = hasMasks && headerBytes === 40 ? (compression === ALPHA_BIT_FIELDS ? 16 : 12) : 0;
  if (bytes.length < 14 + headerBytes + masksBehind) damaged('colour masks that are cut off');
  const mask = (i: number): number => view.getUint32(54 + 4 * i, true);
  const alphaMask = headerBytes >= 56 || compression === ALPHA_BIT_FIELDS ? 3 : undefined;
  const masks: BmpHeader['masks'] = hasMasks
    ? [mask(0), mask(1), mask(2), alphaMask === undefined ? 0 : mask(alphaMask)]
    : bits === 16
      ? [0x7c00, 0x03e0, 0x001f, 0]
      : [0xff0000, 0x00ff00, 0x0000ff, 0];

  const paletteEntryBytes = old ? 3 : 4;
  const colours = bits > 8 ? 0 : (old ? 0 : view.getUint32(46, true)) || 2 ** bits;
  const paletteAt = 14 + headerBytes + masksBehind;
  const palette = bytes.subarray(paletteAt, paletteAt + Math.min(colours, 256) * paletteEntryBytes);
  const pixelsAt = view.getUint32(10, true);
  const topDown = signedHeight < 0;
  return { width, height, topDown, bits, compression, pixelsAt, palette, paletteEntryBytes, masks };
}

function paletteRow(bytes: Uint8Array, at: number, header: BmpHeader, out: Uint8Array): void {
  const { bits, palette, paletteEntryBytes } = header;
  const perByte = 8 / bits;
  for (let x = 0, to = 0; to < out.length; x++, to += 4) {
    const shift = 8 - bits * ((x % perByte) + 1);
    const entry = ((bytes[at + Math.floor(x / perByte)]! >> shift) & (2 ** bits - 1)) * paletteEntryBytes;
    out[to] = palette[entry + 2] ?? 0;
    out[to + 1] = palette[entry + 1] ?? 0;
    out[to + 2] = palette[entry] ?? 0;
    out[to + 3] = 255;
  }
}

function bgrRow(bytes: Uint8Array, at: number, _header: BmpHeader, out: Uint8Array): void {
  for (let from = at, to = 0; to < out.length; from += 3, to += 4) {
    out[to] = bytes[from + 2]!;
    out[to + 1] = bytes[from + 1]!;
    out[to + 2] = bytes[from]!;
    out[to + 3] = 255;
  }
}

function maskedRow(bytes: Uint8Array, at: number, header: BmpHeader, out: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const step = header.bits / 8;
  const fields = header.masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, max: mask >>> shift };
  });
  for (let from = at, to = 0; to < out.length; from += step, to += 4) {
    const value = step === 2 ? view.getUint16(from, true) : view.getUint32(from, true);
    fields.forEach(({ mask, shift, max }, c) => {
      out[to + c] = max === 0 ? 0 : Math.round((((value & mask) >>> shift) * 255) / max);
    });
  }
}

function makeOpaqueWhereAlphaIsUnused(rgba: Uint8Array): void {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 0) return;
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
}
