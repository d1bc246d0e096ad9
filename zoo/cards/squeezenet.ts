import type { ModelCard } from '../card.ts';

const shared = {
  family: 'squeezenet',
  inputSize: { default: 227, minimum: 48 },
  // Caffe's protocol, by which the published accuracy is measured: stretched to 256 x 256, then the centre 227 x 227.
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 227 / 256 },
  preprocessing: 'caffe',
  firstConvolution: 'conv1',
  classifier: 'conv10',
  features: { layer: 'fire9/concat', width: 512 },
  labels: 'imagenet',
} as const;

/** SqueezeNet v1.1, as published by rcmalli/keras-squeezenet. */
export const squeezenet11: ModelCard = {
  ...shared,
  name: 'squeezenet',
  title: 'SqueezeNet v1.1',
  source: 'https://arxiv.org/abs/1602.07360 and the SqueezeNet repository (v1.1)',
  parameters: { top: 1_235_496, noTop: 722_496 },
  accuracy: { note: 'top-5 at least 80.3 % (Caffe model, per its README)' },
  licence: 'MIT (weights, rcmalli/keras-squeezenet)',
  weights: [
    {
      variant: 'top',
      url: 'https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/squeezenet_weights_tf_dim_ordering_tf_kernels.h5',
      fileName: 'squeezenet_weights_tf_dim_ordering_tf_kernels.h5',
    },
    {
      variant: 'noTop',
      url: 'https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5',
      fileName: 'squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5',
      size: 3_002_560,
      sha256: '17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da',
    },
  ],
};

/** SqueezeNet v1.0: nobody publishes its weights in Keras's format. */
export const squeezenet10: ModelCard = {
  ...shared,
  name: 'squeezenet1.0',
  title: 'SqueezeNet v1.0',
  source: 'https://arxiv.org/abs/1602.07360 (table 1)',
  parameters: { top: 1_248_424, noTop: 735_424 },
  accuracy: { note: 'top-1 57.5 %, top-5 80.3 % in the paper (Caffe model)' },
  licence: 'no published weights',
  weights: [],
};
