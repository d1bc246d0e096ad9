import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/types.ts';
import type { ModelGraph } from '../../converters/graph.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import type { OnnxWeights } from '../../converters/onnx/index.ts';
import { buildOnnxModel, writeOnnxModel } from '../../converters/onnx/index.ts';
import { codeOf } from '../converters/support.ts';
import { runOnnx } from './corpus.ts';
import { graphOf, tensor } from './support.ts';

const only = (className: string, config: JsonObject) =>
  graphOf([8, 8, 3], [{ className, name: 'x', config }]);
/** The same with the class's name that a layer of ours has in tfjs. */
const ours = (className: string, config: JsonObject): ModelGraph => {
  const graph = only(className, config);
  return {
    ...graph,
    layers: graph.layers.map((layer) =>
      layer.name === 'x' ? { ...layer, className: `Keras${className}` } : layer,
    ),
  };
};
const norm: OnnxWeights = new Map([['x', [tensor(8), tensor(8)]]]);

describe("a layer that tfjs computes otherwise than Keras, in tfjs's dialect", () => {
  it('is what Keras computes where it is a layer of ours', () => {
    const own = writeOnnxModel(ours('LayerNormalization', { axis: [1] }), norm, { dialect: 'tfjs' });
    const keras = writeOnnxModel(only('LayerNormalization', { axis: [1] }), norm, { dialect: 'keras' });
    expect(Buffer.from(own).equals(keras)).toBe(true);
  });

  it('is a bilinear UpSampling2D with half-pixel centres where it is ours, and with corners in tfjs', () => {
    const config = { size: 2, interpolation: 'bilinear' };
    const keras = writeOnnxModel(only('UpSampling2D', config), new Map());
    const own = writeOnnxModel(ours('UpSampling2D', config), new Map(), { dialect: 'tfjs' });
    const theirs = writeOnnxModel(only('UpSampling2D', config), new Map(), { dialect: 'tfjs' });
    expect(Buffer.from(own).equals(keras)).toBe(true);
    expect(Buffer.from(theirs).equals(keras)).toBe(false);
  });

  it.each([
    ['LayerNormalization', { axis: [1] }],
    ['Resizing', { height: 4, width: 4 }],
    ['CenterCrop', { height: 4, width: 4 }],
    ['CategoryEncoding', { num_tokens: 4, output_mode: 'one_hot' }],
  ])("%s is refused where it is tfjs's", async (className, config) => {
    const write = () => writeOnnxModel(only(className, config), norm, { dialect: 'tfjs' });
    expect(await codeOf(write)).toBe('ENGINE_UNSUPPORTED_LAYER');
  });

  it("a Dot of more than three axes is refused where it is tfjs's", async () => {
    const graph = graphOf(
      [8, 8, 3],
      [{ className: 'Dot', name: 'x', config: { axes: 3 }, from: ['input', 'input'] }],
    );
    expect(writeOnnxModel(graph, new Map()).length).toBeGreaterThan(0);
    const write = () => writeOnnxModel(graph, new Map(), { dialect: 'tfjs' });
    expect(await codeOf(write)).toBe('ENGINE_UNSUPPORTED_LAYER');
  });
});

/** `values` of a type into one layer. */
function typedGraph(dtype: string, className: string, config: JsonObject = {}) {
  return parseKerasConfig({
    class_name: 'Sequential',
    config: {
      name: 'typed',
      layers: [
        {
          class_name: 'InputLayer',
          config: { name: 'values', batch_input_shape: [null, 4], dtype },
        },
        { class_name: className, config: { ...config, name: 'x' } },
      ],
    },
  });
}

describe('inputs of integers', () => {
  const table: OnnxWeights = new Map([['x', [tensor(9, 2)]]]);
  const embedding = typedGraph('int32', 'Embedding', { input_dim: 9, output_dim: 2 });
  const inputs = [{ shape: [1, 4], data: [8, 0, 3, 3] }];

  it("are int32 in Keras's dialect and float32 in tfjs's, with the same result", async () => {
    const keras = buildOnnxModel(embedding, table);
    const tfjs = buildOnnxModel(embedding, table, { dialect: 'tfjs' });
    expect(keras.inputs[0]).toMatchObject({ dtype: 'int32', shape: [null, 4] });
    expect(tfjs.inputs[0]).toMatchObject({ dtype: 'float32', shape: [null, 4] });
    const [expected] = await runOnnx(keras, inputs);
    const rows = [8, 0, 3, 3].flatMap((row) => [...tensor(9, 2).data.subarray(2 * row, 2 * row + 2)]);
    expect(expected).toEqual({ shape: [1, 4, 2], data: rows });
    expect(await runOnnx(tfjs, inputs)).toEqual([expected]);
  });

  it('stay integers through layers that only move them', () => {
    for (const className of ['Flatten', 'Identity', 'Dropout']) {
      expect(buildOnnxModel(typedGraph('int64', className), new Map()).outputs[0]).toMatchObject({
        name: 'x',
        dtype: 'int32',
      });
    }
  });

  it('become numbers in a layer that computes', async () => {
    const model = buildOnnxModel(typedGraph('uint8', 'Rescaling', { scale: 0.5, offset: 0 }), new Map());
    expect(model.outputs[0]).toMatchObject({ dtype: 'float32' });
    expect(await runOnnx(model, inputs)).toEqual([{ shape: [1, 4], data: [4, 0, 1.5, 1.5] }]);
  });

  it('are refused where they are strings', async () => {
    const graph = typedGraph('string', 'Identity');
    expect(await codeOf(() => writeOnnxModel(graph, new Map()))).toBe('ENGINE_UNSUPPORTED_LAYER');
  });
});

describe('a config with sizes that no model has is refused before memory is taken', () => {
  it.each([
    ['CategoryEncoding', { num_tokens: 2e9, output_mode: 'one_hot' }],
    ['CategoryEncoding', { num_tokens: -1, output_mode: 'one_hot' }],
    ['GroupNormalization', { groups: 0, scale: false, center: false }],
    ['MaxPooling2D', { pool_size: 0 }],
    ['MaxPooling2D', { pool_size: 2, strides: 0.5 }],
    ['AveragePooling2D', { pool_size: [2, 1e300] }],
    ['ZeroPadding2D', { padding: [-1, 2] }],
    ['UpSampling2D', { size: 1e20 }],
    ['Resizing', { height: 1e10, width: 4 }],
    ['Conv2D', { filters: 1e12, kernel_size: 1 }],
    ['Dense', { units: -3 }],
  ])('%s %j', async (className, config) => {
    expect(await codeOf(() => writeOnnxModel(only(className, config), new Map()))).toBe(
      'ENGINE_UNSUPPORTED_LAYER',
    );
  });

  it.each([
    ['Cropping2D', { cropping: 5 }, 'FORMAT_DAMAGED'],
    ['Conv2D', { filters: 2_000_000_000, kernel_size: 1 }, 'WEIGHTS_MISSING'],
  ])('%s %j', async (className, config, code) => {
    expect(await codeOf(() => writeOnnxModel(only(className, config), new Map()))).toBe(code);
  });
});
