import type { ModelCard } from '../card.ts';

export const denseNet121: ModelCard = {
  name: 'densenet121',
  title: 'DenseNet121',
  family: 'densenet',
  source: 'https://arxiv.org/abs/1608.06993',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'torch',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'relu', width: 1024 },
  labels: 'imagenet',
  parameters: { top: 8_062_504, noTop: 7_037_504 },
  accuracy: { top1: 75.0, top5: 92.3 },
  licence: 'BSD-3-Clause (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'densenet121_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '9d60b8095a5708f2dcce2bca79d332c7',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: '30ee3e1110167f948a6b9946edeeb738',
    },
  ],
};

export const denseNet169: ModelCard = {
  name: 'densenet169',
  title: 'DenseNet169',
  family: 'densenet',
  source: 'https://arxiv.org/abs/1608.06993',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'torch',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'relu', width: 1664 },
  labels: 'imagenet',
  parameters: { top: 14_307_880, noTop: 12_642_880 },
  accuracy: { top1: 76.2, top5: 93.2 },
  licence: 'BSD-3-Clause (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'densenet169_weights_tf_dim_ordering_tf_kernels.h5',
      md5: 'd699b8f76981ab1b30698df4c175e90b',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'b8c4d4c20dd625c148057b9ff1c1176b',
    },
  ],
};

export const denseNet201: ModelCard = {
  name: 'densenet201',
  title: 'DenseNet201',
  family: 'densenet',
  source: 'https://arxiv.org/abs/1608.06993',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'torch',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'relu', width: 1920 },
  labels: 'imagenet',
  parameters: { top: 20_242_984, noTop: 18_321_984 },
  accuracy: { top1: 77.3, top5: 93.6 },
  licence: 'BSD-3-Clause (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'densenet201_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '1ceb130c1ea1b78c3bf6114dbdfd8807',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'c13680b51ded0fb44dff2d8f86ac8bb1',
    },
  ],
};
