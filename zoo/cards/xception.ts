import type { ModelCard } from '../card.ts';

export const xception: ModelCard = {
  name: 'xception',
  title: 'Xception',
  family: 'xception',
  source: 'https://arxiv.org/abs/1610.02357',
  inputSize: { default: 299, minimum: 71 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'block1_conv1',
  classifier: 'predictions',
  features: { layer: 'block14_sepconv2_act', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 22_910_480, noTop: 20_861_480 },
  accuracy: { top1: 79.0, top5: 94.5 },
  licence: 'MIT (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'xception_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '0a58e3b7378bc2990ea3b43d5981f1f6',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'xception_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'b0042744bf5b25fce3cb969f33bebb97',
    },
  ],
};
