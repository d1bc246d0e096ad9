import { describe, expect, it } from 'vitest';
import {
  formatInspection,
  inspectModelFile,
  parseKerasConfig,
  toTfjsTopology,
  type JsonObject,
} from '../../converters/index.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { codeOf, golden } from './support.ts';

describe('inspect tells what is in a file without converting it', () => {
  it('a whole model', async () => {
    const inspection = await inspectModelFile(golden('keras2_shared.h5'), { fileName: 'shared.h5' });
    expect(inspection).toMatchObject({
      kind: 'keras-h5-model',
      kerasVersion: '2.18.0',
      model: { name: 'shared', kind: 'functional' },
      inputs: [
        { name: 'a', shape: [null, 4] },
        { name: 'b', shape: [null, 4] },
      ],
      outputs: ['total', 'score'],
      customObjects: [],
      problems: [],
    });
    const text = formatInspection(inspection);
    expect(text).toMatch(/shared_dense\s+Dense\s+15\s+kernel:0 \[4, 3\] float32/);
    expect(text).toMatch(/score\s+Dense\s+\[null, 1\]\s+3\s/);
    expect(text).toContain('inputs:  a [null, 4] float32, b [null, 4] float32');
  });

  it('the shape of every output, and what plain TensorFlow.js lacks', async () => {
    const { layers, ownLayers, problems } = await inspectModelFile(corpusFile('mobilenet_v3.keras3.keras'));
    expect(problems).toEqual([]);
    expect(layers.every(({ outputShape }) => outputShape !== undefined)).toBe(true);
    expect(layers.find(({ name }) => name === 'conv')?.outputShape).toEqual([null, 16, 16, 16]);
    expect(layers.filter(({ operation }) => operation === 'add').length).toBeGreaterThan(5);
    expect(ownLayers.join()).toContain('hard_silu');
  });

  it('types of lower precision, in which nothing is computed here', async () => {
    const { notes, inputs } = await inspectModelFile(corpusFile('mixed_precision.keras3.keras'));
    expect(notes).toContain('2 layers of mixed_float16: computed in float32 here');
    expect(inputs[0]!.dtype).toBe('float32');
  });

  it('weights alone', async () => {
    const inspection = await inspectModelFile(golden('keras2_weights.h5'));
    expect(inspection.parameters).toBe(3 * 3 * 2 + 2 + 18 * 3 + 3);
    expect(formatInspection(inspection)).toContain('Keras weights without a model');
  });

  it('custom layers and Lambda are listed, with why they cannot be converted', async () => {
    const inspection = await inspectModelFile(golden('keras2_custom.h5'));
    expect(inspection.customObjects).toEqual([
      { layer: 'sneaky', className: 'Lambda' },
      { layer: 'doubled', className: 'Scale' },
    ]);
    expect(inspection.problems).toHaveLength(2);
    expect(formatInspection(inspection)).toContain('cannot be converted:');
  });
});

describe('options that tfjs would ignore are refused rather than computed wrong', () => {
  const model = (
    className: string,
    config: JsonObject,
    shape: (number | null)[] = [null, 8, 8, 4],
  ): JsonObject => ({
    class_name: 'Sequential',
    config: [{ class_name: className, config: { name: 'layer', batch_input_shape: shape, ...config } }],
  });
  const convolution = { filters: 4, kernel_size: [3, 3] };
  it.each<[string, JsonObject]>([
    ['an activation that tfjs lacks', model('Conv2D', { ...convolution, activation: 'my_activation' })],
    [
      'a custom activation object',
      model('Dense', { units: 1, activation: { class_name: 'function', config: 'f' } }),
    ],
    ['a layer of another that only has the name of one of Keras Applications', model('LayerScale', {})],
    ['sample-wise normalization of Keras 1', model('BatchNormalization', { mode: 1 })],
    ['renormalization', model('BatchNormalization', { renorm: true })],
    [
      'quantized weights',
      model('Dense', { units: 1, dtype: { class_name: 'QuantizedDTypePolicy', config: {} } }),
    ],
    ['weights of LoRA', model('Dense', { units: 1, lora_rank: 4 })],
    ['time before the batch', model('LSTM', { units: 2, time_major: true }, [null, 3, 2])],
    [
      'a Lambda in a model in a wrapper',
      model('TimeDistributed', {
        layer: {
          class_name: 'Sequential',
          config: {
            name: 'inner',
            layers: [{ class_name: 'Lambda', config: { name: 'x', batch_input_shape: [null, 8, 4] } }],
          },
        },
      }),
    ],
    [
      'a Lambda inside a wrapper',
      model('TimeDistributed', { layer: { class_name: 'Lambda', config: { name: 'x' } } }),
    ],
  ])('%s', async (_, config) => {
    expect(await codeOf(() => toTfjsTopology(parseKerasConfig(config)))).toBe('FORMAT_UNSUPPORTED_LAYER');
  });

  it.each<[string, JsonObject]>([
    ['normalization of vectors along axis 1', model('BatchNormalization', { axis: [1] }, [null, 4])],
    ['normalization along the last axis by its number', model('BatchNormalization', { axis: [3] })],
    ['silu, which tfjs calls swish', model('Conv2D', { ...convolution, activation: 'silu' })],
    [
      'a mixed-precision policy',
      model('Dense', { units: 1, dtype: { class_name: 'Policy', config: { name: 'mixed_float16' } } }),
    ],
  ])('%s is fine', async (_, config) => {
    expect(await codeOf(() => toTfjsTopology(parseKerasConfig(config)))).toBe('no error');
  });
});
