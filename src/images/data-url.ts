import { unreadableImage } from './image-errors.ts';

/**
 * The bytes of a `data:` URL (RFC 2397), base64 or percent-encoded.
 *
 * @throws ImageError `IMAGE_UNREADABLE` when it is malformed
 */
export function bytesOfDataUrl(url: string, name: string): Uint8Array {
  const comma = url.indexOf(',');
  if (comma < 0) {
    const next = 'write data:image/png;base64, and the base64 text';
    throw unreadableImage(name, 'a data: URL without a comma', 'data:[type][;base64],data', next);
  }
  const bytes = percentDecoded(url.slice(comma + 1));
  if (!/;\s*base64\s*$/i.test(url.slice(0, comma))) return bytes;
  try {
    const binary = atob(new TextDecoder('latin1').decode(bytes));
    const decoded = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) decoded[i] = binary.charCodeAt(i);
    return decoded;
  } catch (cause) {
    const next = 'encode the bytes of the picture again';
    throw unreadableImage(name, 'a data: URL whose base64 does not decode', 'base64 text', next, cause);
  }
}

/** Percent-encoded bytes need not be UTF-8, so `decodeURIComponent` would not do. */
function percentDecoded(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const bytes = new Uint8Array(encoded.length);
  let length = 0;
  for (let i = 0; i < encoded.length; i++) {
    const high = encoded[i] === 0x25 ? hexValue(encoded[i + 1]) : -1;
    const low = high < 0 ? -1 : hexValue(encoded[i + 2]);
    if (low < 0) bytes[length++] = encoded[i]!;
    else {
      bytes[length++] = high * 16 + low;
      i += 2;
    }
  }
  return bytes.subarray(0, length);
}

function hexValue(code: number | undefined): number {
  const value = code === undefined ? NaN : parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
}
