import type { ModelCard } from '../card.ts';

export const inceptionV3: ModelCard = {
  name: 'inceptionv3',
  title: 'InceptionV3',
  family: 'inception-v3',
  source: 'https://arxiv.org/abs/1512.00567',
  inputSize: { default: 299, minimum: 75 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv2d',
  classifier: 'predictions',
  features: { layer: 'mixed10', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 23_851_784, noTop: 21_802_784 },
  accuracy: { top1: 77.9, top5: 93.7 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'inception_v3_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '9a0d58056eeedaa3f26cb7ebd46da564',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'bcbd6486424b2319ff4ef7d526e38f63',
    },
  ],
};
