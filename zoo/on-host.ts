import * as tf from '@tensorflow/tfjs';

/**
 * Runs `make` with tfjs's cpu backend, which keeps tensors as plain arrays. Tensors made there move to the program's
 * own backend when, and if, an operation needs them: a network can be built and filled without a copy of its weights
 * on a device, and zeros that are replaced before they are read take no memory at all.
 *
 * `make` must not await anything: the backend is the whole program's.
 */
export function onHost<Result>(make: () => Result): Result {
  const engine = tf.engine();
  const previous = engine.backendName;
  // Without a backend yet there is none to go back to.
  if (previous === undefined || previous === 'cpu' || tf.findBackend('cpu') === null) return make();
  // Both changes are done when the calls return: these backends are up already.
  void engine.setBackend('cpu');
  try {
    return make();
  } finally {
    void engine.setBackend(previous);
  }
}
