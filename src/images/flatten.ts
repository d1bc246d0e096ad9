import type { Pixels } from '../base/types.ts';

/** RGB of 1 (grey), 3 (RGB) or 4 (RGBA) interleaved channels; alpha is laid on white, rounded to the nearest level. */
export function toRgb(
  data: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: 1 | 3 | 4,
): Pixels {
  const count = width * height;
  if (channels === 3)
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
  const rgb = new Uint8Array(count * 3);
  if (channels === 1) {
    for (let i = 0, to = 0; i < count; i++, to += 3) rgb[to] = rgb[to + 1] = rgb[to + 2] = data[i]!;
    return { data: rgb, width, height };
  }
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    const white = 255 * (255 - alpha) + 127;
    rgb[to] = (data[from]! * alpha + white) / 255;
    rgb[to + 1] = (data[from + 1]! * alpha + white) / 255;
    rgb[to + 2] = (data[from + 2]! * alpha + white) / 255;
  }
  return { data: rgb, width, height };
}

/** RGB of CMYK where 255 is full ink: `(255 - ink) * (255 - black) / 255`, as Pillow and Keras convert it. */
export function cmykToRgb(data: Uint8Array, width: number, height: number): Pixels {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const light = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) rgb[to + c] = light - divideBy255(data[from + c]! * light);
  }
  return { data: rgb, width, height };
}

/** `round(value / 255)` for a product of two bytes. */
function divideBy255(value: number): number {
  const biased = value + 128;
  return ((biased >> 8) + biased) >> 8;
}
