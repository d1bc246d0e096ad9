import type { LayerEmitter } from './emitter.ts';
import { activationEmitters } from './layers/activation.ts';
import { convolutionEmitters } from './layers/convolution.ts';
import { denseEmitters } from './layers/dense.ts';
import { identityEmitters } from './layers/identity.ts';
import { mergeEmitters } from './layers/merge.ts';
import { normalizationEmitters } from './layers/normalization.ts';
import { poolingEmitters } from './layers/pooling.ts';
import { resamplingEmitters } from './layers/resampling.ts';
import { shapeEmitters } from './layers/shape.ts';

const emitters = new Map<string, LayerEmitter>(
  Object.entries({
    ...activationEmitters,
    ...convolutionEmitters,
    ...denseEmitters,
    ...identityEmitters,
    ...mergeEmitters,
    ...normalizationEmitters,
    ...poolingEmitters,
    ...resamplingEmitters,
    ...shapeEmitters,
  }),
);

/** Teaches the writer a layer class, or replaces what it does for one. */
export function registerOnnxLayer(className: string, emitter: LayerEmitter): void {
  emitters.set(className, emitter);
}

export function emitterOf(className: string): LayerEmitter | undefined {
  return emitters.get(className);
}

/** Names of the layer classes that can be written, sorted. InputLayer and nested models come on top. */
export function onnxLayerNames(): string[] {
  return [...emitters.keys()].sort();
}
