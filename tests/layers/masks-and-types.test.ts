import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import '../../src/layers/index.ts';
import { codeOf } from '../converters/support.ts';

type Config = Record<string, unknown>;

/** A layer as `tf.loadLayersModel` makes it. */
function layerOf(className: string, config: Config = {}): tf.layers.Layer {
  const [constructor, make] = tf.serialization.SerializationMap.getMap().classNameMap[className]!;
  return make(constructor, config as tf.serialization.ConfigDict) as unknown as tf.layers.Layer;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('masks', () => {
  /** Steps of zeros are left out by the layer in front. */
  const steps = [
    [
      [1, 2],
      [0, 0],
      [-3, 4],
    ],
    [
      [5, 6],
      [0, 0],
      [0, 0],
    ],
  ];
  const behindMasking = (...layers: tf.layers.Layer[]) =>
    tf.tidy(() => {
      const input = tf.input({ shape: [3, 2] });
      let x = tf.layers.masking({ maskValue: 0 }).apply(input);
      for (const layer of layers) x = layer.apply(x);
      const model = tf.model({ inputs: input, outputs: x as tf.SymbolicTensor });
      const result = (model.predict(tf.tensor(steps)) as tf.Tensor).arraySync();
      model.dispose();
      return result;
    });

  it('the mean over steps counts those that are left', () => {
    expect(behindMasking(layerOf('KerasGlobalAveragePooling1D'))).toEqual([
      [-1, 3],
      [5, 6],
    ]);
  });

  it.each([
    ['KerasLeakyReLU', { alpha: 0 }],
    ['KerasReLU', {}],
  ])('%s lets them through', (className, config) => {
    expect(behindMasking(layerOf(className, config), layerOf('KerasGlobalAveragePooling1D'))).toEqual([
      [0.5, 3],
      [5, 6],
    ]);
  });

  it.each([
    ['KerasELU', {}],
    ['KerasSoftmax', { axis: -1 }],
    ['UnitNormalization', {}],
    ['GroupNormalization', { groups: 1 }],
    ['KerasLayerNormalization', {}],
    ['KerasBatchNormalization', {}],
  ])('%s lets them through', (className, config) => {
    expect(layerOf(className, config).supportsMasking).toBe(true);
  });

  it('pooling ends them', () => {
    const pooling = layerOf('KerasGlobalAveragePooling1D');
    expect(pooling.computeMask(tf.zeros([1, 2, 3]), tf.ones([1, 2]))).toBeNull();
  });

  it('no tensor is left behind', () => {
    const before = tf.memory().numTensors;
    behindMasking(layerOf('KerasLeakyReLU'), layerOf('KerasGlobalAveragePooling1D'));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('whole numbers', () => {
  const applied = (layer: tf.layers.Layer, shape: number[]) =>
    tf.tidy(() => {
      const size = shape.reduce((all, length) => all * length, 1);
      const x = tf.reshape(tf.range(0, size, 1, 'int32'), shape);
      const y = layer.apply(x) as tf.Tensor;
      return { dtype: y.dtype, values: [...y.dataSync()], shape: y.shape };
    });

  it.each([
    ['ZeroPadding1D', { padding: [1, 0] }, [1, 2, 1], [0, 0, 1]],
    ['Cropping1D', { cropping: [1, 0] }, [1, 3, 1], [1, 2]],
    ['UpSampling1D', { size: 2 }, [1, 2, 1], [0, 0, 1, 1]],
  ])('%s keeps them', (className, config, shape, values) => {
    expect(applied(layerOf(className, config), shape)).toMatchObject({ dtype: 'int32', values });
  });

  it('an operation with a whole number keeps them, one with a fraction does not', () => {
    const add = (value: number) =>
      layerOf('TensorOperation', { operation: 'add', inputs: [{ tensor: 0 }, { value }] });
    expect(applied(add(2), [3])).toMatchObject({ dtype: 'int32', values: [2, 3, 4] });
    expect(applied(add(0.5), [3])).toMatchObject({ dtype: 'float32', values: [0.5, 1.5, 2.5] });
  });

  it('a quotient has a fraction', () => {
    const inputs = [{ tensor: 0 }, { value: 2 }];
    expect(applied(layerOf('TensorOperation', { operation: 'divide', inputs }), [3]).values).toEqual([
      0, 0.5, 1,
    ]);
    const floored = applied(layerOf('TensorOperation', { operation: 'floor_divide', inputs }), [3]);
    expect(floored).toMatchObject({ dtype: 'int32', values: [0, 0, 1] });
  });

  it.each([
    ['KerasConv1D', { filters: 1, kernelSize: 1, padding: 'causal' }, [1, 2, 1]],
    ['GroupNormalization', { groups: 1 }, [1, 2, 1]],
    ['KerasReLU', { negativeSlope: 0.5 }, [1, 2]],
  ])('%s computes with them', (className, config, shape) => {
    const layer = layerOf(className, config);
    expect(applied(layer, shape)).toMatchObject({ dtype: 'float32', shape });
    layer.dispose();
  });
});

describe('refusals', () => {
  it.each([
    ['KerasConv1D', { filters: 3, kernelSize: 1, groups: 2 }],
    ['Cropping1D', { cropping: [1, -1] }],
    ['ZeroPadding3D', { padding: [1, 2] }],
    ['UpSampling1D', { size: 0 }],
    ['KerasUpSampling2D', { interpolation: 'cubic' }],
    ['GroupNormalization', { groups: 0 }],
    ['KerasReLU', { negativeSlope: -1 }],
    ['KerasGlobalMaxPooling1D', { dataFormat: 'last' }],
  ])('%s with other options than it takes: %o', async (className, config) => {
    expect(await codeOf(() => layerOf(className, config))).toBe('MODEL_OPTION');
  });

  it.each([
    ['KerasConv1D', { filters: 4, kernelSize: 1, groups: 2 }, [4, 3]],
    ['GroupNormalization', { groups: 2 }, [4, 3]],
    ['KerasSoftmax', { axis: 3 }, [4, 3]],
    ['UnitNormalization', { axis: 3 }, [4, 3]],
    ['Cropping1D', { cropping: [2, 2] }, [4, 3]],
    ['GlobalMaxPooling3D', {}, [4, 3]],
    ['KerasActivation', { activation: 'glu' }, [4, 3]],
  ])('%s applied to what it does not take: %o', async (className, config, shape) => {
    const layer = layerOf(className, config);
    const apply = () => tf.tidy(() => layer.apply(tf.zeros([1, ...shape])) as tf.Tensor);
    const symbolic = () => layer.apply(tf.input({ shape }));
    expect([await codeOf(apply), await codeOf(symbolic)]).toContain('MODEL_INPUT');
  });

  it.each([
    ['Attention', {}],
    ['MultiHeadAttention', { numHeads: 1, keyDim: 2 }],
  ])('%s of one input, before it is called', async (className, config) => {
    const layer = layerOf(className, config);
    expect(await codeOf(() => layer.apply(tf.input({ shape: [4, 3] })))).toBe('MODEL_INPUT');
  });
});
