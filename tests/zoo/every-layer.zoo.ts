import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, features } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { listCards } from '../../zoo/registry.ts';
import { differingOptions, variantTitle, variantsOf } from '../../zoo/variants.ts';
import {
  differenceOfEngines,
  holdOnnxTo,
  outputsOnTfjs,
  spread,
  withSeededNetwork,
} from '../support/every-layer.ts';

beforeAll(async () => {
  await platform().prepareTfjs();
});

const LARGE = 20e6;

const networks = listCards().flatMap((card) =>
  variantsOf(card).map(({ alpha, minimalistic }) => {
    const variant = differingOptions({ alpha, minimalistic }) ?? {};
    return [variantTitle(card, variant), card, variant] as const;
  }),
);

describe.each(networks)('%s', (_, card, variant) => {
  it('computes the same in every layer on both engines, of odd and oblong pictures', async () => {
    const height = Math.max(97, card.inputSize.minimum);
    const inputShape = [height, height + 13, 3] as const;
    await withSeededNetwork(card, { ...variant, inputShape, includeTop: false }, async (model, pictures) => {
      const names = model.layers.map((layer) => layer.name);
      const batch = pictures(2);
      const expected = await outputsOnTfjs(model, names, batch);
      await holdOnnxTo(expected, model, names, batch);
      // What nobody asks for is folded away: a layer alone comes out of another graph. A session of a large network
      // takes seconds.
      const alone = spread(names, card.parameters.top > LARGE ? 4 : 12);
      for (const name of alone) await holdOnnxTo(expected, model, [name], batch);
    });
  });

  it('takes batches of 1, 3 and 16 pictures of the least size in one session, with its top', async () => {
    const side = card.inputSize.minimum;
    const options = { ...variant, inputShape: [side, side, 3] as const };
    await withSeededNetwork(card, options, async (model, pictures) => {
      const before = tf.memory().numTensors;
      const last = model.layers.at(-1)!.name;
      const [onnx, tfjs] = [
        await features(model, last, { engine: 'onnx' }),
        await features(model, last, { engine: 'tfjs' }),
      ];
      for (const batch of [1, 3, 16, 1]) {
        const input = pictures(batch);
        const [ours] = await onnx.run(input.data, input.shape);
        const [theirs] = await tfjs.run(input.data, input.shape);
        expect(ours!.shape).toEqual([batch, 1000]);
        expect(differenceOfEngines(ours!, theirs!)).toBeLessThanOrEqual(1e-5);
      }
      await onnx.dispose();
      await tfjs.dispose();
      expect(tf.memory().numTensors).toBe(before);
      await disposeModel(model);
    });
  });
});
