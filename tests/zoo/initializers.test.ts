import { beforeAll, describe, expect, it } from 'vitest';
import { disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { findModel } from '../../zoo/registry.ts';

interface Drawn {
  readonly mode: string;
  readonly distribution: string;
  readonly scale: number;
}

/** Keras's `glorot_uniform`, its default. */
const glorot: Drawn = { mode: 'fanAvg', distribution: 'uniform', scale: 1 };
/** A truncated normal distribution of variance `2 / fan`, made wider by what the cut takes away. */
const truncated = (mode: 'fanIn' | 'fanOut'): Drawn => ({
  mode,
  distribution: 'normal',
  scale: 2 / 0.87962566103423978 ** 2,
});
/** Keras's `DENSE_KERNEL_INITIALIZER` of both EfficientNets. */
const efficientNetClassifier: Drawn = { mode: 'fanOut', distribution: 'uniform', scale: 1 / 3 };

/** As in `keras/src/applications/`: what its files give for kernels, and the default where they give nothing. */
const networks: Readonly<Record<string, Readonly<Record<string, Drawn>>>> = {
  mobilenetv2: { Conv2D: glorot, DepthwiseConv2D: glorot, Dense: glorot },
  densenet121: { Conv2D: glorot, Dense: glorot },
  nasnetmobile: { Conv2D: truncated('fanIn'), SeparableConv2D: glorot, Dense: glorot },
  efficientnetb0: {
    Conv2D: truncated('fanOut'),
    DepthwiseConv2D: truncated('fanOut'),
    Dense: efficientNetClassifier,
  },
  efficientnetv2b0: {
    Conv2D: truncated('fanOut'),
    DepthwiseConv2D: truncated('fanOut'),
    Dense: efficientNetClassifier,
  },
};

/** What fills the kernels, by the kind of layer; a SeparableConv2D has two. */
async function drawnBy(name: string): Promise<Record<string, Drawn[]>> {
  const { card, build } = findModel(name);
  const model = build(card, { inputShape: [64, 64, 3] }, { kernel: 'glorotUniform', seed: 1 });
  const found: Record<string, Drawn[]> = {};
  try {
    for (const layer of model.layers) {
      const config = layer.getConfig();
      const roles =
        layer.getClassName() === 'SeparableConv2D'
          ? ['depthwiseInitializer', 'pointwiseInitializer']
          : layer.getClassName() === 'DepthwiseConv2D'
            ? ['depthwiseInitializer']
            : ['kernelInitializer'];
      for (const role of roles) {
        const initializer = config[role] as { config: Drawn } | undefined;
        if (initializer === undefined) continue;
        const { mode, distribution, scale } = initializer.config;
        (found[layer.getClassName()] ??= []).push({ mode, distribution, scale });
      }
    }
  } finally {
    await disposeModel(model);
  }
  return found;
}

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe.each(Object.entries(networks))('fresh kernels of %s', (name, expected) => {
  it('are drawn as Keras draws them', async () => {
    const found = await drawnBy(name);
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [kind, drawn] of Object.entries(found)) {
      const { scale, ...rest } = expected[kind]!;
      for (const each of drawn) {
        expect(each, kind).toMatchObject(rest);
        expect(each.scale, kind).toBeCloseTo(scale, 6);
      }
    }
  });
});
