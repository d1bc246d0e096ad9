import { describe, expect, it } from 'vitest';
import { describeFamily, withNetwork } from '../support/describe-family.ts';

describe('VGG', () => {
  describeFamily(['vgg16', 'vgg19'], {
    pooled: { avg: 'global_average_pooling2d', max: 'global_max_pooling2d' },
  });

  it.each([
    ['vgg16', 13],
    ['vgg19', 16],
  ] as const)(
    '%s has %i convolutions of 3x3, each with its ReLU, and three dense layers',
    async (name, count) => {
      await withNetwork(name, {}, (model) => {
        const convolutions = model.layers.filter((layer) => layer.getClassName() === 'Conv2D');
        expect(convolutions).toHaveLength(count);
        for (const { weights } of convolutions) expect(weights[0]!.shape.slice(0, 2)).toEqual([3, 3]);
        const dense = model.layers.filter((layer) => layer.getClassName() === 'Dense');
        expect(dense.map((layer) => layer.weights[0]!.shape)).toEqual([
          [25088, 4096],
          [4096, 4096],
          [4096, 1000],
        ]);
      });
    },
  );
});
