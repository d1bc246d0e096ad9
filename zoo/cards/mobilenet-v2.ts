import type { ModelCard, WeightFile } from '../card.ts';

const folder = 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/';
/** Sides of the pictures that each width was trained on; the first is the default. */
const sizes = [224, 192, 160, 128, 96];

/** The files of a width, as their names spell it. Keras publishes no hashes of them. */
function filesOf(alpha: string): WeightFile[] {
  return sizes.flatMap((inputSize) => {
    const file = (variant: 'top' | 'noTop', ending: string): WeightFile => {
      const fileName = `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_${alpha}_${inputSize}${ending}.h5`;
      return { variant, url: folder + fileName, fileName, inputSize };
    };
    return [file('top', ''), file('noTop', '_no_top')];
  });
}

const features = 'out_relu';

export const mobileNetV2: ModelCard = {
  name: 'mobilenetv2',
  title: 'MobileNetV2',
  family: 'mobilenet-v2',
  source: 'https://arxiv.org/abs/1801.04381',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'tf',
  options: ['alpha'],
  firstConvolution: 'Conv1',
  classifier: 'predictions',
  features: { layer: features, width: 1280 },
  labels: 'imagenet',
  parameters: { top: 3_538_984, noTop: 2_257_984 },
  accuracy: { top1: 71.3, top5: 90.1 },
  licence: 'Apache-2.0 (weights)',
  weights: filesOf('1.0'),
  variants: [
    {
      alpha: 0.35,
      parameters: { top: 1_691_208, noTop: 410_208 },
      features: { layer: features, width: 1280 },
      accuracy: { top1: 60.086, top5: 82.432 },
      weights: filesOf('0.35'),
    },
    {
      alpha: 0.5,
      parameters: { top: 1_987_224, noTop: 706_224 },
      features: { layer: features, width: 1280 },
      accuracy: { top1: 65.194, top5: 86.062 },
      weights: filesOf('0.5'),
    },
    {
      alpha: 0.75,
      parameters: { top: 2_663_064, noTop: 1_382_064 },
      features: { layer: features, width: 1280 },
      accuracy: { top1: 69.532, top5: 89.176 },
      weights: filesOf('0.75'),
    },
    {
      alpha: 1.3,
      parameters: { top: 5_431_048, noTop: 3_766_048 },
      features: { layer: features, width: 1664 },
      accuracy: { top1: 74.68, top5: 92.122 },
      weights: filesOf('1.3'),
    },
    {
      alpha: 1.4,
      parameters: { top: 6_156_712, noTop: 4_363_712 },
      features: { layer: features, width: 1792 },
      accuracy: { top1: 75.23, top5: 92.422 },
      weights: filesOf('1.4'),
    },
  ],
};
