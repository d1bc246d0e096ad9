import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { kerasClass, OWN_CLASSES, ownClass, ownPart } from '../../converters/keras/own-layers.ts';
import { OWN_ACTIVATIONS } from '../../converters/keras/tfjs-cleaning.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';

const registered = () => tf.serialization.SerializationMap.getMap().classNameMap;
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

describe('what a converted model may hold', () => {
  it.each(OWN_CLASSES)('the layer %s is registered', (className) => {
    expect(registered()[className]).toBeDefined();
  });

  it.each([...OWN_ACTIVATIONS])('the activation %s is registered', (name) => {
    expect(registered()[camelCase(name)]).toBeDefined();
  });
});

describe('the class in a layer of Keras’s place', () => {
  it.each([
    ['Conv1D', { padding: 'causal', groups: 1 }, 'KerasConv1D'],
    ['Conv1D', { padding: 'same', groups: 1 }, undefined],
    ['Conv2D', { groups: 2 }, 'GroupedConv2D'],
    ['Conv2DTranspose', { output_padding: null, dilation_rate: [1, 1] }, undefined],
    ['Conv2DTranspose', { output_padding: [1, 1] }, 'KerasConv2DTranspose'],
    ['DepthwiseConv2D', { dilation_rate: [1, 2] }, 'KerasDepthwiseConv2D'],
    ['DepthwiseConv2D', { dilation_rate: [1, 1] }, undefined],
    ['ReLU', { max_value: 6, negative_slope: 0, threshold: 0 }, undefined],
    ['ReLU', { negative_slope: 0.1 }, 'KerasReLU'],
    ['ELU', { alpha: 1 }, undefined],
    ['ELU', { alpha: 0.5 }, 'KerasELU'],
    ['UpSampling2D', { interpolation: 'nearest' }, undefined],
    ['UpSampling2D', { interpolation: 'bilinear' }, 'KerasUpSampling2D'],
    ['Activation', { activation: 'glu' }, 'KerasActivation'],
    ['Activation', { activation: 'relu' }, undefined],
    ['GroupNormalization', { groups: 2 }, 'GroupNormalization'],
    ['Dense', { units: 2 }, undefined],
  ] as const)('%s with %o is %s', (className, config, own) => {
    expect(ownClass(className, { ...config } as never)).toBe(own);
    if (own !== undefined) expect(kerasClass(own)).toBe(className);
  });

  it('an axis is the last one by its place or by the rank', () => {
    expect(ownClass('BatchNormalization', { axis: -1 })).toBeUndefined();
    expect(ownClass('BatchNormalization', { axis: 3 }, { rank: 4 })).toBeUndefined();
    expect(ownClass('BatchNormalization', { axis: [3] }, { rank: 4 })).toBeUndefined();
    expect(ownClass('BatchNormalization', { axis: 1 }, { rank: 4 })).toBe('KerasBatchNormalization');
    expect(ownClass('BatchNormalization', { axis: 3 })).toBe('KerasBatchNormalization');
    expect(ownClass('Softmax', { axis: 1 }, { rank: 2 })).toBeUndefined();
  });

  it('a mask asks for layers that tfjs has without', () => {
    expect(ownClass('GlobalAveragePooling1D', {})).toBeUndefined();
    expect(ownClass('GlobalAveragePooling1D', {}, { masked: true })).toBe('KerasGlobalAveragePooling1D');
    expect(ownClass('LeakyReLU', {}, { masked: true })).toBe('KerasLeakyReLU');
  });

  it('a name that is not ours is given back', () => {
    expect(kerasClass('Dense')).toBe('Dense');
    expect(kerasClass('KerasDense')).toBe('KerasDense');
    expect(kerasClass('KerasTensorOperation')).toBe('KerasTensorOperation');
  });

  it('an activation of ours is named for its own sake', () => {
    expect(ownPart('Dense', { activation: 'celu' })).toBe('celu');
    expect(ownPart('Dense', { activation: 'relu' })).toBeUndefined();
    expect(ownPart('LSTM', { activation: 'tanh', recurrent_activation: 'hard_silu' })).toBe('hard_silu');
  });
});
