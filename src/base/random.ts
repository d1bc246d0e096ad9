/**
 * A small repeatable generator (mulberry32, public domain by its author). Returns numbers in [0, 1).
 * Not for secrets.
 */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A new array with the items in random order (Fisher-Yates). */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as Item, result[last] as Item];
  }
  return result;
}

/** One seed out of several numbers: other numbers, or the same in another order, give another seed. */
export function joinSeeds(...parts: readonly number[]): number {
  let state = 0x811c9dc5;
  for (const part of parts) {
    const random = createRandom((state ^ Math.imul(part + 1, 0x9e3779b1)) >>> 0);
    state = Math.floor(random() * 4294967296);
  }
  return state;
}

/** A seed out of a text, 32 bits (FNV-1a): to tell texts apart, not to guard against those that are made to look the same. */
export function hashText(text: string, seed = 0): number {
  let mixed = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed >>> 0;
}

/** Runs `action`, which does not wait, with `random` in the place of `Math.random`: tfjs's Dropout draws from it. */
export function withMathRandom<Result>(random: () => number, action: () => Result): Result {
  const original = Math.random;
  Math.random = random;
  try {
    return action();
  } finally {
    Math.random = original;
  }
}
