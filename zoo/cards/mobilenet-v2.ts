import type { ModelCard } from '../card.ts';

export const mobileNetV2: ModelCard = {
  name: 'mobilenetv2',
  title: 'MobileNetV2',
  family: 'mobilenet-v2',
  source: 'https://arxiv.org/abs/1801.04381',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'Conv1',
  classifier: 'predictions',
  features: { layer: 'out_relu', width: 1280 },
  labels: 'imagenet',
  parameters: { top: 3_538_984, noTop: 2_257_984 },
  accuracy: { top1: 71.3, top5: 90.1 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5',
      fileName: 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5',
      fileName: 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5',
    },
  ],
};
