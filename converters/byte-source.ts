import type { ByteSource } from '../src/base/types.ts';

/** What the readers take: bytes in memory, or a source of which they read what they need. */
export type ModelBytes = Uint8Array | ByteSource;

export function sourceOf(bytes: ModelBytes): ByteSource {
  if (!(bytes instanceof Uint8Array)) return bytes;
  return {
    size: bytes.length,
    read: (target, position) => target.set(bytes.subarray(position, position + target.length)),
  };
}

/** At most `length` bytes from `position` on, fewer at the end. */
export function readPart(source: ByteSource, position: number, length: number): Uint8Array<ArrayBuffer> {
  const part = new Uint8Array(Math.max(0, Math.min(length, source.size - position)));
  if (part.length > 0) source.read(part, position);
  return part;
}

/** All bytes; those that are in memory already are not copied. */
export function wholeOf(bytes: ModelBytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : readPart(bytes, 0, bytes.size);
}

/** Several sources, one behind the other, as one. */
export function joined(sources: readonly ByteSource[]): ByteSource {
  const ends: number[] = [];
  for (const { size } of sources) ends.push((ends.at(-1) ?? 0) + size);
  return {
    size: ends.at(-1) ?? 0,
    read: (target, position) => {
      let done = 0;
      sources.forEach((source, i) => {
        const start = ends[i]! - source.size;
        const at = position + done - start;
        if (done === target.length || at < 0 || at >= source.size) return;
        const part = target.subarray(done, done + Math.min(target.length - done, source.size - at));
        source.read(part, at);
        done += part.length;
      });
    },
  };
}
