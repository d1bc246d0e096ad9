import { hashWords, thumbBytes } from './picture-print.ts';

/** Numbers that are joined to groups. */
export class Groups {
  readonly #parent: Int32Array;

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, index) => index);
  }

  rootOf(item: number): number {
    let root = item;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    for (let at = item; at !== root;) {
      const next = this.#parent[at]!;
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  join(left: number, right: number): void {
    const [a, b] = [this.rootOf(left), this.rootOf(right)];
    this.#parent[Math.max(a, b)] = Math.min(a, b);
  }

  /** Groups of two and more, each in ascending order. */
  lists(): number[][] {
    const lists = new Map<number, number[]>();
    this.#parent.forEach((_, item) => {
      const root = this.rootOf(item);
      const list = lists.get(root);
      if (list === undefined) lists.set(root, [item]);
      else list.push(item);
    });
    return [...lists.values()].filter((list) => list.length > 1);
  }
}

/** Prints of many pictures, behind each other. */
export interface Prints {
  readonly hashes: Uint32Array;
  readonly thumbs: Uint8Array;
}

/**
 * Mean difference of the small pictures' values, in grey levels, above which similar hashes mean nothing: those of plain
 * pictures and of thin lines are similar by chance. Photos that are saved at quality 40 or at half the size stay below.
 */
const COLOUR_DIFFERENCE = 3;

/**
 * Joins pictures whose hashes differ in at most `distance` bits and whose small pictures have about the same colours.
 *
 * Two hashes that differ in `distance` bits agree in at least one of `distance + 1` bands of bits, so that only
 * pictures that share a band are compared: no pair is missed, and for n pictures about n comparisons are made, not n².
 *
 * @param items Which of the prints to compare.
 */
export function joinNearDuplicates(
  { hashes, thumbs }: Prints,
  items: readonly number[],
  distance: number,
  groups: Groups,
): void {
  const alike = new Map<string, number[]>();
  for (const item of items) {
    const key = hashes.subarray(item * hashWords, (item + 1) * hashWords).join();
    const list = alike.get(key);
    if (list === undefined) alike.set(key, [item]);
    else list.push(item);
  }
  const similarColours = (left: number, right: number) =>
    areColoursSimilar(thumbs, left * thumbBytes, right * thumbBytes);
  // Of pictures with the very same hash, one of each colour is compared further.
  const kinds = [...alike.values()].map((members) => joinSameHash(members, thumbs, groups));
  const bands = Math.max(distance + 1, 8);
  for (let band = 0; band < bands; band++) {
    const buckets = new Map<number, number[]>();
    kinds.forEach((members, kind) => {
      const key = bandOf(hashes, members[0]! * hashWords, band, bands);
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [kind]);
        return;
      }
      for (const other of bucket) {
        const others = kinds[other]!;
        if (!isWithin(hashes, members[0]! * hashWords, others[0]! * hashWords, distance)) continue;
        for (const left of members) {
          for (const right of others) {
            if (groups.rootOf(left) !== groups.rootOf(right) && similarColours(left, right)) {
              groups.join(left, right);
            }
          }
        }
      }
      bucket.push(kind);
    });
  }
}

/** Joins members of similar colours; returns one of each kind. */
function joinSameHash(members: number[], thumbs: Uint8Array, groups: Groups): number[] {
  if (members.length === 1) return members;
  const means = new Map(members.map((item) => [item, meanOf(thumbs, item * thumbBytes)]));
  const sorted = [...members].sort((left, right) => means.get(left)! - means.get(right)!);
  for (let first = 0; first < sorted.length; first++) {
    for (let second = first + 1; second < sorted.length; second++) {
      const [left, right] = [sorted[first]!, sorted[second]!];
      if (means.get(right)! - means.get(left)! > COLOUR_DIFFERENCE) break;
      if (groups.rootOf(left) === groups.rootOf(right)) continue;
      if (areColoursSimilar(thumbs, left * thumbBytes, right * thumbBytes)) groups.join(left, right);
    }
  }
  const seen = new Set<number>();
  return members.filter((item) => {
    const root = groups.rootOf(item);
    if (seen.has(root)) return false;
    seen.add(root);
    return true;
  });
}

/** The bits of one band, from all over the picture: neighbouring bits say about the same. */
function bandOf(hashes: Uint32Array, start: number, band: number, bands: number): number {
  let key = 0;
  for (let place = band; place < hashWords * 32; place += bands) {
    const bit = (place * 97) % (hashWords * 32);
    key = (key << 1) | ((hashes[start + (bit >>> 5)]! >>> (bit & 31)) & 1);
  }
  return key;
}

function isWithin(hashes: Uint32Array, left: number, right: number, distance: number): boolean {
  let differing = 0;
  for (let word = 0; word < hashWords; word++) {
    let bits = hashes[left + word]! ^ hashes[right + word]!;
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    differing += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    if (differing > distance) return false;
  }
  return true;
}

function areColoursSimilar(thumbs: Uint8Array, left: number, right: number): boolean {
  let difference = 0;
  for (let at = 0; at < thumbBytes; at++) {
    difference += Math.abs(thumbs[left + at]! - thumbs[right + at]!);
    if (difference > COLOUR_DIFFERENCE * thumbBytes) return false;
  }
  return true;
}

function meanOf(thumbs: Uint8Array, start: number): number {
  return thumbs.subarray(start, start + thumbBytes).reduce((sum, value) => sum + value, 0) / thumbBytes;
}
