/** Weights and pictures that need no file; the same arithmetic as tests/oracle/seeded_weights.py. */

function hashedUnit(index: number, seed: number): number {
  let value = (Math.imul(index, 2654435761) + Math.imul(seed, 40503)) >>> 0;
  value = (value ^ (value >>> 15)) >>> 0;
  value = Math.imul(value, 2246822519) >>> 0;
  value = (value ^ (value >>> 13)) >>> 0;
  return value / 4294967296 - 0.5;
}

/** Kernels in He's range, vectors small. */
export function seededTensor(shape: readonly number[], seed: number): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const fanIn = shape.length > 1 ? shape.slice(0, -1).reduce((product, side) => product * side, 1) : 100;
  const scale = 2 * Math.sqrt(6 / Math.max(fanIn, 1));
  return Float32Array.from({ length: size }, (_, index) => hashedUnit(index, seed) * scale);
}

/** `[height, width, 3]`, 0 to 255. */
export function seededImage(height: number, width: number, seed: number): Float32Array {
  return Float32Array.from({ length: height * width * 3 }, (_, index) =>
    Math.fround((hashedUnit(index, seed) + 0.5) * 255),
  );
}
