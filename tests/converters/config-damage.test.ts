import { describe, expect, it } from 'vitest';
import { expectedWeights } from '../../converters/keras/layer-weights.ts';
import { modelConfig } from '../../converters/keras/graph-json.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { ownLayerNotes, toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import { withUniqueNames } from '../../converters/keras/unique-names.ts';
import { DovecoteError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { createRandom } from '../../src/base/random.ts';
import { configOf } from './corpus-configs.ts';

const WRONG: JsonValue[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  '',
  'relu',
  '__proto__',
  'constructor',
  [],
  {},
  [[]],
  [null, null],
  [['input_1', 0, 0]],
  { class_name: 'Lambda', config: { name: 'x' } },
  { class_name: '__keras_tensor__', config: { keras_history: ['constructor', 0, 0] } },
  Array.from({ length: 3000 }, (_, i) => i),
];

/** Every place in a config, as the keys that lead there. */
function placesIn(value: JsonValue, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, item]) => placesIn(item, [...path, key]))].filter(
    (place) => place.length > 0,
  );
}

function replaced(config: JsonObject, path: readonly (string | number)[], value: JsonValue): JsonObject {
  const copy = structuredClone(config);
  let at = copy as Record<string | number, JsonValue>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, JsonValue>;
  at[path.at(-1)!] = value;
  return copy;
}

/** Every step from a config to tfjs; what it comes to in one word. */
function outcome(config: JsonObject): string {
  try {
    const graph = parseKerasConfig(config);
    expectedWeights(withUniqueNames(graph));
    parseKerasConfig(modelConfig(graph));
    ownLayerNotes(graph);
    toTfjsTopology(graph);
    return 'converted';
  } catch (error) {
    return error instanceof DovecoteError ? 'refused' : `${String(error)}\n${(error as Error).stack}`;
  }
}

describe('a config in which one value is wrong is converted or refused with a code, and nothing else', () => {
  it.each([
    'operators.keras2.h5',
    'more_operations_keras2.keras2.h5',
    'more_operations_keras3.keras3.keras',
    'getitem.keras3.keras',
    'nested_dictionary_call.keras2.h5',
    'nested_outputs.keras3.keras',
    'masked_lstm.keras3.keras',
    'multi_head_attention.keras3.keras',
    'rnn_states.keras3.keras',
    'rnn_cells.keras3.keras',
    'bidirectional_backward_layer.keras3.keras',
    'time_distributed_model.keras3.keras',
    'masked_sequential.keras2.h5',
    'normalization.keras3.keras',
  ])('%s', async (file) => {
    const config = await configOf(file);
    const random = createRandom(file.length);
    const places = placesIn(config);
    const outcomes = new Set<string>();
    for (let i = 0; i < 120; i++) {
      const place = places[Math.floor(random() * places.length)]!;
      const value = WRONG[Math.floor(random() * WRONG.length)]!;
      const shown = `${place.join('/')} = ${JSON.stringify(value).slice(0, 80)}`;
      const result = outcome(replaced(config, place, value));
      expect([shown, result]).toEqual([shown, expect.stringMatching(/^(converted|refused)$/)]);
      outcomes.add(result);
    }
    // The damage is felt, and not everywhere.
    expect([...outcomes].sort()).toEqual(['converted', 'refused']);
  });

  it('lists that are nested deeper than any model', () => {
    let deep: JsonValue = 'a';
    for (let i = 0; i < 200_000; i++) deep = [deep];
    const config: JsonObject = { class_name: 'Sequential', config: { name: 's', layers: [deep] } };
    expect(() => parseKerasConfig(config)).toThrow(expect.objectContaining({ code: 'FORMAT_LIMIT' }));
  });

  it('names that mean something to JavaScript', () => {
    const layer = (name: string, inbound: string[]): JsonObject => ({
      class_name: inbound.length === 0 ? 'InputLayer' : 'Add',
      name,
      config: inbound.length === 0 ? { name, batch_input_shape: [null, 3] } : { name },
      inbound_nodes: inbound.length === 0 ? [] : [inbound.map((from) => [from, 0, 0, {}])],
    });
    const config: JsonObject = {
      class_name: 'Model',
      config: {
        name: '__proto__',
        layers: [layer('__proto__', []), layer('constructor', ['__proto__', '__proto__'])],
        input_layers: [['__proto__', 0, 0]],
        output_layers: [['constructor', 0, 0]],
      },
    };
    const graph = parseKerasConfig(config);
    expect(graph.layers.map(({ name }) => name)).toEqual(['__proto__', 'constructor']);
    expect(toTfjsTopology(graph).class_name).toBe('Model');
  });

  it('a key that would replace the prototype of an object', () => {
    const config = JSON.parse(
      '{"class_name":"Sequential","config":{"name":"s","layers":[{"class_name":"Dense","config":{"__proto__":{"name":"d"}}}]}}',
    ) as JsonObject;
    expect(() => parseKerasConfig(config)).toThrow(expect.objectContaining({ code: 'FORMAT_DAMAGED' }));
  });

  it('a chain of thousands of layers, written from its end', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `layer_${i}`);
    const layers = names.map((name, i): JsonObject => {
      const first = i === 0;
      return {
        class_name: first ? 'InputLayer' : 'ReLU',
        name,
        config: first ? { name, batch_input_shape: [null, 2] } : { name },
        inbound_nodes: first ? [] : [[[names[i - 1]!, 0, 0, {}]]],
      };
    });
    const config: JsonObject = {
      class_name: 'Functional',
      config: {
        name: 'chain',
        layers: layers.reverse(),
        input_layers: [[names[0]!, 0, 0]],
        output_layers: [[names.at(-1)!, 0, 0]],
      },
    };
    expect(outcome(config)).toBe('converted');
  });
});
