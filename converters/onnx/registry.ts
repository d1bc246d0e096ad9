import type { LayerEmitter } from './emitter.ts';
import { activationEmitters } from './layers/activation.ts';
import { axisNormalizationEmitters } from './layers/axis-normalization.ts';
import { attentionHeadEmitters } from './layers/attention-heads.ts';
import { attentionEmitters } from './layers/attention.ts';
import { convolutionEmitters } from './layers/convolution.ts';
import { denseEmitters } from './layers/dense.ts';
import { einsumDenseEmitters } from './layers/einsum-dense.ts';
import { identityEmitters } from './layers/identity.ts';
import { maskEmitters } from './layers/masks.ts';
import { mergeEmitters } from './layers/merge.ts';
import { normalizationEmitters } from './layers/normalization.ts';
import { poolingEmitters } from './layers/pooling.ts';
import { recurrentEmitters } from './layers/recurrent.ts';
import { resamplingEmitters } from './layers/resampling.ts';
import { dotEmitters } from './layers/dot.ts';
import { embeddingEmitters } from './layers/embedding.ts';
import { preprocessingEmitters } from './layers/preprocessing.ts';
import { spectralNormalizationEmitters } from './layers/spectral-normalization.ts';
import { tensorOperationEmitters } from './layers/tensor-operation.ts';
import { shapeEmitters } from './layers/shape.ts';
import { timeDistributedEmitters } from './layers/time-distributed.ts';
import { transposedConvolutionEmitters } from './layers/transposed-convolution.ts';

const emitters = new Map<string, LayerEmitter>(
  Object.entries({
    ...activationEmitters,
    ...attentionEmitters,
    ...attentionHeadEmitters,
    ...axisNormalizationEmitters,
    ...convolutionEmitters,
    ...denseEmitters,
    ...einsumDenseEmitters,
    ...identityEmitters,
    ...maskEmitters,
    ...mergeEmitters,
    ...normalizationEmitters,
    ...poolingEmitters,
    ...recurrentEmitters,
    ...resamplingEmitters,
    ...dotEmitters,
    ...embeddingEmitters,
    ...preprocessingEmitters,
    ...spectralNormalizationEmitters,
    ...tensorOperationEmitters,
    ...shapeEmitters,
    ...timeDistributedEmitters,
    ...transposedConvolutionEmitters,
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
