export interface Shard {
  /** File name, `group1-shard1of3.bin`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The names of the files that `total` bytes fill. */
export function shardNames(total: number, shardSizeBytes: number): string[] {
  const count = Math.ceil(total / shardSizeBytes);
  return Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
}

/**
 * The chunks one behind the other, cut into pieces of `shardSizeBytes`; `total` is the size of all.
 *
 * @param reuse Whether the bytes of a shard may be overwritten as soon as the second one after it is asked for.
 */
export function* toShards(
  chunks: Iterable<Uint8Array>,
  total: number,
  shardSizeBytes: number,
  reuse = false,
): Generator<Shard> {
  const names = shardNames(total, shardSizeBytes);
  let index = 0;
  const sizeOf = (shard: number) => Math.min(shardSizeBytes, total - shard * shardSizeBytes);
  const buffers: ArrayBuffer[] = [];
  const bufferOf = (shard: number): Uint8Array => {
    const size = Math.max(0, sizeOf(shard));
    if (!reuse) return new Uint8Array(size);
    // All but the last have the same size.
    buffers[shard % 2] ??= new ArrayBuffer(size);
    return new Uint8Array(buffers[shard % 2]!, 0, size);
  };
  let bytes = bufferOf(0);
  let filled = 0;
  for (const chunk of chunks) {
    for (let taken = 0; taken < chunk.length;) {
      const part = chunk.subarray(taken, taken + bytes.length - filled);
      bytes.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled < bytes.length) continue;
      yield { name: names[index]!, bytes };
      index += 1;
      filled = 0;
      bytes = bufferOf(index);
    }
  }
}
