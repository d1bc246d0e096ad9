/**
 * Weights and pictures that need no file, the same as in tests/oracle/zoo_weights.py, where the formula is told.
 */

/** -0.5 to 0.5, exact in Python and in JavaScript. */
function hashedUnit(index, seed) {
  let value = (Math.imul(index, 2654435761) + Math.imul(seed, 40503)) | 0;
  value ^= value >>> 15;
  value = Math.imul(value, 2246822519);
  value ^= value >>> 13;
  return (value >>> 0) / 4294967296 - 0.5;
}

function hashed(count, seed, middle, factor) {
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) values[index] = middle + factor * hashedUnit(index, seed);
  return values;
}

const product = (sizes) => sizes.reduce((all, size) => all * size, 1);

function roleOf(index, shapes) {
  const rank = shapes[index].length;
  if (rank === 0) return 'count';
  if (rank >= 2) return 'kernel';
  if (shapes.some((shape) => shape.length >= 2)) return 'bias';
  if (shapes.length === 4) return ['gamma', 'beta', 'mean', 'variance'][index];
  if (shapes.length === 3)
    return (shapes[2].length === 0 ? ['mean', 'variance'] : ['beta', 'mean', 'variance'])[index];
  return ['gamma', 'beta'][index];
}

const RANGES = { gamma: [1, 0.4], variance: [1, 1], beta: [0, 0.5], bias: [0, 0.5], mean: [0, 0.5] };

function seededTensor(role, shape, seed, gain) {
  if (role === 'count') return Int32Array.of(1);
  if (role !== 'kernel') return hashed(product(shape), seed, ...RANGES[role]);
  const fanIn = product(shape.at(-1) === 1 ? shape.slice(0, 2) : shape.slice(0, -1));
  return hashed(product(shape), seed, 0, 2 * gain * Math.sqrt(6 / fanIn));
}

/** Layers in order, nested models opened. */
export function* leafLayers(layers) {
  for (const layer of layers) {
    if (Array.isArray(layer.layers)) yield* leafLayers(layer.layers);
    else yield layer;
  }
}

/** Fills a tf.LayersModel; `gain` is in the network's golden. The tensors that it makes are its weights. */
export function fillWithSeededWeights(tf, model, gain) {
  let seed = 0;
  for (const layer of leafLayers(model.layers)) {
    const shapes = layer.weights.map((weight) => weight.shape);
    if (shapes.length === 0) continue;
    const tensors = shapes.map((shape, index) => {
      const role = roleOf(index, shapes);
      return tf.tensor(
        seededTensor(role, shape, seed + index, gain),
        shape,
        role === 'count' ? 'int32' : 'float32',
      );
    });
    layer.setWeights(tensors);
    tf.dispose(tensors);
    seed += shapes.length;
  }
}

/**
 * Two pictures `[2, height, width, 3]` that differ much: tiles of 16 x 16 pixels, and noise that darkens towards the
 * upper left corner. 0 to 255 for networks that prepare them themselves, else -1 to 1.
 */
export function seededPictures([height, width, channels], builtinPreprocessing) {
  const byte = (index, seed) => Math.fround((hashedUnit(index, seed) + 0.5) * 255);
  const across = Math.ceil(width / 16);
  const pictures = new Float32Array(2 * height * width * channels);
  let at = 0;
  for (const picture of ['tiles', 'noise']) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        for (let channel = 0; channel < channels; channel++) {
          const tile = (row >> 4) * across + (column >> 4);
          const value =
            picture === 'tiles'
              ? byte(tile * channels + channel, 7)
              : Math.fround(
                  byte((row * width + column) * channels + channel, 8) *
                    ((row + column) / (height + width - 2)),
                );
          pictures[at++] = builtinPreprocessing ? value : Math.fround(value / 127.5) - 1;
        }
      }
    }
  }
  return pictures;
}

/** The places of a feature map that a golden keeps. */
export function sampledPlaces(count, size) {
  return Array.from({ length: count }, (_, index) => Math.floor((hashedUnit(index, 5) + 0.5) * size));
}
