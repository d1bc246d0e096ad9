/** What can be told about a file from its first bytes, for files whose hash nobody published. */

const hdf5Signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const htmlStart = /^(<!doctype\s+html|<html|<head|<body|<title|<meta|<script|<!--)/i;

/** Bytes that `contentProblem` wants to see: the HDF5 superblock may stand behind a user block. */
export const headLength = 4096;

/** Whether bytes begin like a web page, after a byte order mark, white space or an XML declaration. */
export function looksLikeHtml(head: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(head.subarray(0, 512));
  const start = text
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart()
    .replace(/^<\?xml[^>]*>\s*/i, '');
  return htmlStart.test(start);
}

export function isHtmlType(contentType: string | undefined): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? '');
}

/**
 * Why a complete file cannot be what its name says, or `undefined` when nothing speaks against it. Knows `.h5`
 * and `.hdf5` (signature, and the length that the superblock states), `.keras` and `.zip`, `.json`.
 */
export function contentProblem(fileName: string, head: Uint8Array, size: number): string | undefined {
  if (size === 0) return 'it is empty';
  if (looksLikeHtml(head)) return 'it is a web page (HTML)';
  const extension = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension === 'h5' || extension === 'hdf5') return hdf5Problem(head, size);
  if ((extension === 'keras' || extension === 'zip') && !startsWith(head, 0, [0x50, 0x4b])) {
    return 'it does not begin like a zip archive';
  }
  if (extension === 'json' && !/^\s*[[{]/.test(new TextDecoder().decode(head).replace(/^\ufeff/, ''))) {
    return 'it does not begin like JSON';
  }
  return undefined;
}

function hdf5Problem(head: Uint8Array, size: number): string | undefined {
  const start = [0, 512, 1024, 2048].find((offset) => startsWith(head, offset, hdf5Signature));
  if (start === undefined) return 'it does not begin with the HDF5 signature';
  const stated = hdf5Length(head.subarray(start));
  if (stated !== undefined && start + stated > size) {
    return `it ends after ${size} bytes, but its HDF5 header states ${start + stated}`;
  }
  return undefined;
}

/** End-of-file address of the superblock (HDF5 file format specification, II.A), versions 0 to 3. */
function hdf5Length(superblock: Uint8Array): number | undefined {
  const version = superblock[8];
  const modern = version === 2 || version === 3;
  const offsetSize = superblock[modern ? 9 : 13];
  if (version === undefined || version > 3 || offsetSize !== 8) return undefined;
  const at = modern ? 28 : version === 1 ? 44 : 40;
  if (superblock.length < at + 8) return undefined;
  const view = new DataView(superblock.buffer, superblock.byteOffset, superblock.byteLength);
  return Number(view.getBigUint64(at, true));
}

function startsWith(bytes: Uint8Array, offset: number, expected: readonly number[]): boolean {
  return expected.every((value, index) => bytes[offset + index] === value);
}
