import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

const folder = new URL('./goldens/', import.meta.url);

export interface DecodingCase {
  file: string;
  rule: string;
  tolerance: number;
  width: number;
  height: number;
  rgb: string;
}

export function goldenBytes(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, folder)));
}

export function goldenPath(file: string): URL {
  return new URL(file, folder);
}

export function goldenJson<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T;
}

/** Undoes `packed` of tests/oracle/images.py. */
export function unpack(text: string): Uint8Array {
  return new Uint8Array(inflateSync(Buffer.from(text, 'base64')));
}

export function unpackFloats(text: string): Float32Array {
  const bytes = unpack(text);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Largest difference of two arrays; they must be of one length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
