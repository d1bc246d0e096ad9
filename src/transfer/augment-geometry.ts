import type { Pixels } from '../base/types.ts';

/** A part of a picture, in whole pixels, and how it is mirrored. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly mirrored: boolean;
  readonly upsideDown: boolean;
}

/** The part, pixel by pixel. */
export function cutPlain(pixels: Pixels, crop: Crop): Pixels {
  const { left, top, width, height, mirrored, upsideDown } = crop;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = (top + (upsideDown ? height - 1 - y : y)) * pixels.width;
    for (let x = 0; x < width; x++) {
      const source = (row + left + (mirrored ? width - 1 - x : x)) * 3;
      const target = (y * width + x) * 3;
      data[target] = pixels.data[source]!;
      data[target + 1] = pixels.data[source + 1]!;
      data[target + 2] = pixels.data[source + 2]!;
    }
  }
  return { data, width, height };
}

/**
 * The part, turned about its centre, bilinear between four pixels. Beyond its edges the picture goes on as in a mirror.
 *
 * @param angle In radians.
 */
export function cutTurned(pixels: Pixels, crop: Crop, angle: number): Pixels {
  const { left, top, width, height, mirrored, upsideDown } = crop;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const fromMiddleY = (upsideDown ? height - 1 - y : y) - middleY;
    for (let x = 0; x < width; x++) {
      const fromMiddleX = (mirrored ? width - 1 - x : x) - middleX;
      const sourceX = left + middleX + cosine * fromMiddleX - sine * fromMiddleY;
      const sourceY = top + middleY + sine * fromMiddleX + cosine * fromMiddleY;
      const [floorX, floorY] = [Math.floor(sourceX), Math.floor(sourceY)];
      const [shareX, shareY] = [sourceX - floorX, sourceY - floorY];
      const x0 = reflect(floorX, pixels.width);
      const x1 = reflect(floorX + 1, pixels.width);
      const row0 = reflect(floorY, pixels.height) * pixels.width;
      const row1 = reflect(floorY + 1, pixels.height) * pixels.width;
      const target = (y * width + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const at = (place: number) => pixels.data[place * 3 + channel]!;
        const upper = at(row0 + x0) * (1 - shareX) + at(row0 + x1) * shareX;
        const lower = at(row1 + x0) * (1 - shareX) + at(row1 + x1) * shareX;
        data[target + channel] = Math.round(upper * (1 - shareY) + lower * shareY);
      }
    }
  }
  return { data, width, height };
}

/** ... 1 0 | 0 1 2 | 2 1 ... */
function reflect(place: number, size: number): number {
  const around = ((place % (2 * size)) + 2 * size) % (2 * size);
  return around < size ? around : 2 * size - 1 - around;
}
