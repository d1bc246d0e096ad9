import type { ModelCard, WeightFile } from '../card.ts';

const folder = 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/';

/**
 * The files of a network. Without top they are those of Keras 2.8 and later (`_v2`); the earlier ones go on to `conv_2`.
 */
function filesOf(network: string, { top, noTop }: { top: string; noTop: string }): WeightFile[] {
  const file = (variant: 'top' | 'noTop', ending: string, md5: string): WeightFile => {
    const fileName = `weights_mobilenet_v3_${network}_float${ending}.h5`;
    return { variant, url: folder + fileName, fileName, inputSize: 224, md5 };
  };
  return [file('top', '', top), file('noTop', '_no_top_v2', noTop)];
}

const shared = {
  family: 'mobilenet-v3',
  source: 'https://arxiv.org/abs/1905.02244',
  inputSize: { default: 224, minimum: 32 },
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 224 / 256 },
  preprocessing: 'none',
  builtinPreprocessing: 'tf',
  options: ['alpha', 'dropout', 'minimalistic', 'includePreprocessing'],
  firstConvolution: 'conv',
  classifier: 'logits',
  labels: 'imagenet',
  licence: 'not stated by the publisher (weights)',
} as const;

export const mobileNetV3Small: ModelCard = {
  ...shared,
  name: 'mobilenetv3small',
  title: 'MobileNetV3Small',
  features: { layer: 'activation_17', width: 576 },
  parameters: { top: 2_554_968, noTop: 939_120 },
  accuracy: { top1: 68.076, top5: 87.8 },
  weights: filesOf('small_224_1.0', {
    top: '8768d4c2e7dee89b9d02b2d03d65d862',
    noTop: 'd3e8ec802a04aa4fc771ee12a9a9b836',
  }),
  variants: [
    {
      alpha: 0.75,
      parameters: { top: 2_051_552, noTop: 583_160 },
      features: { layer: 'activation_17', width: 432 },
      accuracy: { top1: 65.4 },
      weights: filesOf('small_224_0.75', {
        top: 'cb65d4e5be93758266aa0a7f2c6708b7',
        noTop: 'ebdb5cc8e0b497cd13a7c275d475c819',
      }),
    },
    {
      alpha: 1,
      minimalistic: true,
      parameters: { top: 2_056_848, noTop: 441_000 },
      features: { layer: 're_lu_22', width: 576 },
      accuracy: { top1: 61.9 },
      weights: filesOf('small_minimalistic_224_1.0', {
        top: '99cd97fb2fcdad2bf028eb838de69e37',
        noTop: 'cde8136e733e811080d9fcd8a252f7e4',
      }),
    },
  ],
};

export const mobileNetV3Large: ModelCard = {
  ...shared,
  name: 'mobilenetv3large',
  title: 'MobileNetV3Large',
  features: { layer: 'activation_19', width: 960 },
  parameters: { top: 5_507_432, noTop: 2_996_352 },
  accuracy: { top1: 75.556, top5: 92.708 },
  weights: filesOf('large_224_1.0', {
    top: '59e551e166be033d707958cf9e29a6a7',
    noTop: '07fb09a5933dd0c8eaafa16978110389',
  }),
  variants: [
    {
      alpha: 0.75,
      parameters: { top: 4_012_616, noTop: 1_808_736 },
      features: { layer: 'activation_19', width: 720 },
      accuracy: { top1: 73.3 },
      weights: filesOf('large_224_0.75', {
        top: '765b44a33ad4005b3ac83185abf1d0eb',
        noTop: '40af19a13ebea4e2ee0c676887f69a2e',
      }),
    },
    {
      alpha: 1,
      minimalistic: true,
      parameters: { top: 3_948_688, noTop: 1_437_608 },
      features: { layer: 're_lu_30', width: 960 },
      accuracy: { top1: 72.3 },
      weights: filesOf('large_minimalistic_224_1.0', {
        top: '675e7b876c45c57e9e63e6d90a36599c',
        noTop: 'ec5221f64a2f6d1ef965a614bdae7973',
      }),
    },
  ],
};
