import { bmvbhash } from 'blockhash-core';
import type { Pixels } from '../base/types.ts';
import { resizePixels } from '../images/resize.ts';

/** Bits of a print's side: 256 bits in all. */
const BITS = 16;
/** Pixels of the side that the hash is computed on: each bit has a block of 4 x 4. */
const SIDE = 4 * BITS;
/** Of the small picture that is kept to compare colours by. */
const THUMB = 8;

export const hashWords = (BITS * BITS) / 32;
export const thumbBytes = THUMB * THUMB * 3;

/** What a picture looks like, in 224 bytes. */
export interface PicturePrint {
  /** Perceptual hash (blockhash), 8 words of 32 bits. */
  readonly hash: Uint32Array;
  /** 8 x 8 pixels, RGB. */
  readonly thumb: Uint8Array;
}

/** The size in which a picture has to come. */
export const printSize = SIDE;

/** @param pixels `printSize` x `printSize`. */
export function printOf(pixels: Pixels): PicturePrint {
  const { data } = pixels;
  const rgba = new Uint8Array(SIDE * SIDE * 4).fill(255);
  for (let at = 0, to = 0; at < data.length; at += 3, to += 4) {
    rgba[to] = data[at]!;
    rgba[to + 1] = data[at + 1]!;
    rgba[to + 2] = data[at + 2]!;
  }
  const hex = bmvbhash({ data: rgba, width: SIDE, height: SIDE }, BITS);
  const hash = Uint32Array.from({ length: hashWords }, (_, word) =>
    parseInt(hex.slice(word * 8, word * 8 + 8), 16),
  );
  return { hash, thumb: resizePixels(pixels, { width: THUMB, height: THUMB }).data };
}
