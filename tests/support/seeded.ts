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

/**
 * A weight by its Keras name, so that deep networks with BatchNormalization neither die nor explode, nor magnify
 * rounding: kernels in 0.85 of He's range (depthwise ones by their window alone), gammas 0.8 to 1.2, variances 0.5 to
 * 1.5, betas -1 to 1, other vectors -0.25 to 0.25.
 */
export function seededWeight(name: string, shape: readonly number[], seed: number): Float32Array {
  const product = (sides: readonly number[]) => sides.reduce((all, side) => all * side, 1);
  const [middle, range] = rangeOf(name, (first) => product(shape.slice(0, first)));
  return Float32Array.from(
    { length: product(shape) },
    (_, index) => middle + range * hashedUnit(index, seed),
  );
}

function rangeOf(name: string, fanIn: (axes: number) => number): [middle: number, range: number] {
  if (name.endsWith('kernel')) return [0, 1.7 * Math.sqrt(6 / fanIn(name.startsWith('depthwise') ? 2 : -1))];
  if (name === 'gamma') return [1, 0.4];
  return name === 'moving_variance' ? [1, 1] : [0, name === 'beta' ? 2 : 0.5];
}

/** Numbers that lie nearly as a normal distribution of deviation 1 does: sums of twelve even ones. */
export function hashedNormal(count: number, seed: number): Float32Array {
  const parts = Array.from({ length: 12 }, (_, part) => 100 * seed + part);
  return Float32Array.from({ length: count }, (_, index) =>
    parts.reduce((sum, part) => sum + hashedUnit(index, part), 0),
  );
}

/** `[height, width, 3]`, 0 to 255. */
export function seededImage(height: number, width: number, seed: number): Float32Array {
  return Float32Array.from({ length: height * width * 3 }, (_, index) =>
    Math.fround((hashedUnit(index, seed) + 0.5) * 255),
  );
}
