import { describe, expect, it } from 'vitest';
import { describeFamily, withNetwork } from '../support/describe-family.ts';
import { findModel } from '../../zoo/registry.ts';

const names = ['nasnetmobile', 'nasnetlarge'] as const;

describe('NASNet', () => {
  describeFamily(names, {
    pooled: { avg: 'global_average_pooling2d', max: 'global_max_pooling2d' },
  });

  it.each([
    ['nasnetmobile', 4],
    ['nasnetlarge', 6],
  ] as const)(
    '%s has %i normal cells between its reductions, numbered as in Keras',
    async (name, repeats) => {
      await withNetwork(name, { includeTop: false }, (model) => {
        const cells = model.layers.flatMap(
          (layer) => /^(?:normal|reduction)_concat_(.*)$/.exec(layer.name)?.[1] ?? [],
        );
        const numbered = (first: number) => Array.from({ length: repeats }, (_, index) => `${first + index}`);
        expect(cells).toEqual([
          'stem_1',
          'stem_2',
          ...numbered(0),
          `reduce_${repeats}`,
          ...numbered(repeats + 1),
          `reduce_${2 * repeats}`,
          ...numbered(2 * repeats + 1),
        ]);
      });
    },
  );

  it('lets the cell behind a reduction see the reduction’s own input in Mobile, and the one before that in Large', async () => {
    // Of the same width, but not the same: in Large the cell before the last one of its stage.
    const previousOf = (name: string, cell: number) =>
      withNetwork(name, { includeTop: false }, (model) => {
        const relu = model.getLayer(`adjust_relu_1_${cell}`);
        return relu.inboundNodes[0]!.inboundLayers[0]!.name;
      });
    expect(await previousOf('nasnetmobile', 5)).toBe('normal_concat_3');
    expect(await previousOf('nasnetlarge', 7)).toBe('normal_concat_4');
  });

  it('pads strided convolutions by the parity of their input', async () => {
    const padding = (side: number) =>
      withNetwork('nasnetmobile', { includeTop: false, inputShape: [side, side, 3] }, (model) => ({
        input: model.getLayer('reduction_bn_1_stem_1').outputShape[1],
        three: model.getLayer('reduction_pad_1_stem_1').getConfig().padding,
        seven: model.getLayer('separable_conv_1_pad_reduction_right1_stem_1').getConfig().padding,
      }));
    const both = (pair: number[]) => [pair, pair];
    expect(await padding(63)).toEqual({ input: 31, three: both([1, 1]), seven: both([3, 3]) });
    expect(await padding(65)).toEqual({ input: 32, three: both([0, 1]), seven: both([2, 3]) });
  });

  it.each([
    [32, 32],
    [33, 47],
    [331, 64],
  ])('is built for pictures of %i x %i', async (height, width) => {
    await withNetwork('nasnetmobile', { includeTop: false, inputShape: [height, width, 3] }, (model) => {
      const halved = (side: number) =>
        [1, 2, 3, 4].reduce((size) => Math.ceil(size / 2), Math.floor((side - 1) / 2));
      expect(model.outputShape).toEqual([null, halved(height), halved(width), 1056]);
    });
  });

  it('has no bias before the classifier and BatchNorms with its momentum', async () => {
    await withNetwork('nasnetlarge', {}, (model) => {
      const weightsOf = (kind: string) =>
        new Set(
          model.layers.filter((layer) => layer.getClassName() === kind).map((layer) => layer.weights.length),
        );
      expect(weightsOf('Conv2D')).toEqual(new Set([1]));
      expect(weightsOf('SeparableConv2D')).toEqual(new Set([2]));
      const norms = model.layers.filter((layer) => layer.getClassName() === 'BatchNormalization');
      for (const norm of norms) expect(norm.getConfig()).toMatchObject({ momentum: 0.9997, epsilon: 1e-3 });
    });
  });

  it('fills its plain convolutions by He where weights are to be random, repeatably with a seed', () => {
    const { card, build } = findModel('nasnetmobile');
    const options = { includeTop: false, inputShape: [32, 32, 3] } as const;
    const kernels = [5, 5, 6].map((seed) => {
      const model = build(card, options, { kernel: 'glorotUniform', seed });
      const values = model.getLayer('normal_conv_1_8').getWeights()[0]!;
      const data = Array.from(values.dataSync());
      const fanIn = values.shape[2]!;
      model.dispose();
      return { data, fanIn };
    });
    const [first, again, other] = kernels;
    expect(first!.data).toEqual(again!.data);
    expect(first!.data).not.toEqual(other!.data);
    const { data, fanIn } = first!;
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    expect((variance * fanIn) / 2).toBeGreaterThan(0.9);
    expect((variance * fanIn) / 2).toBeLessThan(1.1);
  });

  it('refuses options that it does not have', () => {
    const { card, build } = findModel('nasnetmobile');
    expect(() => build(card, { alpha: 0.5 }, { kernel: 'zeros' })).toThrow(
      expect.objectContaining({ code: 'MODEL_OPTION' }),
    );
  });
});
