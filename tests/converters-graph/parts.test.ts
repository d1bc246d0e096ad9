import { describe, expect, it } from 'vitest';
import { dropBackground } from '../../converters/tfjs-graph/background.ts';
import { zeroPadded } from '../../converters/tfjs-graph/operations/padding.ts';
import type { LayerDraft, Translation } from '../../converters/tfjs-graph/translation.ts';
import { UnsupportedNode } from '../../converters/tfjs-graph/translation.ts';
import { graphGolden, nodesOf, read } from './support.ts';

const draft = (
  name: string,
  className: string,
  inputs: LayerDraft[],
  shape: (number | null)[],
): LayerDraft => ({
  name,
  className,
  config: {},
  inputs,
  weights: [],
  shape,
});

describe('the class "background"', () => {
  const head = () => {
    const input = draft('input', 'InputLayer', [], [null, 2]);
    const dense: LayerDraft = {
      ...draft('dense', 'Dense', [input], [null, 1001]),
      config: { units: 1001 },
      weights: [
        {
          role: 'bias',
          tensor: {
            name: 'bias',
            shape: [1001],
            dtype: 'float32',
            data: Float32Array.from({ length: 1001 }, (_, i) => i),
          },
        },
      ],
    };
    return { input, dense };
  };

  it('is the first of 1001', () => {
    const { input, dense } = head();
    expect(dropBackground([input, dense], dense)).toBe(true);
    expect(dense).toMatchObject({ shape: [null, 1000], config: { units: 1000 } });
    expect(dense.weights[0]!.tensor.shape).toEqual([1000]);
    expect(dense.weights[0]!.tensor.data[0]).toBe(1);
    expect(dense.weights[0]!.tensor.data[999]).toBe(1000);
  });

  it('stays where another layer reads all 1001', () => {
    const { input, dense } = head();
    const softmax = {
      ...draft('softmax', 'Activation', [dense], [null, 1001]),
      config: { activation: 'softmax' },
    };
    const other = draft('other', 'Dense', [dense], [null, 3]);
    expect(dropBackground([input, dense, softmax, other], softmax)).toBe(false);
    expect(dense.shape).toEqual([null, 1001]);
    expect(dense.weights[0]!.tensor.shape).toEqual([1001]);
  });
});

describe('zeros around a feature map', () => {
  const map = draft('map', 'InputLayer', [], [null, 8, null, 3]);
  const t = { add: (layer: LayerDraft) => layer } as unknown as Translation;

  it('are rows and columns', () => {
    const padded = zeroPadded(t, 'pad', map, [0, 0, 1, 2, 3, 4, 0, 0]);
    expect(padded).toMatchObject({
      className: 'ZeroPadding2D',
      config: {
        padding: [
          [1, 2],
          [3, 4],
        ],
      },
      shape: [null, 11, null, 3],
    });
  });

  it.each([
    ['pictures of the batch', [1, 0, 1, 1, 1, 1, 0, 0]],
    ['channels', [0, 0, 1, 1, 1, 1, 0, 2]],
    ['less than nothing', [0, 0, -1, 1, 1, 1, 0, 0]],
    ['a number that is not known', [0, 0, null, 1, 1, 1, 0, 0]],
    ['three axes', [0, 0, 1, 1, 1, 1]],
  ])('are not %s', (_, pads) => {
    expect(() => zeroPadded(t, 'pad', map, pads)).toThrow(UnsupportedNode);
  });
});

describe('squeezed axes', () => {
  it('may be counted from the end', async () => {
    const golden = graphGolden('mobilenet-v1');
    const squeeze = nodesOf(golden).find(({ op }) => op === 'Squeeze')!;
    expect(squeeze.attr.squeeze_dims).toEqual({ list: { i: ['1', '2'] } });
    squeeze.attr.squeeze_dims = { list: { i: ['-3', '-2'] } };
    expect((await read(golden)).config).toEqual((await read(graphGolden('mobilenet-v1'))).config);
  });
});
