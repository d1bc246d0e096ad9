import { describe, expect, it } from 'vitest';
import { resNetOf2016 } from '../../src/models/resnet-of-2016.ts';

const weights = [{ name: 'kernel', shape: [1], dtype: 'float32', data: new Float32Array(1) }] as const;
const fileOf = (names: readonly string[], kerasVersion?: string) => ({
  layers: names.map((layer) => ({ layer, weights })),
  ...(kerasVersion === undefined ? {} : { kerasVersion }),
});

describe("ResNet50's weights of 2016", () => {
  it.each([
    ['conv1', 'conv1_conv'],
    ['bn_conv1', 'conv1_bn'],
    ['res2a_branch1', 'conv2_block1_0_conv'],
    ['bn2a_branch2a', 'conv2_block1_1_bn'],
    ['res3d_branch2b', 'conv3_block4_2_conv'],
    ['bn4f_branch2c', 'conv4_block6_3_bn'],
    ['fc1000', 'predictions'],
    // A head of one's own.
    ['fc5', 'fc5'],
  ])('hold %s under today’s name %s', (then, today) => {
    const found = resNetOf2016(fileOf(['res2a_branch2a', then]));
    expect(found!.file.layers[1]!.layer).toBe(today);
  });

  it.each([
    [undefined, false],
    ['1.2.2', false],
    ['2.0.8', false],
    ['2.2.2', false],
    ['2.2.3', true],
    ['2.2.4-tf', true],
    ['2.10.0', true],
    ['3.0.5', true],
  ])('of Keras %s belong to a network whose first pool is padded: %s', (version, poolPadding) => {
    expect(resNetOf2016(fileOf(['res2a_branch2a'], version))!.initialisation).toEqual({ poolPadding });
  });

  it('are not taken for it where the file is another network’s, or a whole model', () => {
    expect(resNetOf2016(fileOf(['conv1_conv', 'conv2_block1_0_conv']))).toBeUndefined();
    expect(resNetOf2016(fileOf(['res2g_branch2a', 'res6a_branch1']))).toBeUndefined();
    expect(resNetOf2016({ ...fileOf(['res2a_branch2a']), config: {} } as never)).toBeUndefined();
  });
});
