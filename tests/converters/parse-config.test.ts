import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { layerProblems } from '../../converters/keras/tfjs-topology.ts';
import type { JsonObject } from '../../src/base/types.ts';

const topology = (model: tf.LayersModel) => model.toJSON(null, false) as unknown as JsonObject;
const dense = (name: string, more: JsonObject = {}): JsonObject => ({
  class_name: 'Dense',
  name,
  config: { name, units: 2, ...more },
  inbound_nodes: [],
});
const input = (name: string): JsonObject => ({
  class_name: 'InputLayer',
  name,
  config: { name, batch_input_shape: [null, 3] },
  inbound_nodes: [],
});
const functional = (layers: JsonObject[], inputs: string[], outputs: string[]): JsonObject => ({
  class_name: 'Model',
  config: {
    name: 'm',
    layers,
    input_layers: inputs.map((name) => [name, 0, 0]),
    output_layers: outputs.map((name) => [name, 0, 0]),
  },
});
const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a model config is read into one graph', () => {
  it('takes a functional tfjs model with a shared layer, a nested model and two outputs', () => {
    const a = tf.input({ shape: [4], name: 'a' });
    const b = tf.input({ shape: [4], name: 'b' });
    const shared = tf.layers.dense({ units: 3, name: 'shared' });
    const inner = tf.sequential({
      name: 'inner',
      layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'q/r' })],
    });
    const x = inner.apply(shared.apply(a)) as tf.SymbolicTensor;
    const y = inner.apply(shared.apply(b)) as tf.SymbolicTensor;
    const sum = tf.layers.add({ name: 'sum' }).apply([x, y]) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: [sum, y], name: 'outer' });

    const graph = parseKerasConfig(topology(model));
    expect(graph.name).toBe('outer');
    expect(graph.kind).toBe('functional');
    const layer = (name: string) => graph.layers.find((item) => item.name === name)!;
    expect(layer('shared').inbound).toEqual([
      [{ layer: 'a', node: 0, tensor: 0 }],
      [{ layer: 'b', node: 0, tensor: 0 }],
    ]);
    // tfjs and Keras call the first use of a nested model node 1; here node n is the n-th call.
    expect(layer('sum').inbound).toEqual([
      [
        { layer: 'inner', node: 0, tensor: 0 },
        { layer: 'inner', node: 1, tensor: 0 },
      ],
    ]);
    expect(graph.outputs).toEqual([
      { layer: 'sum', node: 0, tensor: 0 },
      { layer: 'inner', node: 1, tensor: 0 },
    ]);
    expect(layer('inner').nested?.layers.map((item) => item.name)).toEqual(['q/r_input', 'q/r']);
    model.dispose();
  });

  it('links a Sequential model and gives it an input layer', () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [5], name: 'one' }), tf.layers.reLU({ name: 'two' })],
    });
    const graph = parseKerasConfig(topology(model));
    expect(graph.kind).toBe('sequential');
    expect(graph.layers.map((item) => item.className)).toEqual(['InputLayer', 'Dense', 'ReLU']);
    expect(graph.layers[0]!.config.batch_input_shape).toEqual([null, 5]);
    expect(graph.layers[2]!.inbound).toEqual([[{ layer: 'one', node: 0, tensor: 0 }]]);
    expect(graph.outputs).toEqual([{ layer: 'two', node: 0, tensor: 0 }]);
    model.dispose();
  });

  it('reads the bare layer list of an old Sequential config', () => {
    const config = { class_name: 'Sequential', config: [dense('d', { batch_input_shape: [null, 3] })] };
    expect(parseKerasConfig(config).layers.map((item) => item.name)).toEqual(['d_input', 'd']);
  });

  it('reads inputs and outputs given as one reference or as a dictionary', () => {
    const config = functional([input('a'), { ...dense('d'), inbound_nodes: [[['a', 0, 0, {}]]] }], [], []);
    (config.config as JsonObject).input_layers = { a: ['a', 0, 0] };
    (config.config as JsonObject).output_layers = ['d', 0, 0];
    const graph = parseKerasConfig(config);
    expect(graph.inputs).toEqual([{ layer: 'a', node: 0, tensor: 0 }]);
    expect(graph.outputs).toEqual([{ layer: 'd', node: 0, tensor: 0 }]);
  });

  it('drops training=false of a call and keeps what changes the result', () => {
    const call = (kwargs: JsonObject): JsonObject =>
      functional([input('a'), { ...dense('d'), inbound_nodes: [[['a', 0, 0, kwargs]]] }], ['a'], ['d']);
    expect(parseKerasConfig(call({ training: false })).layers[1]!.callArguments).toBeUndefined();
    expect(parseKerasConfig(call({ training: true })).layers[1]!.callArguments).toEqual([{ training: true }]);
  });
});

describe('Keras 3 is read in the words of Keras 2', () => {
  const tensor = (name: string, node = 0): JsonObject => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, 3], dtype: 'float32', keras_history: [name, node, 0] },
  });
  const keras3 = (layers: JsonObject[], outputs: string): JsonObject => ({
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name: 'm',
      layers: [
        {
          module: 'keras.layers',
          class_name: 'InputLayer',
          name: 'a',
          config: { name: 'a', batch_shape: [null, 3], dtype: 'float32' },
          inbound_nodes: [],
        },
        ...layers,
      ],
      input_layers: ['a', 0, 0],
      output_layers: [outputs, 0, 0],
    },
  });
  const called = (layer: JsonObject, args: JsonObject[], kwargs: JsonObject = {}): JsonObject => ({
    ...layer,
    name: (layer.config as JsonObject).name!,
    inbound_nodes: [{ args, kwargs }],
  });

  it('its policies, its shapes and its hard sigmoid', () => {
    const layer = {
      module: 'keras.layers',
      class_name: 'Dense',
      config: {
        name: 'd',
        trainable: true,
        units: 2,
        activation: 'hard_sigmoid',
        dtype: { module: 'keras', class_name: 'DTypePolicy', config: { name: 'mixed_float16' } },
        quantization_config: null,
      },
    };
    const graph = parseKerasConfig(keras3([called(layer, [tensor('a')], { training: true })], 'd'));
    expect(graph.layers[0]!.config.batch_input_shape).toEqual([null, 3]);
    expect(graph.layers[1]).toEqual({
      name: 'd',
      className: 'Dense',
      config: { name: 'd', trainable: true, units: 2, activation: 'keras3_hard_sigmoid', dtype: 'float32' },
      inbound: [[{ layer: 'a', node: 0, tensor: 0 }]],
    });
  });

  it('an operation is told from the layer of the same name by its module', () => {
    const add = (module: string, config: JsonObject) => ({ module, class_name: 'Add', config });
    const operation = called(add('keras.src.ops.numpy', { name: 'x' }), [tensor('a'), tensor('a')]);
    const layer = called(add('keras.layers', { name: 'y', trainable: true }), [tensor('x')]);
    const classes = parseKerasConfig(keras3([operation, layer], 'y')).layers.map((item) => item.className);
    expect(classes).toEqual(['InputLayer', 'TensorOperation', 'Add']);
  });

  it.each([
    [[1, 2], [1]],
    // What is left, as this package writes it.
    [
      [1, 1, -1],
      [1, 2],
    ],
    [[-1, 2], undefined],
  ])("the sizes %j of Keras 2's tf.split are the places %j", (sizes, indices) => {
    const split: JsonObject = {
      class_name: 'TFOpLambda',
      name: 'tf.split',
      config: { name: 'tf.split', function: 'split' },
      inbound_nodes: [['a', 0, 0, { num_or_size_splits: sizes, axis: -1 }]],
    };
    const graph = parseKerasConfig(functional([input('a'), split], ['a'], ['tf.split']));
    const layer = graph.layers[1]!;
    expect(layer.className).toBe(indices === undefined ? 'UnknownOperation' : 'TensorOperation');
    expect(layer.config.indices).toEqual(indices);
  });

  it("a class that others registered is never taken for Keras's own of that name", () => {
    const own = {
      module: 'my.layers',
      class_name: 'Dense',
      registered_name: 'my>Dense',
      config: { name: 'd' },
    };
    expect(parseKerasConfig(keras3([called(own, [tensor('a')])], 'd')).layers[1]!.className).toBe('my>Dense');
  });

  it('operations that are not read are named with why', () => {
    const sort = { module: 'keras.src.ops.numpy', class_name: 'Sort', config: { name: 's', axis: -1 } };
    const tile = { module: 'keras.src.ops.numpy', class_name: 'Tile', config: { name: 't', repeats: 2 } };
    const graph = parseKerasConfig(keras3([called(sort, [tensor('a')]), called(tile, [tensor('s')])], 't'));
    expect(layerProblems(graph)).toEqual([
      's (UnknownOperation): the operation Sort: it is not one of the operations that are read',
      't (UnknownOperation): the operation Tile: its repeats are not given for each axis',
    ]);
  });
});

describe('a bad config is refused with a stable code', () => {
  const cases: [string, JsonObject, string][] = [
    ['an object that is no model', { hello: 1 }, 'FORMAT_DAMAGED'],
    ['a subclassed model', { class_name: 'MyNet', config: {} }, 'FORMAT_UNSUPPORTED'],
    ['an unknown reference', functional([input('a')], ['a'], ['gone']), 'FORMAT_DAMAGED'],
    ['two layers of one name', functional([input('a'), input('a')], ['a'], ['a']), 'FORMAT_DAMAGED'],
    [
      'a Sequential without an input shape',
      { class_name: 'Sequential', config: [dense('d')] },
      'FORMAT_UNSUPPORTED',
    ],
    [
      'a cycle',
      functional(
        [
          input('a'),
          { ...dense('x'), inbound_nodes: [[['y', 0, 0]]] },
          { ...dense('y'), inbound_nodes: [[['x', 0, 0]]] },
        ],
        ['a'],
        ['y'],
      ),
      'FORMAT_DAMAGED',
    ],
    [
      'a Sequential of Keras 3 with masks and two layers of one name, which makes it a cycle',
      {
        class_name: 'Sequential',
        keras_version: '3.1.0',
        config: {
          layers: [
            { class_name: 'InputLayer', config: { name: 'in', batch_shape: [null, 4] } },
            { class_name: 'Embedding', config: { name: 'e', input_dim: 3, output_dim: 2, mask_zero: true } },
            ...['x', 'y', 'x'].map((name) => ({ class_name: 'Dropout', config: { name, rate: 0.5 } })),
          ],
        },
      },
      'FORMAT_DAMAGED',
    ],
    [
      'a Sequential of Keras 3 without layers',
      { class_name: 'Sequential', keras_version: '3.1.0', config: { layers: [] } },
      'FORMAT_UNSUPPORTED',
    ],
  ];
  it.each(cases)('%s', (_, config, code) => {
    expect(thrown(() => parseKerasConfig(config, { fileName: 'm.h5' }))).toMatchObject({ code });
  });

  it('nesting without end', () => {
    let config: JsonObject = { class_name: 'Sequential', config: { name: 's', layers: [input('a')] } };
    for (let i = 0; i < 40; i++)
      config = { class_name: 'Sequential', config: { name: 's', layers: [config] } };
    expect(thrown(() => parseKerasConfig(config))).toMatchObject({ code: 'FORMAT_LIMIT' });
  });
});
