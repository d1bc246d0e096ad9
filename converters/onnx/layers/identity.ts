import type { LayerEmitter } from '../emitter.ts';
import { inputOf } from '../emitter.ts';

/** What does nothing at inference. */
const identity: LayerEmitter = { emit: (call) => inputOf(call), takesIntegers: true };

export const identityEmitters: Readonly<Record<string, LayerEmitter>> = {
  Identity: identity,
  Dropout: identity,
  SpatialDropout1D: identity,
  SpatialDropout2D: identity,
  SpatialDropout3D: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  AlphaDropout: identity,
  ActivityRegularization: identity,
  StochasticDepth: identity,
  AugMix: identity,
  CutMix: identity,
  MixUp: identity,
  RandAugment: identity,
  RandomBrightness: identity,
  RandomColorDegeneration: identity,
  RandomColorJitter: identity,
  RandomContrast: identity,
  RandomElasticTransform: identity,
  RandomErasing: identity,
  RandomFlip: identity,
  RandomGaussianBlur: identity,
  RandomGrayscale: identity,
  RandomHue: identity,
  RandomInvert: identity,
  RandomPerspective: identity,
  RandomPosterization: identity,
  RandomRotation: identity,
  RandomSaturation: identity,
  RandomSharpness: identity,
  RandomShear: identity,
  RandomTranslation: identity,
  RandomZoom: identity,
};
