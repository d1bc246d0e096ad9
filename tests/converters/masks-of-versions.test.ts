import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keras2Config, keras3Config } from '../../converters/keras-writer/write-keras.ts';
import { withExplicitMasks } from '../../converters/keras/explicit-masks.ts';
import { withImpliedMasks } from '../../converters/keras/masks.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { layerProblems, toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import { buildOnnxModel, weightKey } from '../../converters/onnx/index.ts';
import type { JsonObject, NamedTensor } from '../../src/base/types.ts';
import type { ModelGraph } from '../../converters/graph.ts';
import { codeOf } from './support.ts';

interface Judged {
  config: JsonObject;
  output: number[];
  weights: { layer: string[]; shapes: number[][] }[];
}
const goldens = new URL('./goldens/masks-of-versions.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(goldens, 'utf8')) as {
  cases: { name: string; keras2: Judged; keras3: Judged }[];
};
const zeros = ({ weights }: Judged) =>
  new Map(
    weights.map(({ layer, shapes }) => [
      weightKey(layer),
      shapes.map((shape, i): NamedTensor => {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
        return { name: `weight_${i}`, shape, dtype: 'float32', data };
      }),
    ]),
  );
const OTHER: unknown = expect.stringContaining('a mask that Keras 2 would not find');

describe.each(cases)('$name', ({ keras2, keras3 }) => {
  it('is something else in Keras 3, which no writer passes over', async () => {
    const differences = keras2.output.map((value, i) => Math.abs(value - keras3.output[i]!));
    expect(Math.max(...differences)).toBeGreaterThan(0.01);
    const graph = parseKerasConfig(keras3.config);
    expect(layerProblems(graph)).toContainEqual(OTHER);
    const writers: (() => unknown)[] = [
      () => toTfjsTopology(graph),
      () => buildOnnxModel(graph, zeros(keras3)),
      () => keras2Config(graph),
      () => keras3Config(graph),
    ];
    const codes = await Promise.all(writers.map((write) => codeOf(write)));
    const unsupported = 'FORMAT_UNSUPPORTED_LAYER';
    expect(codes).toEqual([unsupported, 'ENGINE_UNSUPPORTED_LAYER', unsupported, unsupported]);
  });

  it('is read as it is in Keras 2', () => {
    const graph = parseKerasConfig(keras2.config);
    expect(graph.layers.every(({ callArguments }) => callArguments === undefined)).toBe(true);
    expect(layerProblems(graph)).not.toContainEqual(OTHER);
  });
});

describe('attention that masks reach, and that is called with masks', () => {
  const ref = (layer: string) => ({ layer, node: 0, tensor: 0 });
  const graph = (mask: string): ModelGraph => ({
    name: 'model',
    kind: 'functional',
    layers: [
      { name: 'tokens', className: 'InputLayer', config: { name: 'tokens' }, inbound: [] },
      { name: 'given', className: 'InputLayer', config: { name: 'given' }, inbound: [] },
      {
        name: 'embedding',
        className: 'Embedding',
        config: { name: 'embedding', mask_zero: true },
        inbound: [[ref('tokens')]],
      },
      {
        name: 'heads',
        className: 'MultiHeadAttention',
        config: { name: 'heads', call_inputs: ['query', 'value', mask] },
        inbound: [[ref('embedding'), ref('embedding'), ref('given')]],
      },
    ],
    inputs: [ref('tokens'), ref('given')],
    outputs: [ref('heads')],
  });

  it('keeps the name of its own mask beside the others', () => {
    const heads = withExplicitMasks(graph('attention_mask'))!.layers.find(({ name }) => name === 'heads')!;
    expect(heads.config.call_inputs).toEqual([
      'query',
      'value',
      'attention_mask',
      'query_mask',
      'value_mask',
    ]);
    expect(heads.inbound).toEqual([
      [ref('embedding'), ref('embedding'), ref('given'), ref('tokens_mask'), ref('tokens_mask')],
    ]);
  });

  it('has no two masks of one input', () => {
    expect(withExplicitMasks(graph('value_mask'))).toBeUndefined();
    expect(layerProblems(graph('value_mask'))).not.toEqual([]);
  });
});

describe('masks that Concatenate joins along axis 2, found and not stated', () => {
  const ref = (layer: string) => ({ layer, node: 0, tensor: 0 });
  const calledWithOther = (steps: number[], second: string) => {
    const made = (name: string, className: string, from: string[], config: JsonObject = {}) => ({
      layer: {
        name,
        className,
        config: { name, ...config },
        inbound: from.length > 0 ? [from.map(ref)] : [],
      },
      masks: [],
    });
    const calls = [
      made('x', 'InputLayer', [], { batch_input_shape: [null, ...steps] }),
      made('y', 'InputLayer', [], { batch_input_shape: [null, ...steps] }),
      made('a', 'Embedding', ['x'], { mask_zero: true }),
      made('b', 'Embedding', [second], { mask_zero: true }),
      made('joined', 'Concatenate', ['a', 'b'], { axis: 2 }),
      made('mean', 'GlobalAveragePooling1D', ['joined']),
    ];
    return withImpliedMasks(calls, [ref('mean')]).at(-1)!.callArguments !== undefined;
  };

  it('are others in Keras 3 along the last axis, unless they are one', () => {
    expect(calledWithOther([4], 'y')).toBe(true);
    expect(calledWithOther([4], 'x')).toBe(false);
  });

  it('are the same along another axis', () => {
    expect(calledWithOther([4, 5], 'y')).toBe(false);
  });
});
