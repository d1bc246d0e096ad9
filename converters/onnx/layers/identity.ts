import type { LayerEmitter } from '../emitter.ts';
import { inputOf } from '../emitter.ts';

/** What does nothing at inference. */
const identity: LayerEmitter = { emit: (call) => inputOf(call) };

export const identityEmitters: Readonly<Record<string, LayerEmitter>> = {
  Dropout: identity,
  SpatialDropout1D: identity,
  SpatialDropout2D: identity,
  SpatialDropout3D: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  AlphaDropout: identity,
  ActivityRegularization: identity,
  StochasticDepth: identity,
};
