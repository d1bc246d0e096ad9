import { describe, expect, it } from 'vitest';
import { describeFamily, describeWeightOrder, withNetwork } from '../support/describe-family.ts';

describe('InceptionV3', () => {
  describeFamily(['inceptionv3'], {
    pooled: { avg: 'global_average_pooling2d', max: 'global_max_pooling2d' },
  });
  describeWeightOrder('inceptionv3');

  it('has no bias and no gamma before the classifier', async () => {
    await withNetwork('inceptionv3', { includeTop: false }, (model) => {
      const tensors = (kind: string) =>
        model.layers.filter((layer) => layer.getClassName() === kind).map((layer) => layer.weights.length);
      expect(tensors('Conv2D')).toEqual(Array.from({ length: 94 }, () => 1));
      expect(tensors('BatchNormalization')).toEqual(Array.from({ length: 94 }, () => 3));
    });
  });

  it('has the grids of the paper', async () => {
    await withNetwork('inceptionv3', { includeTop: false }, (model) => {
      const grid = (name: string) => (model.getLayer(name).outputShape as number[]).slice(1);
      expect(grid('mixed0')).toEqual([35, 35, 256]);
      expect(grid('mixed2')).toEqual([35, 35, 288]);
      expect(grid('mixed7')).toEqual([17, 17, 768]);
      expect(grid('mixed8')).toEqual([8, 8, 1280]);
      expect(grid('mixed10')).toEqual([8, 8, 2048]);
    });
  });
});
