import type { ModelCard } from '../card.ts';

export const mobileNet: ModelCard = {
  name: 'mobilenet',
  title: 'MobileNet',
  family: 'mobilenet',
  source: 'https://arxiv.org/abs/1704.04861',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'conv1',
  classifier: 'conv_preds',
  features: { layer: 'conv_pw_13_relu', width: 1024 },
  labels: 'imagenet',
  parameters: { top: 4_253_864, noTop: 3_228_864 },
  accuracy: { top1: 70.4, top5: 89.5 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf.h5',
      fileName: 'mobilenet_1_0_224_tf.h5',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf_no_top.h5',
      fileName: 'mobilenet_1_0_224_tf_no_top.h5',
    },
  ],
};
