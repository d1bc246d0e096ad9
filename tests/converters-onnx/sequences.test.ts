import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { buildOnnxModel } from '../../converters/onnx/index.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { codeOf } from '../converters/support.ts';
import type { Listed } from './corpus.ts';
import { expectOutputs } from './corpus.ts';
import type { Encoded } from './support.ts';
import { floatsOf, graphOf, readOnnx, tensor, weightsOf } from './support.ts';

interface Golden {
  name: string;
  keras: '2' | '3';
  config: JsonObject;
  weights: Record<string, Encoded[]>;
  inputs: Encoded[];
  outputs: Encoded[];
}

const file = new URL('./goldens/keras-sequences.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] };

/**
 * Models in which Keras 3 forgets masks that Keras 2 uses: MultiHeadAttention of a sequence that another one has read. The
 * reader has to refuse them, for the graph speaks Keras 2.
 */
const REFUSED = new Set(['heads over masked sequences that others read too, Keras 3']);

const listed = (encoded: Encoded): Listed => ({ shape: encoded.shape, data: [...floatsOf(encoded)] });

const written = ({ config, weights }: Golden) => buildOnnxModel(parseKerasConfig(config), weightsOf(weights));

const titled = cases.map((golden) => [`${golden.name}, Keras ${golden.keras}`, golden] as const);

describe('recurrent layers, attention and masks as ONNX give what Keras gives', () => {
  it.each(titled.filter(([title]) => !REFUSED.has(title)))('%s', async (_, golden) => {
    await expectOutputs(written(golden), golden.inputs.map(listed), golden.outputs.map(listed), 2e-6);
  });
});

it('what is refused is among the cases', () => {
  expect([...REFUSED].filter((title) => !titled.some(([known]) => known === title))).toEqual([]);
});

describe('a mask that Keras 3 forgets is refused', () => {
  it.each(titled.filter(([title]) => REFUSED.has(title)))('%s', async (_, golden) => {
    expect(await codeOf(() => written(golden))).toBe('ENGINE_UNSUPPORTED_LAYER');
  });
});

const lstmWeights = new Map([['lstm', [tensor(3, 8), tensor(2, 8), tensor(8)]]]);

describe('what ONNX cannot say', () => {
  const lstm = (config: JsonObject, from?: string[]) => {
    const layers = [
      { className: 'Masking', name: 'masking' },
      {
        className: 'LSTM',
        name: 'lstm',
        config: { units: 2, ...config },
        ...(from === undefined ? {} : { from }),
      },
    ];
    return () => buildOnnxModel(graphOf([5, 3], layers), lstmWeights);
  };

  it.each([
    ['a stateful layer, which would begin anew with every run', { stateful: true }],
    ['a layer whose first axis is time', { time_major: true }],
    ['a layer that is called with constants', { num_constants: 1 }],
    ['an activation that is not known', { activation: 'mine' }],
  ])('%s is refused', async (_, config) => {
    expect(await codeOf(lstm(config))).toBe('ENGINE_UNSUPPORTED_LAYER');
  });

  it('states of a layer that wants more are refused', async () => {
    expect(await codeOf(lstm({}, ['input', 'masking']))).toBe('ENGINE_UNSUPPORTED_LAYER');
  });

  it('a weight of another size is refused', async () => {
    const graph = graphOf([5, 3], [{ className: 'GRU', name: 'gru', config: { units: 2 } }]);
    const weights = new Map([['gru', [tensor(4, 6), tensor(2, 6), tensor(6)]]]);
    expect(await codeOf(() => buildOnnxModel(graph, weights))).toBe('WEIGHTS_SHAPE');
  });
});

describe('which operators are written', () => {
  const operators = (config: JsonObject, masked = false) => {
    const layers = [
      ...(masked ? [{ className: 'Masking', name: 'masking' }] : []),
      { className: 'LSTM', name: 'lstm', config: { units: 2, ...config } },
    ];
    return readOnnx(buildOnnxModel(graphOf([5, 3], layers), lstmWeights).bytes).operators;
  };

  it("an LSTM with Keras's activations is ONNX's own operator", () => {
    expect(operators({})).toContain('LSTM');
    expect(operators({ recurrent_activation: 'hard_sigmoid' })).toContain('LSTM');
    expect(operators({})).not.toContain('Scan');
  });

  it('other activations and masks are a loop over the steps', () => {
    expect(operators({ activation: 'softsign' })).toContain('Scan');
    expect(operators({}, true)).toContain('Scan');
    expect(operators({}, true)).not.toContain('LSTM');
  });
});
