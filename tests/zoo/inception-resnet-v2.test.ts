import { describe, expect, it } from 'vitest';
import { describeFamily, describeWeightOrder, withNetwork } from '../support/describe-family.ts';

describe('InceptionResNetV2', () => {
  describeFamily(['inceptionresnetv2'], {
    pooled: { avg: 'global_average_pooling2d', max: 'global_max_pooling2d' },
  });
  describeWeightOrder('inceptionresnetv2');

  it('scales the residuals of its 40 blocks by 0.17, 0.1, 0.2 and 1', async () => {
    await withNetwork('inceptionresnetv2', { includeTop: false }, (model) => {
      const scales = model.layers
        .filter((layer) => layer.name.startsWith('custom_scale_layer'))
        .map((layer) => layer.getConfig()['scale']);
      expect(scales).toEqual([
        ...Array.from({ length: 10 }, () => 0.17),
        ...Array.from({ length: 20 }, () => 0.1),
        ...Array.from({ length: 9 }, () => 0.2),
        1,
      ]);
    });
  });

  it('has a bias where there is no normalisation, and nowhere else', async () => {
    await withNetwork('inceptionresnetv2', { includeTop: false }, (model) => {
      const convolutions = model.layers.filter((layer) => layer.getClassName() === 'Conv2D');
      const biased = convolutions.filter((layer) => layer.weights.length === 2);
      expect(convolutions.length).toBe(244);
      expect(biased.length).toBe(40);
      expect(biased.every((layer) => /^block(35|17|8)_\d+_conv$/.test(layer.name))).toBe(true);
    });
  });

  it('ends its last block without an activation', async () => {
    await withNetwork('inceptionresnetv2', { includeTop: false }, (model) => {
      const names = new Set(model.layers.map((layer) => layer.name));
      expect(names.has('block8_9_ac')).toBe(true);
      expect(names.has('block8_10_ac')).toBe(false);
    });
  });
});
