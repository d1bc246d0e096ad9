import { describe, expect, it } from 'vitest';
import { findModel } from '../../zoo/registry.ts';
import { describeFamily, withNetwork } from '../support/describe-family.ts';

describe('DenseNet', () => {
  describeFamily(['densenet121', 'densenet169', 'densenet201'], {
    pooled: { avg: 'avg_pool', max: 'max_pool' },
  });

  it('has a bias nowhere but in the classifier', async () => {
    await withNetwork('densenet121', {}, (model) => {
      const biased = model.layers.filter((layer) =>
        layer.weights.some(({ originalName }) => /bias/.test(originalName)),
      );
      expect(biased.map((layer) => layer.name)).toEqual(['predictions']);
    });
  });

  it.each([
    ['densenet121', [256, 512, 1024]],
    ['densenet169', [256, 512, 1280]],
    ['densenet201', [256, 512, 1792]],
  ] as const)('halves the channels of %s in each transition', async (name, channels) => {
    await withNetwork(name, { includeTop: false }, (model) => {
      channels.forEach((width, index) => {
        expect(model.getLayer(`pool${index + 2}_bn`).outputShape).toMatchObject({ 3: width });
        expect(model.getLayer(`pool${index + 2}_pool`).outputShape).toMatchObject({ 3: width / 2 });
      });
    });
  });

  it('is found by the names that people write', () => {
    expect(findModel('DenseNet-121').card.title).toBe('DenseNet121');
  });
});
