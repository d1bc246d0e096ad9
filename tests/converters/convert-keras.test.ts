import { describe, expect, it } from 'vitest';
import { convertKeras, readKerasHdf5 } from '../../converters/index.ts';
import { expectEqualToKeras, goldens } from './golden-models.ts';
import { codeOf, golden } from './support.ts';

describe('models of real Keras 2, converted, give the same outputs in plain tfjs', () => {
  const expected = goldens('keras2_goldens.json');
  it.each([
    [
      'convolutions',
      'convolutions, BatchNormalization with and without scale, depthwise, separable, names with a slash',
    ],
    [
      'branches',
      'merges, pooling, cropping, upsampling, transposed convolution, PReLU, dilation, constraints',
    ],
    [
      'shared',
      'two inputs and outputs, a layer and a nested model called twice, equal names in two nested models',
    ],
    [
      'frozen',
      'a nested model with a frozen layer, whose weights stand in another order, called with training=False',
    ],
    ['sequential', 'a Sequential inside a Sequential that was built without an input shape'],
    ['recurrent', 'Embedding, Conv1D, Bidirectional LSTM, TimeDistributed, GRU, SimpleRNN'],
  ])('%s: %s', async (name) => {
    await expectEqualToKeras(`keras2_${name}.h5`, expected[name]!);
  });

  it.each(['weights', 'variants', 'chunked'])(
    'weights only, with the architecture given: %s',
    async (name) => {
      const { config, ...rest } = expected.weights!;
      const tolerance = name === 'variants' ? 1e-3 : 1e-5; // one of its kernels is float16
      await expectEqualToKeras(`keras2_${name}.h5`, rest, { architecture: { topology: config! } }, tolerance);
    },
  );

  it('weights only, without an architecture, are refused with the next step', async () => {
    expect(await codeOf(() => convertKeras(golden('keras2_weights.h5')))).toBe('FORMAT_UNSUPPORTED');
  });

  it('the optimizer of a compiled model is left out, and said to be', async () => {
    const file = await readKerasHdf5(golden('keras2_convolutions.h5'));
    expect(file.notes).toContain('optimizer weights were left out');
    expect(file.trainingConfig).toMatchObject({ loss: 'categorical_crossentropy' });
    expect(file.layers.every((layer) => !layer.layer.includes('optimizer'))).toBe(true);
  });

  it('all layers that cannot be converted are named in one error, and none is executed', async () => {
    const error: unknown = await convertKeras(golden('keras2_custom.h5'), { fileName: 'custom.h5' }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: 'FORMAT_UNSUPPORTED_LAYER' });
    expect(String(error)).toMatch(/custom\.h5 has 2 layers/);
    expect(String(error)).toMatch(/sneaky \(Lambda\): it holds Python code, which is never executed/);
    expect(String(error)).toMatch(/doubled \(Scale\): it is a custom class/);
  });
});

describe.each(['tf', 'th', 'tf_theano', 'th_tensorflow'])(
  'models of real Keras 1.2.2, ordering %s',
  (order) => {
    const expected = goldens(`keras1_goldens_${order}.json`);
    it.each(Object.keys(expected))('%s', async (fileName) => {
      // The only one that plain tfjs cannot load: its BatchNormalization is not along the last axis.
      if (fileName === 'keras1_normalized_th.h5') await import('../../src/layers/index.ts');
      await expectEqualToKeras(fileName, expected[fileName]!);
    });
  },
);
