import type { ModelCard } from '../card.ts';

export const mobileNetV3Small: ModelCard = {
  name: 'mobilenetv3small',
  title: 'MobileNetV3Small',
  family: 'mobilenet-v3',
  source: 'https://arxiv.org/abs/1905.02244',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'none',
  builtinPreprocessing: 'tf',
  options: ['includePreprocessing'],
  firstConvolution: 'conv',
  classifier: 'logits',
  features: { layer: 'TODO', width: 576 },
  labels: 'imagenet',
  parameters: { top: 2_554_968, noTop: 939_120 },
  accuracy: { top1: 68.076, top5: 87.8 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5',
      fileName: 'weights_mobilenet_v3_small_224_1.0_float.h5',
      md5: '8768d4c2e7dee89b9d02b2d03d65d862',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5',
      fileName: 'weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5',
      md5: 'd3e8ec802a04aa4fc771ee12a9a9b836',
    },
  ],
};

export const mobileNetV3Large: ModelCard = {
  name: 'mobilenetv3large',
  title: 'MobileNetV3Large',
  family: 'mobilenet-v3',
  source: 'https://arxiv.org/abs/1905.02244',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'none',
  builtinPreprocessing: 'tf',
  options: ['includePreprocessing'],
  firstConvolution: 'conv',
  classifier: 'logits',
  features: { layer: 'TODO', width: 960 },
  labels: 'imagenet',
  parameters: { top: 5_507_432, noTop: 2_996_352 },
  accuracy: { top1: 75.556, top5: 92.708 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float.h5',
      fileName: 'weights_mobilenet_v3_large_224_1.0_float.h5',
      md5: '59e551e166be033d707958cf9e29a6a7',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5',
      fileName: 'weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5',
      md5: '07fb09a5933dd0c8eaafa16978110389',
    },
  ],
};
