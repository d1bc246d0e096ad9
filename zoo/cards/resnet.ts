import type { ModelCard } from '../card.ts';

export const resNet50: ModelCard = {
  name: 'resnet50',
  title: 'ResNet50',
  family: 'resnet',
  source: 'https://arxiv.org/abs/1512.03385',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'conv5_block3_out', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 25_636_712, noTop: 23_587_712 },
  accuracy: { top1: 74.9, top5: 92.1 },
  licence: 'MIT (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet50_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '2cb95161c43110f7111970584f804107',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: '4d473c1dd8becc155b73f8504c6f6626',
    },
  ],
};

export const resNet101: ModelCard = {
  name: 'resnet101',
  title: 'ResNet101',
  family: 'resnet',
  source: 'https://arxiv.org/abs/1512.03385',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'conv5_block3_out', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 44_707_176, noTop: 42_658_176 },
  accuracy: { top1: 76.4, top5: 92.8 },
  licence: 'MIT (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet101_weights_tf_dim_ordering_tf_kernels.h5',
      md5: 'f1aeb4b969a6efcfb50fad2f0c20cfc5',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: '88cf7a10940856eca736dc7b7e228a21',
    },
  ],
};

export const resNet152: ModelCard = {
  name: 'resnet152',
  title: 'ResNet152',
  family: 'resnet',
  source: 'https://arxiv.org/abs/1512.03385',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'conv1_conv',
  classifier: 'predictions',
  features: { layer: 'conv5_block3_out', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 60_419_944, noTop: 58_370_944 },
  accuracy: { top1: 76.6, top5: 93.1 },
  licence: 'MIT (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'resnet152_weights_tf_dim_ordering_tf_kernels.h5',
      md5: '100835be76be38e30d865e96f2aaae62',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5',
      md5: 'ee4c566cf9a93f14d82f913c2dc6dd0c',
    },
  ],
};
