import { describe, expect, it } from 'vitest';
import { describeFamily, describeWeightOrder, withNetwork } from '../support/describe-family.ts';

describe('Xception', () => {
  describeFamily(['xception'], {
    pooled: { avg: 'global_average_pooling2d', max: 'global_max_pooling2d' },
  });
  describeWeightOrder('xception');

  it('numbers the shortcuts that Keras leaves unnamed', async () => {
    await withNetwork('xception', { includeTop: false }, (model) => {
      const shortcuts = model.layers.filter((layer) => /^conv2d(_\d+)?$/.test(layer.name));
      expect(shortcuts.map((layer) => [layer.name, (layer.outputShape as number[])[3]])).toEqual([
        ['conv2d', 128],
        ['conv2d_1', 256],
        ['conv2d_2', 728],
        ['conv2d_3', 1024],
      ]);
    });
  });
});
