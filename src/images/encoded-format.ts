/** What encoded bytes are, told from their first bytes alone; nothing is decoded. */
export type EncodedFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'bmp' | 'tiff' | 'avif';

export type Sniffed =
  | { readonly format: EncodedFormat }
  /** `description` completes "this is ...". */
  | { readonly format: undefined; readonly description: string };

/** Width and height in pixels, as the header states them, before any EXIF rotation. */
export interface HeaderSize {
  readonly width: number;
  readonly height: number;
  /** Samples a pixel; stated for JPEG only, where 4 means CMYK. */
  readonly components?: number;
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}

function startsWith(bytes: Uint8Array, ...signature: number[]): boolean {
  return signature.every((value, i) => bytes[i] === value);
}

/** Recognises the picture formats that are read, and names what else it sees. */
export function sniffFormat(bytes: Uint8Array): Sniffed {
  if (startsWith(bytes, 0xff, 0xd8, 0xff)) return { format: 'jpeg' };
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return { format: 'png' };
  const head = ascii(bytes, 0, 16);
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return { format: 'gif' };
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return { format: 'webp' };
  if (startsWith(bytes, 0x49, 0x49, 0x2a, 0) || startsWith(bytes, 0x4d, 0x4d, 0, 0x2a))
    return { format: 'tiff' };
  if (startsWith(bytes, 0x49, 0x49, 0x2b, 0) || startsWith(bytes, 0x4d, 0x4d, 0, 0x2b))
    return { format: 'tiff' };
  if (
    head.startsWith('BM') &&
    bytes.length >= 26 &&
    [12, 40, 52, 56, 64, 108, 124].includes(u32le(bytes, 14))
  ) {
    return { format: 'bmp' };
  }
  if (head.slice(4, 8) === 'ftyp') return sniffBox(head.slice(8, 12));
  return { format: undefined, description: describeOther(bytes, head) };
}

function sniffBox(brand: string): Sniffed {
  if (brand === 'avif' || brand === 'avis') return { format: 'avif' };
  if (['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1'].includes(brand)) {
    return { format: undefined, description: 'a HEIC photo (HEVC), whose codec is not included' };
  }
  return { format: undefined, description: `a video or another media container (brand "${brand.trim()}")` };
}

const OTHERS: readonly (readonly [signature: string, description: string])[] = [
  ['%PDF', 'a PDF document'],
  ['PK\x03\x04', 'a ZIP archive or an Office document'],
  ['\x1f\x8b', 'a gzip archive'],
  ['\x89HDF', 'an HDF5 file, perhaps a Keras model'],
  ['8BPS', 'a Photoshop document'],
  ['\0\0\x01\0', 'an ICO icon'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL picture'],
  ['\xff\x0a', 'a JPEG XL picture'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 picture'],
  ['\x1aE\xdf\xa3', 'a Matroska or WebM video'],
  ['RIFF', 'an audio or video file (RIFF)'],
  ['P5', 'a PNM picture'],
  ['P6', 'a PNM picture'],
  ['version https://git-lfs', 'a Git LFS pointer, not the picture itself (run git lfs pull)'],
];

function describeOther(bytes: Uint8Array, head: string): string {
  const text = textOf(bytes);
  if (text !== undefined) {
    const start = text.trimStart().toLowerCase();
    if (/^(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body)/.test(start)) return 'an HTML page';
    if (/<svg[\s>]/.test(start)) return 'an SVG drawing, which has no pixels of its own';
    if (start.startsWith('<?xml')) return 'an XML document';
  }
  const beginning = ascii(bytes, 0, 24);
  for (const [signature, description] of OTHERS) if (beginning.startsWith(signature)) return description;
  if (text !== undefined) {
    const shown = text.trim().replace(/\s+/g, ' ').slice(0, 40);
    return `text that begins with ${JSON.stringify(shown)}`;
  }
  if (bytes.subarray(0, 4096).every((value) => value === 0)) return 'nothing but zeros';
  return `of no known picture format (first bytes: ${hex(head)})`;
}

/** The first 1024 bytes when they are text in UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    // `stream` lets the cut fall inside a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, 1024), { stream: true });
    // eslint-disable-next-line no-control-regex -- control characters are what tells binary from text
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function hex(head: string): string {
  return [...head.slice(0, 8)].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
}

function u16be(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
function u16le(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
function u24le(bytes: Uint8Array, at: number): number {
  return u16le(bytes, at) | ((bytes[at + 2] ?? 0) << 16);
}
function u32le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at) | (u16le(bytes, at + 2) << 16)) >>> 0;
}
function u32be(bytes: Uint8Array, at: number): number {
  return ((u16be(bytes, at) << 16) | u16be(bytes, at + 2)) >>> 0;
}

/**
 * The size that the header states, so that a bomb is refused before its pixels are unpacked.
 * `undefined` when the header is damaged, or for TIFF and AVIF, whose sizes lie deeper; their decoders are asked.
 */
export function headerSize(bytes: Uint8Array, format: EncodedFormat): HeaderSize | undefined {
  switch (format) {
    case 'png':
      return bytes.length < 24 ? undefined : { width: u32be(bytes, 16), height: u32be(bytes, 20) };
    case 'gif':
      return bytes.length < 10 ? undefined : { width: u16le(bytes, 6), height: u16le(bytes, 8) };
    case 'bmp':
      return bmpSize(bytes);
    case 'webp':
      return webpSize(bytes);
    case 'jpeg':
      return jpegSize(bytes);
    case 'tiff':
    case 'avif':
      return undefined;
  }
}

function bmpSize(bytes: Uint8Array): HeaderSize {
  if (u32le(bytes, 14) === 12) return { width: u16le(bytes, 18), height: u16le(bytes, 20) };
  return { width: Math.abs(u32le(bytes, 18) | 0), height: Math.abs(u32le(bytes, 22) | 0) };
}

function webpSize(bytes: Uint8Array): HeaderSize | undefined {
  if (bytes.length < 30) return undefined;
  switch (ascii(bytes, 12, 4)) {
    case 'VP8 ':
      return { width: u16le(bytes, 26) & 0x3fff, height: u16le(bytes, 28) & 0x3fff };
    case 'VP8L': {
      const bits = u32le(bytes, 21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { width: u24le(bytes, 24) + 1, height: u24le(bytes, 27) + 1 };
    default:
      return undefined;
  }
}

/** Walks the segments up to the frame header (SOF0 to SOF15 without DHT, JPG and DAC). */
function jpegSize(bytes: Uint8Array): HeaderSize | undefined {
  let at = 2;
  while (at + 10 <= bytes.length) {
    if (bytes[at] !== 0xff) {
      at++;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: u16be(bytes, at + 7), height: u16be(bytes, at + 5), components: bytes[at + 9] };
    } else if (marker === 0xd9 || marker === 0xda) return undefined;
    else if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + u16be(bytes, at + 2);
  }
  return undefined;
}
