import { describeConverted, describeFineTuned } from '../support/describe-converted.ts';

/** One network of each family. */
const names = [
  'squeezenet',
  'vgg16',
  'resnet50',
  'resnet50v2',
  'inceptionv3',
  'inceptionresnetv2',
  'xception',
  'densenet121',
  'mobilenet',
  'mobilenetv2',
  'nasnetmobile',
  'efficientnetb0',
  'efficientnetv2b0',
  'convnexttiny',
];

for (const name of names) {
  describeConverted(name);
  describeFineTuned(name);
}
