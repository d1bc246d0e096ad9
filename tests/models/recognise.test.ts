import { describe, expect, it } from 'vitest';
import type { CompiledModel } from '../../src/engines/compiled-model.ts';
import { cachedCompile } from '../../src/engines/session-cache.ts';
import { expectedWeightsOf } from '../../src/models/expected-weights.ts';
import { metadataIn } from '../../src/models/metadata.ts';
import { recogniseCard } from '../../src/models/recognise.ts';
import { disposeModel, loadModel } from '../../src/node.ts';
import { listCards, lookUp } from '../../zoo/registry.ts';
import { differingOptions, variantTitle, variantsOf } from '../../zoo/variants.ts';
import { colourModel, tinyMetadata } from '../support/tiny-model.ts';

describe('recognising a network', () => {
  const networks = listCards().flatMap((card) =>
    variantsOf(card).map(({ alpha, minimalistic }) => {
      const variant = differingOptions({ alpha, minimalistic }) ?? {};
      return { title: variantTitle(card, variant), card, variant };
    }),
  );

  it.each(networks)('$title is recognised with and without its top', ({ card, variant }) => {
    for (const includeTop of [true, false]) {
      const model = lookUp(card.name)!.build(card, { ...variant, includeTop }, { kernel: 'zeros' });
      const recognised = recogniseCard(expectedWeightsOf(model));
      expect(recognised?.card).toBe(card);
      expect(recognised?.variant).toEqual(variant);
      model.dispose();
    }
  });

  it('layers may have the names that Keras 2 gave them, with slashes and capitals', () => {
    const { card, build } = lookUp('mobilenetv3small')!;
    const model = build(card, { includeTop: false }, { kernel: 'zeros' });
    const layers = expectedWeightsOf(model).map((each) => ({
      ...each,
      layer: each.layer
        .replace(/^conv/, 'Conv')
        .replace(/_bn$/, '/BatchNorm')
        .replace(/^(expanded_conv(?:_\d+)?)_/, '$1/')
        .replace('squeeze_excite_conv', 'squeeze_excite/Conv'),
    }));
    expect(layers[0]!.layer).toBe('Conv');
    expect(layers.some(({ layer }) => layer === 'expanded_conv_1/expand/BatchNorm')).toBe(true);
    expect(recogniseCard(layers)?.card).toBe(card);
    model.dispose();
  });

  it.each(['inceptionv3', 'inceptionresnetv2', 'xception'])(
    'the unnamed layers of %s may be numbered from anywhere, as in a session that made other networks before',
    (name) => {
      const { card, build } = lookUp(name)!;
      const model = build(card, {}, { kernel: 'zeros' });
      const renumber = (layer: string) =>
        layer.replace(/^(conv2d|batch_normalization)(?:_(\d+))?$/, (_, kind: string, number = '0') => {
          return `${kind}_${Number(number) + 94}`;
        });
      const layers = expectedWeightsOf(model).map((each) => ({ ...each, layer: renumber(each.layer) }));
      expect(layers.some(({ layer }) => layer === 'conv2d_94')).toBe(true);
      expect(recogniseCard(layers)?.card).toBe(card);
      expect(recogniseCard([...layers].reverse())).toBeUndefined();
      model.dispose();
    },
  );

  it('a network with as many numbers but other names, or in another order, is not taken for it', async () => {
    const model = await loadModel('squeezenet', { weights: null });
    const layers = expectedWeightsOf(model);
    const renamed = layers.map((each) => ({ ...each, layer: each.layer.replace('fire', 'blaze') }));
    expect(recogniseCard(renamed)).toBeUndefined();
    expect(recogniseCard([...layers].reverse())).toBeUndefined();
    await disposeModel(model);
  });
});

describe('metadata', () => {
  it('are taken only when they are whole and of a version that is known', () => {
    expect(metadataIn({ dovecote: tinyMetadata })).toEqual(tinyMetadata);
    const broken: object[] = [
      { version: 2 },
      { labels: [1, 2, 3] },
      { preprocessing: 'magic' },
      { inputSize: [12] },
      { inputSize: [0, 12] },
      { resize: null },
      { variant: 'wide' },
    ];
    for (const change of broken)
      expect(metadataIn({ dovecote: { ...tinyMetadata, ...change } })).toBeUndefined();
    expect(metadataIn(undefined)).toBeUndefined();
    expect(metadataIn({ somebody: 'else' })).toBeUndefined();
  });
});

describe('disposing of a model', () => {
  it('ends the sessions that were compiled from it', async () => {
    const model = colourModel();
    const network: CompiledModel = await cachedCompile(model, { engine: 'onnx' });
    const picture = new Float32Array(12 * 12 * 3);
    expect(await network.run(picture, [1, 12, 12, 3])).toHaveLength(1);
    await disposeModel(model);
    await expect(network.run(picture, [1, 12, 12, 3])).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });
});
