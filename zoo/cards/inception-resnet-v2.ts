import type { ModelCard } from '../card.ts';

export const inceptionResNetV2: ModelCard = {
  name: 'inceptionresnetv2',
  title: 'InceptionResNetV2',
  family: 'inception-resnet-v2',
  source: 'https://arxiv.org/abs/1602.07261',
  inputSize: { default: 299, minimum: 75 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv2d',
  classifier: 'predictions',
  features: { layer: 'conv_7b_ac', width: 1536 },
  labels: 'imagenet',
  parameters: { top: 55_873_736, noTop: 54_336_736 },
  accuracy: { top1: 80.3, top5: 95.3 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5',
      md5: 'e693bd0210a403b3192acc6073ad2e96',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'd19885ff4a710c122648d3b5c3b684e4',
    },
  ],
};
