/** Bytes of decoded pictures that wait for their resizing, all together: 64 million pixels of RGB. */
const ROOM = 192 * 2 ** 20;

let taken = 0;
const waiting: { readonly bytes: number; readonly start: () => void }[] = [];

/**
 * Runs `work`, which holds about `bytes`, once there is room: pictures are decoded in other threads while the network
 * keeps this one, and photos of 12 million pixels each would pile up. A picture that is larger than the room runs alone.
 */
export async function inDecodeRoom<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
  const own = Math.min(bytes, ROOM);
  if (taken + own > ROOM || waiting.length > 0) {
    // Whoever starts it has counted it.
    await new Promise<void>((start) => waiting.push({ bytes: own, start }));
  } else taken += own;
  try {
    return await work();
  } finally {
    taken -= own;
    while (waiting.length > 0 && taken + waiting[0]!.bytes <= ROOM) {
      const next = waiting.shift()!;
      taken += next.bytes;
      next.start();
    }
  }
}
