export interface Shard {
  /** File name, `group1-shard1of3.bin`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The chunks one behind the other, cut into pieces of `shardSizeBytes`. */
export function toShards(chunks: readonly Uint8Array[], shardSizeBytes: number): Shard[] {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const count = Math.ceil(total / shardSizeBytes);
  const pieces = Array.from(
    { length: count },
    (_, i) => new Uint8Array(Math.min(shardSizeBytes, total - i * shardSizeBytes)),
  );
  let position = 0;
  for (const chunk of chunks) {
    for (let taken = 0; taken < chunk.length;) {
      const within = position % shardSizeBytes;
      const piece = pieces[Math.floor(position / shardSizeBytes)]!;
      const part = chunk.subarray(taken, taken + piece.length - within);
      piece.set(part, within);
      taken += part.length;
      position += part.length;
    }
  }
  return pieces.map((bytes, i) => ({ name: `group1-shard${i + 1}of${count}.bin`, bytes }));
}
