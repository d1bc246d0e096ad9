import type { ModelCard } from '../card.ts';

export const resNet50V2: ModelCard = {
  name: 'resnet50v2',
  title: 'ResNet50V2',
  family: 'resnet-v2',
  source: 'https://arxiv.org/abs/1603.05027',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'post_relu', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 25_613_800, noTop: 23_564_800 },
  accuracy: { top1: 76.0, top5: 93.0 },
  licence: 'BSD (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet50v2_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '3ef43a0b657b3be2300d5770ece849e0',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'fac2f116257151a9d068a22e544a4917',
    },
  ],
};

export const resNet101V2: ModelCard = {
  name: 'resnet101v2',
  title: 'ResNet101V2',
  family: 'resnet-v2',
  source: 'https://arxiv.org/abs/1603.05027',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'post_relu', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 44_675_560, noTop: 42_626_560 },
  accuracy: { top1: 77.2, top5: 93.8 },
  licence: 'BSD (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet101v2_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '6343647c601c52e1368623803854d971',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'c0ed64b8031c3730f411d2eb4eea35b5',
    },
  ],
};

export const resNet152V2: ModelCard = {
  name: 'resnet152v2',
  title: 'ResNet152V2',
  family: 'resnet-v2',
  source: 'https://arxiv.org/abs/1603.05027',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'post_relu', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 60_380_648, noTop: 58_331_648 },
  accuracy: { top1: 78.0, top5: 94.2 },
  licence: 'BSD (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet152v2_weights_tf_dim_ordering_tf_kernels.h5',
      md5: 'a49b44d1979771252814e80f8ec446f9',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'ed17cf2e0169df9d443503ef94b23b33',
    },
  ],
};
