import type { ModelCard, WeightFile } from '../card.ts';

const folder = 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/';
/** Sides of the pictures that each width was trained on; the first is the default. */
const sizes = [224, 192, 160, 128];

/** The files of a width, which their names spell `2_5`, `5_0`, `7_5` or `1_0`. Keras publishes no hashes of them. */
function filesOf(width: string): WeightFile[] {
  return sizes.flatMap((inputSize) => {
    const file = (variant: 'top' | 'noTop', ending: string): WeightFile => {
      const fileName = `mobilenet_${width}_${inputSize}_tf${ending}.h5`;
      return { variant, url: folder + fileName, fileName, inputSize };
    };
    return [file('top', ''), file('noTop', '_no_top')];
  });
}

const features = 'conv_pw_13_relu';

export const mobileNet: ModelCard = {
  name: 'mobilenet',
  title: 'MobileNet',
  family: 'mobilenet',
  source: 'https://arxiv.org/abs/1704.04861',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  options: ['alpha', 'depthMultiplier', 'dropout'],
  firstConvolution: 'conv1',
  classifier: 'conv_preds',
  features: { layer: features, width: 1024 },
  labels: 'imagenet',
  parameters: { top: 4_253_864, noTop: 3_228_864 },
  accuracy: { top1: 70.4, top5: 89.5 },
  licence: 'Apache-2.0 (weights)',
  weights: filesOf('1_0'),
  variants: [
    {
      alpha: 0.25,
      parameters: { top: 475_544, noTop: 218_544 },
      features: { layer: features, width: 256 },
      accuracy: { top1: 51.582, top5: 75.792 },
      weights: filesOf('2_5'),
    },
    {
      alpha: 0.5,
      parameters: { top: 1_342_536, noTop: 829_536 },
      features: { layer: features, width: 512 },
      accuracy: { top1: 64.292, top5: 85.624 },
      weights: filesOf('5_0'),
    },
    {
      alpha: 0.75,
      parameters: { top: 2_601_976, noTop: 1_832_976 },
      features: { layer: features, width: 768 },
      accuracy: { top1: 68.412, top5: 88.242 },
      weights: filesOf('7_5'),
    },
  ],
};
