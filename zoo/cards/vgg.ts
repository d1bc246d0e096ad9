import type { ModelCard } from '../card.ts';

export const vgg16: ModelCard = {
  name: 'vgg16',
  title: 'VGG16',
  family: 'vgg',
  source: 'https://arxiv.org/abs/1409.1556',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'block1_conv1',
  classifier: 'predictions',
  features: { layer: 'block5_pool', width: 512 },
  labels: 'imagenet',
  parameters: { top: 138_357_544, noTop: 14_714_688 },
  accuracy: { top1: 71.3, top5: 90.1 },
  licence: 'CC-BY-4.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'vgg16_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '64373286793e3c8b2b4e3219cbf3544b',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: '6d6bbae143d832006294945121d1f1fc',
    },
  ],
};

export const vgg19: ModelCard = {
  name: 'vgg19',
  title: 'VGG19',
  family: 'vgg',
  source: 'https://arxiv.org/abs/1409.1556',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'block1_conv1',
  classifier: 'predictions',
  features: { layer: 'block5_pool', width: 512 },
  labels: 'imagenet',
  parameters: { top: 143_667_240, noTop: 20_024_384 },
  accuracy: { top1: 71.3, top5: 90.0 },
  licence: 'CC-BY-4.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'vgg19_weights_tf_dim_ordering_tf_kernels.h5',
      md5: 'cbe5617147190e668d6c5d5026f83318',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: '253f8cb515780f3b799900260a226db6',
    },
  ],
};
