import { loadSharp } from './decode.node.ts';

/** Grey (one channel) or RGB, 8 bits, row by row. */
export interface PngPixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * The bytes of a PNG file.
 *
 * @param resizedWidth The picture is scaled to this width. Default: its own.
 * @throws ImageError `IMAGE_DECODER` (sharp does not load)
 */
export async function encodePng(
  { data, width, height, channels }: PngPixels,
  resizedWidth = width,
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const picture = sharp(data, { raw: { width, height, channels } }).resize({ width: resizedWidth });
  const png = await (channels === 1 ? picture.toColourspace('b-w') : picture).png().toBuffer();
  return new Uint8Array(png.buffer, png.byteOffset, png.byteLength);
}
