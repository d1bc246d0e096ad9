import { createHash } from 'node:crypto';

/**
 * Random numbers that depend on the seed and a key alone, so that a picture stays the same whatever else is drawn.
 *
 * @param {number} seed
 * @param {string} key
 */
export function createRandom(seed, key) {
  let count = 0;
  const block = () =>
    createHash('sha256')
      .update(JSON.stringify([seed, key, count++]))
      .digest();
  /** A number of at least `low` and below `high`. */
  const between = (low, high) => low + (high - low) * (block().readUInt32LE(0) / 2 ** 32);
  return {
    between,
    /** One of the items. */
    pick: (items) => items[Math.floor(between(0, items.length))],
    /** Random bytes. */
    bytes: (length) => {
      const blocks = Array.from({ length: Math.ceil(length / 32) }, block);
      return Buffer.concat(blocks).subarray(0, length);
    },
  };
}
