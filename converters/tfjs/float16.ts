const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Largest finite half-precision number. */
export const FLOAT16_MAX = 65504;

/** A number as IEEE 754 half precision: nearest, ties to even, with subnormals, infinities and NaN. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  const source = bits[0]!;
  const sign = (source >>> 16) & 0x8000;
  const exponent = (source >>> 23) & 0xff;
  const fraction = source & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const half = exponent - 127 + 15;
  if (half >= 0x1f) return sign | 0x7c00;
  if (half >= 1) return sign | roundHalfToEven((half << 23) | fraction, 13);
  // Below 2^-14 the leading one becomes part of the fraction; below 2^-25 nothing is left.
  if (half < -10) return sign;
  return sign | roundHalfToEven(0x800000 | fraction, 14 - half);
}

/** `value / 2^shift`, nearest, ties to even. A carry runs over into the exponent, as it should. */
function roundHalfToEven(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value - floor * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor;
}
