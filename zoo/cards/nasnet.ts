import type { ModelCard } from '../card.ts';

export const nasnetMobile: ModelCard = {
  name: 'nasnetmobile',
  title: 'NASNetMobile',
  family: 'nasnet',
  source: 'https://arxiv.org/abs/1707.07012',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'stem_conv1',
  classifier: 'predictions',
  features: { layer: 'activation_187', width: 1056 },
  labels: 'imagenet',
  parameters: { top: 5_326_716, noTop: 4_269_716 },
  accuracy: { top1: 74.4, top5: 91.9 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-mobile.h5',
      fileName: 'NASNet-mobile.h5',
      md5: '020fb642bf7360b370c678b08e0adf61',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-mobile-no-top.h5',
      fileName: 'NASNet-mobile-no-top.h5',
      md5: '1ed92395b5b598bdda52abe5c0dbfd63',
    },
  ],
};

export const nasnetLarge: ModelCard = {
  name: 'nasnetlarge',
  title: 'NASNetLarge',
  family: 'nasnet',
  source: 'https://arxiv.org/abs/1707.07012',
  inputSize: { default: 331, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  firstConvolution: 'stem_conv1',
  classifier: 'predictions',
  features: { layer: 'activation_259', width: 4032 },
  labels: 'imagenet',
  parameters: { top: 88_949_818, noTop: 84_916_818 },
  accuracy: { top1: 82.5, top5: 96.0 },
  licence: 'Apache-2.0 (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-large.h5',
      fileName: 'NASNet-large.h5',
      md5: '11577c9a518f0070763c2b964a382f17',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-large-no-top.h5',
      fileName: 'NASNet-large-no-top.h5',
      md5: 'd81d89dc07e6e56530c4e77faddd61b5',
    },
  ],
};
