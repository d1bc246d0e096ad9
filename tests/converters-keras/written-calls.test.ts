import { describe, expect, it } from 'vitest';
import { MemorySink } from '../../converters/byte-sink.ts';
import type { GraphLayer, ModelGraph } from '../../converters/graph.ts';
import {
  keras2Config,
  keras3Config,
  writeKeras3,
  writeKerasH5,
} from '../../converters/keras-writer/write-keras.ts';
import { keras2Context } from '../../converters/keras-writer/keras2-model.ts';
import { loadOrder } from '../../converters/keras-writer/load-order.ts';
import type { JsonObject } from '../../src/base/types.ts';

const ref = (layer: string) => ({ layer, node: 0, tensor: 0 });
const layer = (name: string, className: string, from: string[], config: JsonObject = {}): GraphLayer => ({
  name,
  className,
  config: { name, ...config },
  inbound: from.length === 0 ? [] : [from.map(ref)],
});
const input = (name: string, ...shape: number[]) =>
  layer(name, 'InputLayer', [], { batch_input_shape: [null, ...shape] });
const model = (layers: GraphLayer[], outputs: string[]): ModelGraph => ({
  name: 'model',
  kind: 'functional',
  layers,
  inputs: layers.filter(({ className }) => className === 'InputLayer').map(({ name }) => ref(name)),
  outputs: outputs.map(ref),
});

interface Written {
  readonly name: string;
  readonly class_name: string;
  readonly config: JsonObject;
  readonly inbound_nodes: readonly unknown[];
}

function written(config: JsonObject): Map<string, Written> {
  const { layers } = config.config as unknown as { layers: Written[] };
  return new Map(layers.map((item) => [item.name, item]));
}

/** The tensors of Keras 3's calls by the names of their layers. */
function inWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inWords);
  if (typeof value !== 'object' || value === null) return value;
  const { class_name: className, config } = value as { class_name?: string; config?: JsonObject };
  if (className === '__keras_tensor__') return (config!.keras_history as string[])[0];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inWords(item)]));
}

const keras2Calls = (graph: ModelGraph, name: string) =>
  written(keras2Config(graph)).get(name)!.inbound_nodes;
const keras3Calls = (graph: ModelGraph, name: string) =>
  inWords(written(keras3Config(graph)).get(name)!.inbound_nodes);

const HEADS = { num_heads: 2, key_dim: 3 };
const attention = (inputs: string[], config: JsonObject = {}) =>
  model(
    [
      input('x', 4, 6),
      input('y', 5, 6),
      input('m', 4, 5),
      layer('heads', 'MultiHeadAttention', inputs, { ...HEADS, ...config }),
    ],
    ['heads'],
  );

describe('what attention is called with', () => {
  const masked = attention(['x', 'y', 'm'], { call_inputs: ['query', 'value', 'attention_mask'] });

  it('has its names in Keras 2', () => {
    expect(keras2Calls(masked, 'heads')).toEqual([
      [['x', 0, 0, { value: ['y', 0, 0], attention_mask: ['m', 0, 0] }]],
    ]);
    expect(keras2Calls(attention(['x', 'y', 'y']), 'heads')).toEqual([
      [['x', 0, 0, { value: ['y', 0, 0], key: ['y', 0, 0] }]],
    ]);
  });

  it('has names in Keras 3 where it is not query, value and key', () => {
    expect(keras3Calls(masked, 'heads')).toEqual([{ args: ['x', 'y'], kwargs: { attention_mask: 'm' } }]);
    expect(keras3Calls(attention(['x', 'y', 'y']), 'heads')).toEqual([{ args: ['x', 'y', 'y'], kwargs: {} }]);
  });

  it('is no option of the layer', () => {
    expect(written(keras2Config(masked)).get('heads')!.config).not.toHaveProperty('call_inputs');
    expect(written(keras3Config(masked)).get('heads')!.config).not.toHaveProperty('call_inputs');
  });

  it('may differ from call to call', () => {
    const twice = attention(['x', 'x']);
    const [heads] = twice.layers.slice(-1) as [GraphLayer];
    const both: GraphLayer = {
      ...heads,
      inbound: [heads.inbound[0]!, ['x', 'x', 'm'].map(ref)],
      callArguments: [{}, { call_inputs: ['query', 'value', 'attention_mask'] }],
    };
    expect(keras3Calls({ ...twice, layers: [...twice.layers.slice(0, -1), both] }, 'heads')).toEqual([
      { args: ['x', 'x'], kwargs: {} },
      { args: ['x', 'x'], kwargs: { attention_mask: 'm' } },
    ]);
  });

  it('is refused where a version has no such argument, or names are missing', () => {
    const query = attention(['x', 'y', 'm'], { call_inputs: ['query', 'value', 'query_mask'] });
    expect(() => keras2Config(query)).toThrow(/called with query_mask/);
    expect(() => keras2Config(attention(['x', 'y'], { call_inputs: ['query'] }))).toThrow(/has 2 inputs/);
  });
});

const embedded = (name: string, from: string) =>
  layer(name, 'Embedding', [from], { input_dim: 4, output_dim: 3, mask_zero: true });
/** Two inputs, `a` and `b`, with masks of their own. */
const twoMasked = [input('x', 5), input('y', 5), embedded('a', 'x'), embedded('b', 'y')];
const summed = [...twoMasked, layer('sum', 'Add', ['a', 'b'])];
const lstm = (name: string, ...from: string[]) =>
  layer(name, 'LSTM', from, { units: 3, activation: 'tanh', recurrent_activation: 'sigmoid' });

describe('masks of Keras 2 in a file for Keras 3', () => {
  it('come by themselves where Keras 3 finds the same', () => {
    const graph = model([input('x', 5), embedded('e', 'x'), lstm('rnn', 'e')], ['rnn']);
    expect(keras3Calls(graph, 'rnn')).toEqual([{ args: ['e'], kwargs: {} }]);
    expect(written(keras3Config(graph)).get('e')!.config.mask_zero).toBe(true);
  });

  it('are stated behind a merge, where Keras 3 has a step that only one of the inputs has', () => {
    const graph = model([...summed, lstm('rnn', 'sum')], ['rnn']);
    expect(keras3Calls(graph, 'rnn')).toEqual([{ args: ['sum'], kwargs: { mask: 'x_mask_mask' } }]);
    expect(written(keras3Config(graph)).get('x_mask_mask')!.class_name).toBe('LogicalAnd');
    expect(written(keras3Config(graph)).get('a')!.config.mask_zero).toBe(false);
    expect(written(keras3Config(graph)).get('rnn')!.class_name).toBe('LSTM');
  });

  it('are stated where a concatenation counts its last axis from the front', () => {
    const graph = model(
      [...twoMasked, layer('both', 'Concatenate', ['a', 'b'], { axis: 2 }), lstm('rnn', 'both')],
      ['rnn'],
    );
    expect(keras3Calls(graph, 'rnn')).toEqual([{ args: ['both'], kwargs: { mask: 'x_mask_mask' } }]);
    expect(written(keras3Config(graph)).get('both')!.config.axis).toBe(2);
  });

  it('are stated where states are given, with which Keras 3 looks for none', () => {
    const graph = model(
      [input('x', 5), input('h', 3), input('c', 3), embedded('e', 'x'), lstm('rnn', 'e', 'h', 'c')],
      ['rnn'],
    );
    expect(keras3Calls(graph, 'rnn')).toEqual([
      { args: ['e'], kwargs: { initial_state: ['h', 'c'], mask: 'x_mask' } },
    ]);
  });

  it('end where they end in Keras 2, though Keras 3 hands them on', () => {
    const graph = model(
      [
        input('x', 5, 3),
        layer('skip', 'Masking', ['x'], { mask_value: 0 }),
        layer('same', 'Identity', ['skip']),
        lstm('rnn', 'same'),
      ],
      ['rnn'],
    );
    expect(keras3Calls(graph, 'rnn')).toEqual([{ args: ['same_unmasked'], kwargs: {} }]);
    expect(written(keras3Config(graph)).get('same_unmasked')!.class_name).toBe('Copy');
    expect(written(keras3Config(graph)).get('skip')!.class_name).toBe('Masking');
  });

  it('are refused where they cannot be stated', () => {
    const graph = model(
      [...summed, layer('steps', 'Concatenate', ['sum', 'a'], { axis: 1 }), lstm('rnn', 'steps')],
      ['rnn'],
    );
    expect(() => keras3Config(graph)).toThrow(/Keras 3 would find other masks/);
    expect(() => keras2Config(graph)).not.toThrow();
  });

  it('of queries are stated as masks of queries and keys, which Keras 3 does not ignore', () => {
    const graph = model([...summed, layer('heads', 'MultiHeadAttention', ['sum', 'sum'], HEADS)], ['heads']);
    expect(keras3Calls(graph, 'heads')).toEqual([
      { args: ['sum', 'sum'], kwargs: { attention_mask: 'heads_queries', value_mask: 'x_mask_mask' } },
    ]);
    expect(keras3Calls(graph, 'heads_queries')).toEqual([{ args: ['x_mask_mask'], kwargs: {} }]);
  });

  it('are refused where attention is called with a mask besides', () => {
    const graph = model(
      [
        input('x', 5),
        input('h', 3),
        input('m', 5, 5),
        embedded('e', 'x'),
        lstm('rnn', 'e', 'h', 'h'),
        layer('heads', 'MultiHeadAttention', ['e', 'e', 'm'], {
          ...HEADS,
          call_inputs: ['query', 'value', 'attention_mask'],
        }),
      ],
      ['heads', 'rnn'],
    );
    expect(() => keras3Config(graph)).toThrow(/called with a mask where masks reach it/);
  });
});

describe("Keras Applications' own layers", () => {
  const graph = model(
    [input('x', 4, 4, 3), layer('scale', 'LayerScale', ['x'], { init_values: 0.5, projection_dim: 3 })],
    ['scale'],
  );

  it('have to be given to Keras 2, and Keras 3 finds them', async () => {
    const model = { graph, layers: [] };
    expect((await writeKerasH5(model, new MemorySink())).notes).toEqual([
      expect.stringContaining('custom_objects={"LayerScale": LayerScale}'),
    ]);
    expect((await writeKeras3(model, new MemorySink())).notes).toEqual([]);
  });
});

describe('the order in which Keras loads weights', () => {
  const dense = (name: string, from: string) => layer(name, 'Dense', [from], { units: 3 });
  const orderOf = (layers: GraphLayer[], outputs: string[]) =>
    loadOrder(model(layers, outputs), keras2Context('a test')).map(({ name }) => name);

  it('is by the distance from the outputs, whatever the order in the file', () => {
    const layers = [input('x', 3), dense('last', 'middle'), dense('short', 'x'), dense('middle', 'x')];
    const sum = layer('sum', 'Add', ['last', 'short']);
    expect(orderOf([...layers, sum], ['sum'])).toEqual(['x', 'middle', 'last', 'short', 'sum']);
  });

  it('has no layers that no output needs', () => {
    expect(orderOf([input('x', 3), dense('used', 'x'), dense('unused', 'x')], ['used'])).toEqual([
      'x',
      'used',
    ]);
  });
});
