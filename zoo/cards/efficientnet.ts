import type { ModelCard } from '../card.ts';

export const efficientNetB0: ModelCard = {
  name: 'efficientnetb0',
  title: 'EfficientNetB0',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 224 / 256 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 1280 },
  labels: 'imagenet',
  parameters: { top: 5_330_571, noTop: 4_049_571 },
  accuracy: { top1: 77.1, top5: 93.3 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb0.h5',
      fileName: 'efficientnetb0.h5',
      md5: '902e53a9f72be733fc0bcb005b3ebbac',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5',
      fileName: 'efficientnetb0_notop.h5',
      md5: '50bc09e76180e00e4465e1a485ddc09d',
    },
  ],
};

export const efficientNetB1: ModelCard = {
  name: 'efficientnetb1',
  title: 'EfficientNetB1',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 240, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 240 / 272 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 1280 },
  labels: 'imagenet',
  parameters: { top: 7_856_239, noTop: 6_575_239 },
  accuracy: { top1: 79.1, top5: 94.4 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb1.h5',
      fileName: 'efficientnetb1.h5',
      md5: '1d254153d4ab51201f1646940f018540',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb1_notop.h5',
      fileName: 'efficientnetb1_notop.h5',
      md5: '74c4e6b3e1f6a1eea24c589628592432',
    },
  ],
};

export const efficientNetB2: ModelCard = {
  name: 'efficientnetb2',
  title: 'EfficientNetB2',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 260, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 260 / 292 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 1408 },
  labels: 'imagenet',
  parameters: { top: 9_177_569, noTop: 7_768_569 },
  accuracy: { top1: 80.1, top5: 94.9 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb2.h5',
      fileName: 'efficientnetb2.h5',
      md5: 'b15cce36ff4dcbd00b6dd88e7857a6ad',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb2_notop.h5',
      fileName: 'efficientnetb2_notop.h5',
      md5: '111f8e2ac8aa800a7a99e3239f7bfb39',
    },
  ],
};

export const efficientNetB3: ModelCard = {
  name: 'efficientnetb3',
  title: 'EfficientNetB3',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 300, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 300 / 332 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 1536 },
  labels: 'imagenet',
  parameters: { top: 12_320_535, noTop: 10_783_535 },
  accuracy: { top1: 81.6, top5: 95.7 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb3.h5',
      fileName: 'efficientnetb3.h5',
      md5: 'ffd1fdc53d0ce67064dc6a9c7960ede0',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb3_notop.h5',
      fileName: 'efficientnetb3_notop.h5',
      md5: 'af6d107764bb5b1abb91932881670226',
    },
  ],
};

export const efficientNetB4: ModelCard = {
  name: 'efficientnetb4',
  title: 'EfficientNetB4',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 380, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 380 / 412 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 1792 },
  labels: 'imagenet',
  parameters: { top: 19_466_823, noTop: 17_673_823 },
  accuracy: { top1: 82.9, top5: 96.4 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb4.h5',
      fileName: 'efficientnetb4.h5',
      md5: '18c95ad55216b8f92d7e70b3a046e2fc',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb4_notop.h5',
      fileName: 'efficientnetb4_notop.h5',
      md5: 'ebc24e6d6c33eaebbd558eafbeedf1ba',
    },
  ],
};

export const efficientNetB5: ModelCard = {
  name: 'efficientnetb5',
  title: 'EfficientNetB5',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 456, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 456 / 488 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 2048 },
  labels: 'imagenet',
  parameters: { top: 30_562_527, noTop: 28_513_527 },
  accuracy: { top1: 83.6, top5: 96.7 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb5.h5',
      fileName: 'efficientnetb5.h5',
      md5: 'ace28f2a6363774853a83a0b21b9421a',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb5_notop.h5',
      fileName: 'efficientnetb5_notop.h5',
      md5: '38879255a25d3c92d5e44e04ae6cec6f',
    },
  ],
};

export const efficientNetB6: ModelCard = {
  name: 'efficientnetb6',
  title: 'EfficientNetB6',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 528, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 528 / 560 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 2304 },
  labels: 'imagenet',
  parameters: { top: 43_265_143, noTop: 40_960_143 },
  accuracy: { top1: 84.0, top5: 96.8 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb6.h5',
      fileName: 'efficientnetb6.h5',
      md5: '165f6e37dce68623721b423839de8be5',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb6_notop.h5',
      fileName: 'efficientnetb6_notop.h5',
      md5: '9ecce42647a20130c1f39a5d4cb75743',
    },
  ],
};

export const efficientNetB7: ModelCard = {
  name: 'efficientnetb7',
  title: 'EfficientNetB7',
  family: 'efficientnet',
  source: 'https://arxiv.org/abs/1905.11946',
  inputSize: { default: 600, minimum: 32 },
  resize: { mode: 'cover', filter: 'bicubic', cropFraction: 600 / 632 },
  preprocessing: 'none',
  firstConvolution: 'stem_conv',
  classifier: 'predictions',
  features: { layer: 'top_activation', width: 2560 },
  labels: 'imagenet',
  parameters: { top: 66_658_687, noTop: 64_097_687 },
  accuracy: { top1: 84.3, top5: 97.0 },
  licence: 'not stated by the publisher (weights)',
  weights: [
    {
      variant: 'top',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb7.h5',
      fileName: 'efficientnetb7.h5',
      md5: '8c03f828fec3ef71311cd463b6759d99',
    },
    {
      variant: 'noTop',
      url: 'https://storage.googleapis.com/keras-applications/efficientnetb7_notop.h5',
      fileName: 'efficientnetb7_notop.h5',
      md5: 'cbcfe4450ddf6f3ad90b1b398090fe4a',
    },
  ],
};
