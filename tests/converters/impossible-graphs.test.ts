import { describe, expect, it } from 'vitest';
import { MemorySink, writeKeras3, writeKerasH5, writeOnnxModel } from '../../converters/index.ts';
import type { GraphLayer, JsonObject, ModelGraph, WeightTensor } from '../../converters/index.ts';
import { codeOf } from './support.ts';

// What the fuzzer has found: graphs that no Keras writes, but that a damaged config gives.

const ref = (layer: string) => ({ layer, node: 0, tensor: 0 });
const layer = (name: string, className: string, config: JsonObject, inbound: string[]): GraphLayer => ({
  name,
  className,
  config: { name, ...config },
  inbound: [inbound.map(ref)],
});
const input: GraphLayer = {
  ...layer('in', 'InputLayer', { batch_input_shape: [null, 4, 4, 2], dtype: 'float32' }, []),
  inbound: [],
};
const graphOf = (...layers: GraphLayer[]): ModelGraph => ({
  name: 'net',
  kind: 'functional',
  layers: [input, ...layers],
  inputs: [ref('in')],
  outputs: [ref(layers.at(-1)!.name)],
});
const kernel: WeightTensor = {
  name: 'conv/kernel',
  shape: [1, 1, 2, 2],
  dtype: 'float32',
  data: new Float32Array(4),
};

describe('graphs that cannot be', () => {
  it.each([
    ['a convolution', layer('conv', 'Conv2D', { filters: 2, kernel_size: [1, 1], use_bias: false }, [])],
    [
      'a zero padding',
      layer(
        'pad',
        'ZeroPadding2D',
        {
          padding: [
            [1, 1],
            [1, 1],
          ],
        },
        [],
      ),
    ],
  ])('%s that is given nothing is refused by the ONNX writer', async (_, odd) => {
    const behind = layer('conv2', 'Conv2D', { filters: 2, kernel_size: [1, 1], use_bias: false }, [odd.name]);
    const weights = new Map([odd.name, behind.name].map((name) => [name, [kernel]] as const));
    expect(await codeOf(() => writeOnnxModel(graphOf(odd, behind), weights))).toMatch(/^(ENGINE|FORMAT)_/);
  });

  it.each([1e308, 2 ** 60, 0.5])('a size of %s is refused by the ONNX writer', async (size) => {
    const reshaped = layer('reshape', 'Reshape', { target_shape: [size] }, ['in']);
    expect(await codeOf(() => writeOnnxModel(graphOf(reshaped), new Map()))).toMatch(/^(ENGINE|FORMAT)_/);
  });

  it.each([
    ['2', writeKerasH5],
    ['3', writeKeras3],
  ])(
    'an operation on an input that it does not have is refused by the writer of Keras %s',
    async (_, write) => {
      const odd = layer(
        'add',
        'TensorOperation',
        { operation: 'add', inputs: [{ tensor: 0 }, { tensor: 3 }] },
        ['in'],
      );
      expect(await codeOf(() => write({ graph: graphOf(odd), layers: [] }, new MemorySink()))).toBe(
        'FORMAT_UNSUPPORTED_LAYER',
      );
    },
  );
});
