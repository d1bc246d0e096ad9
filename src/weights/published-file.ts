import type { RemoteFile } from '../platform.ts';

/**
 * How bytes differ from the file that they should be, by size and SHA-256 where these are known; undefined when they do
 * not. The hash is left out on web pages without https, which have none.
 */
export async function mismatch(
  bytes: Uint8Array,
  { size, sha256 }: Pick<RemoteFile, 'size' | 'sha256'>,
): Promise<{ given: string; expected: string } | undefined> {
  if (size !== undefined && bytes.length !== size) {
    return { given: `${bytes.length} bytes`, expected: `${size} bytes` };
  }
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (sha256 === undefined || subtle === undefined) return undefined;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return found === sha256.toLowerCase()
    ? undefined
    : { given: `SHA-256 ${found}`, expected: `SHA-256 ${sha256}` };
}
