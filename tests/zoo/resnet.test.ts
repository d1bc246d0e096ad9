import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { zooReference } from '../support/zoo-reference.ts';
import { describeFamily, withNetwork } from '../support/describe-family.ts';

const named = { avg: 'avg_pool', max: 'max_pool' };

describe('ResNet', () => {
  describeFamily(['resnet50', 'resnet101', 'resnet152'], { pooled: named });
});
describe('ResNetV2', () => {
  describeFamily(['resnet50v2', 'resnet101v2', 'resnet152v2'], { pooled: named });
});

/** Layers with a stride of 2 behind the stem. */
const halving = (model: tf.LayersModel) =>
  model.layers
    .filter((layer) => (layer.getConfig().strides as number[] | undefined)?.[0] === 2)
    .map((layer) => layer.name)
    .filter((name) => /^(conv[2-5]|max_pooling)/.test(name));

describe('where ResNet50 halves the sides', () => {
  it('is the first 1x1 convolution of a stage and its shortcut', async () => {
    await withNetwork('resnet50', {}, (model) => {
      expect(halving(model).toSorted()).toEqual(
        [3, 4, 5].flatMap((stage) => [`conv${stage}_block1_0_conv`, `conv${stage}_block1_1_conv`]),
      );
    });
  });
  it('is, in V2, the 3x3 convolution of the last block of a stage and the pool beside it', async () => {
    await withNetwork('resnet50v2', {}, (model) => {
      expect(halving(model).toSorted()).toEqual([
        'conv2_block3_2_conv',
        'conv3_block4_2_conv',
        'conv4_block6_2_conv',
        'max_pooling2d',
        'max_pooling2d_1',
        'max_pooling2d_2',
      ]);
    });
  });
});

describe('biases', () => {
  it('are everywhere in ResNet50, and in V2 in the stem, the shortcuts and the widening convolutions', async () => {
    const unbiased = (model: tf.LayersModel) =>
      model.layers.filter((layer) => layer.getConfig().useBias === false).map((layer) => layer.name);
    await withNetwork('resnet50', {}, (model) => expect(unbiased(model)).toEqual([]));
    await withNetwork('resnet50v2', {}, (model) => {
      const names = unbiased(model);
      expect(names).toHaveLength(32);
      for (const name of names) expect(name).toMatch(/^conv[2-5]_block\d_[12]_conv$/);
    });
  });
});

describe.skipIf(zooReference === undefined)('the order of the weights', () => {
  it.each([
    ['resnet50', 'ResNet50_firstTwoBlocks'],
    ['resnet50v2', 'ResNet50V2_firstTwoBlocks'],
  ] as const)('of the first two blocks of %s is that of the reference', async (name, key) => {
    const expected = zooReference!.weightLayerOrder[key]!;
    await withNetwork(name, {}, (model) => {
      const names = model.layers.filter((layer) => layer.weights.length > 0).map((layer) => layer.name);
      expect(names.slice(0, expected.length)).toEqual(expected);
    });
  });
});
