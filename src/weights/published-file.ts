import type { RemoteFile } from '../platform.ts';

/** What tells bytes from the file that they should be. */
export interface Mismatch {
  readonly given: string;
  readonly expected: string;
}

export interface CheckedBytes {
  readonly bytes: Uint8Array;
  readonly problem: Mismatch | undefined;
}

/**
 * How bytes differ from the file that they should be, by size and SHA-256, or MD5 where only that is known; undefined when
 * they do not.
 */
export async function mismatch(
  bytes: Uint8Array,
  { size, sha256, md5 }: Pick<RemoteFile, 'size' | 'sha256' | 'md5'>,
): Promise<Mismatch | undefined> {
  if (size !== undefined && bytes.length !== size) {
    return { given: `${bytes.length} bytes`, expected: `${size} bytes` };
  }
  if (sha256 !== undefined) return differing('SHA-256', await sha256Of(bytes), sha256);
  if (md5 === undefined) return undefined;
  const { md5: hash } = await import('@noble/hashes/legacy');
  return differing('MD5', hash(bytes), md5);
}

/** Pages without https have no `crypto.subtle`. */
async function sha256Of(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle !== undefined)
    return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const { sha256 } = await import('@noble/hashes/sha2');
  return sha256(bytes);
}

function differing(kind: string, digest: Uint8Array, expected: string): Mismatch | undefined {
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return found === expected.toLowerCase()
    ? undefined
    : { given: `${kind} ${found}`, expected: `${kind} ${expected}` };
}
