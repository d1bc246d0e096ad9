import type { OpenFile } from '../platform.ts';

/** Bytes in memory as an open file. */
export function inMemory(bytes: Uint8Array): OpenFile {
  return { bytes, checkUnchanged: () => undefined, close: () => undefined };
}
