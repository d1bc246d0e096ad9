import { afterAll, describe, expect, it } from 'vitest';
import type { ModelGraph } from '../../converters/graph.ts';
import type { OnnxWeights, WriteOnnxOptions } from '../../converters/onnx/index.ts';
import {
  buildOnnxModel,
  IR_VERSION,
  inputOf,
  onnxLayerNames,
  OPSET_VERSION,
  registerOnnxLayer,
  weightKey,
  writeOnnxModel,
} from '../../converters/onnx/index.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import type { LayerSpec } from './support.ts';
import { count, graphOf, readOnnx, tensor } from './support.ts';

const conv = (name: string, filters: number, more: JsonObject = {}): LayerSpec => ({
  className: 'Conv2D',
  name,
  config: { filters, kernel_size: [3, 3], strides: [1, 1], padding: 'same', ...more },
});
const batchNorm = (name: string, more: JsonObject = {}): LayerSpec => ({
  className: 'BatchNormalization',
  name,
  config: { axis: 3, epsilon: 0.001, ...more },
});
const relu = (name: string): LayerSpec => ({ className: 'Activation', name, config: { activation: 'relu' } });
const convWeights = (input: number, output: number) => [tensor(3, 3, input, output), tensor(output)];
const normWeights = (channels: number) => {
  const positive = tensor(channels);
  return [
    tensor(channels),
    tensor(channels),
    tensor(channels),
    { ...positive, data: positive.data.map(Math.abs) },
  ];
};
const operators = (graph: ModelGraph, weights: OnnxWeights, options?: WriteOnnxOptions) =>
  readOnnx(writeOnnxModel(graph, weights, options));

const stem = graphOf([8, 8, 3], [conv('conv', 4), batchNorm('norm'), relu('relu'), conv('conv2', 5)]);
const stemWeights: OnnxWeights = new Map([
  ['conv', convWeights(3, 4)],
  ['norm', normWeights(4)],
  ['conv2', convWeights(4, 5)],
]);

async function run(bytes: Uint8Array, shape: number[]) {
  const session = await createOnnxSessionNode(bytes);
  const outputs = await session.run(tensor(...shape).data as Float32Array, shape);
  await session.release();
  return outputs;
}

describe('the ONNX file', () => {
  const summary = operators(stem, stemWeights);

  it('states the IR version and operator set that it promises', () => {
    expect(summary.irVersion).toBe(IR_VERSION);
    expect(summary.opset).toBe(OPSET_VERSION);
  });

  it('has one input and one output, named after the layers', () => {
    expect(summary.inputs).toEqual(['input']);
    expect(summary.outputs).toEqual(['conv2']);
  });

  it('transposes at the input and at a 4-D output only', () => {
    expect(summary.operators).toEqual(['Transpose', 'Conv', 'Relu', 'Conv', 'Transpose']);
  });

  it('is the same, byte for byte, when it is written twice', () => {
    expect(writeOnnxModel(stem, stemWeights)).toEqual(writeOnnxModel(stem, stemWeights));
  });

  it('says what goes in and comes out in the order of Keras', () => {
    const { inputs, outputs } = buildOnnxModel(stem, stemWeights, { outputs: ['norm', 'conv2'] });
    expect(inputs).toEqual([{ name: 'input', onnxName: 'input', dtype: 'float32', shape: [null, 8, 8, 3] }]);
    expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['norm', [null, 8, 8, 4]],
      ['conv2', [null, 8, 8, 5]],
    ]);
  });

  it('holds only what the outputs need', () => {
    expect(operators(stem, stemWeights, { outputs: ['conv'] }).operators).toEqual([
      'Transpose',
      'Conv',
      'Transpose',
    ]);
  });

  it('a shared layer has its weights once', () => {
    const graph: ModelGraph = {
      ...graphOf([8, 8, 4], [conv('conv', 4)]),
      outputs: [{ layer: 'conv', node: 1, tensor: 0 }],
    };
    const layers = graph.layers.map((layer) =>
      layer.name === 'conv'
        ? { ...layer, inbound: [layer.inbound[0]!, [{ layer: 'conv', node: 0, tensor: 0 }]] }
        : layer,
    );
    const written = operators({ ...graph, layers }, new Map([['conv', convWeights(4, 4)]]));
    expect(count(written, 'Conv')).toBe(2);
    expect(written.initializers).toHaveLength(2);
  });
});

describe('folding', () => {
  it('gives the same numbers as not folding', async () => {
    const folded = writeOnnxModel(stem, stemWeights);
    const unfolded = writeOnnxModel(stem, stemWeights, { fold: false });
    expect(count(readOnnx(unfolded), 'BatchNormalization')).toBe(1);
    const [a] = await run(folded, [2, 8, 8, 3]);
    const [b] = await run(unfolded, [2, 8, 8, 3]);
    const scale = Math.max(...a!.data.map(Math.abs));
    a!.data.forEach((value, index) => expect(Math.abs(value - b!.data[index]!) / scale).toBeLessThan(1e-6));
  });

  it('leaves a BatchNormalization whose convolution is read by another layer too', () => {
    const graph = graphOf(
      [8, 8, 3],
      [conv('conv', 4), batchNorm('norm'), { className: 'Add', name: 'sum', from: ['conv', 'norm'] }],
    );
    expect(count(operators(graph, stemWeights), 'BatchNormalization')).toBe(1);
  });

  it('leaves a BatchNormalization whose convolution is asked for', () => {
    expect(count(operators(stem, stemWeights, { outputs: ['conv', 'relu'] }), 'BatchNormalization')).toBe(1);
  });

  it('leaves a BatchNormalization behind an activation', () => {
    const graph = graphOf([8, 8, 3], [conv('conv', 4, { activation: 'relu' }), batchNorm('norm')]);
    expect(operators(graph, stemWeights).operators).toEqual([
      'Transpose',
      'Conv',
      'Relu',
      'BatchNormalization',
      'Transpose',
    ]);
  });

  it('puts a ZeroPadding2D into the convolution behind it', () => {
    const graph = graphOf(
      [8, 8, 3],
      [
        {
          className: 'ZeroPadding2D',
          name: 'pad',
          config: {
            padding: [
              [1, 2],
              [0, 1],
            ],
          },
        },
        conv('conv', 4, { padding: 'valid', strides: [2, 2] }),
      ],
    );
    expect(count(operators(graph, stemWeights), 'Pad')).toBe(0);
    expect(count(operators(graph, stemWeights, { fold: false }), 'Pad')).toBe(1);
    expect(count(operators(graph, stemWeights, { outputs: ['pad', 'conv'] }), 'Pad')).toBe(1);
  });
});

describe('the layout', () => {
  it('a feature map is transposed before it is flattened', () => {
    const graph = graphOf(
      [4, 4, 3],
      [
        conv('conv', 4),
        { className: 'Flatten', name: 'flat' },
        { className: 'Dense', name: 'dense', config: { units: 2 } },
      ],
    );
    const weights = new Map([
      ['conv', convWeights(3, 4)],
      ['dense', [tensor(64, 2), tensor(2)]],
    ]);
    expect(operators(graph, weights).operators).toEqual([
      'Transpose',
      'Conv',
      'Transpose',
      'Flatten',
      'Gemm',
      'Identity',
    ]);
  });

  it('a map of one pixel needs no transpose', () => {
    const graph = graphOf(
      [4, 4, 3],
      [conv('conv', 4, { kernel_size: [4, 4], padding: 'valid' }), { className: 'Flatten', name: 'flat' }],
    );
    const weights = new Map([['conv', [tensor(4, 4, 3, 4), tensor(4)]]]);
    expect(operators(graph, weights).operators).toEqual(['Transpose', 'Conv', 'Flatten', 'Identity']);
  });

  it('a pooled map that becomes a map again is never flattened, as in squeeze and excite', async () => {
    const specs: LayerSpec[] = [
      { className: 'GlobalAveragePooling2D', name: 'squeeze' },
      { className: 'Reshape', name: 'reshape', config: { target_shape: [1, 1, 4] } },
      conv('reduce', 2, { kernel_size: [1, 1] }),
    ];
    const graph = graphOf([6, 5, 4], specs);
    const kernel = tensor(1, 1, 4, 2);
    const bias = tensor(2);
    const weights: OnnxWeights = new Map([['reduce', [kernel, bias]]]);
    expect(operators(graph, weights).operators).toEqual([
      'Transpose',
      'GlobalAveragePool',
      'Conv',
      'Transpose',
    ]);
    // Asked for in between, the vector is there too.
    const both = buildOnnxModel(graph, weights, { outputs: ['squeeze', 'reduce'] });
    const [vector, output] = await run(both.bytes, [2, 6, 5, 4]);
    expect(vector!.shape).toEqual([2, 4]);
    expect(output!.shape).toEqual([2, 1, 1, 2]);
    for (let at = 0; at < 4; at++) {
      const [picture, filter] = [at >> 1, at & 1];
      const products = [0, 1, 2, 3].map(
        (channel) => vector!.data[4 * picture + channel]! * kernel.data[2 * channel + filter]!,
      );
      const expected = products.reduce((sum, product) => sum + product, bias.data[filter]!);
      expect(output!.data[at]).toBeCloseTo(expected, 5);
    }
  });

  it('the three channels of a picture are normalised behind the transpose, many channels before it', () => {
    const normalization = (channels: number): LayerSpec => ({
      className: 'Normalization',
      name: 'normalization',
      config: {
        axis: [-1],
        mean: Array.from({ length: channels }, (_, channel) => channel),
        variance: Array.from({ length: channels }, (_, channel) => 1 + channel),
      },
    });
    const order = (channels: number) =>
      operators(
        graphOf([8, 8, channels], [normalization(channels), conv('conv', 4)]),
        new Map([['conv', convWeights(channels, 4)]]),
      ).operators;
    expect(order(3)).toEqual(['Transpose', 'Mul', 'Add', 'Conv', 'Transpose']);
    expect(order(16)).toEqual(['Mul', 'Add', 'Transpose', 'Conv', 'Transpose']);
  });

  it('two readers of the input share its transpose', () => {
    const graph = graphOf(
      [8, 8, 3],
      [
        conv('left', 4),
        { ...conv('right', 4), from: ['input'] },
        { className: 'Concatenate', name: 'both', config: { axis: 3 }, from: ['left', 'right'] },
      ],
    );
    const weights = new Map([
      ['left', convWeights(3, 4)],
      ['right', convWeights(3, 4)],
    ]);
    expect(count(operators(graph, weights), 'Transpose')).toBe(2);
  });
});

describe('what cannot be written', () => {
  const thrown = (graph: ModelGraph, weights: OnnxWeights, options?: WriteOnnxOptions): unknown => {
    try {
      writeOnnxModel(graph, weights, options);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('an unknown layer is named, with its class and the way out', () => {
    const error = thrown(graphOf([4], [{ className: 'Mystery', name: 'what' }]), new Map());
    expect(error).toMatchObject({ code: 'ENGINE_UNSUPPORTED_LAYER', given: 'Mystery "what"' });
    expect((error as Error).message).toContain('--engine tfjs');
  });

  it.each([
    [
      'an unknown activation',
      { className: 'Activation', name: 'x', config: { activation: 'wiggle' } },
      'wiggle',
    ],
    [
      'an activation that is an object',
      { className: 'Activation', name: 'x', config: { activation: {} } },
      '{}',
    ],
    [
      'a bicubic UpSampling2D',
      { className: 'UpSampling2D', name: 'x', config: { interpolation: 'bicubic' } },
      'bicubic',
    ],
    ['a causal convolution', conv('x', 4, { padding: 'causal' }), 'causal'],
    [
      'a LayerNormalization over an axis that is not there',
      { className: 'LayerNormalization', name: 'x', config: { axis: [4] } },
      '[4]',
    ],
    [
      'a Reshape with two open sides',
      { className: 'Reshape', name: 'x', config: { target_shape: [-1, -1] } },
      '-1',
    ],
  ] as [string, LayerSpec, string][])('%s', (_name, layer, word) => {
    const error = thrown(graphOf([8, 8, 3], [layer]), stemWeights);
    expect(error).toMatchObject({ code: 'ENGINE_UNSUPPORTED_LAYER' });
    expect((error as Error).message).toContain(word);
    expect((error as Error).message).toContain('"x"');
  });

  it('a call with training: true', () => {
    const graph = graphOf([8, 8, 3], [batchNorm('norm')]);
    const layers = graph.layers.map((layer) =>
      layer.name === 'norm' ? { ...layer, callArguments: [{ training: true }] } : layer,
    );
    expect(thrown({ ...graph, layers }, new Map([['norm', normWeights(3)]]))).toMatchObject({
      code: 'ENGINE_UNSUPPORTED_LAYER',
    });
  });

  it('weights that are missing', () => {
    const error = thrown(stem, new Map([...stemWeights, ['conv', [tensor(3, 3, 3, 4)]]]));
    expect(error).toMatchObject({ code: 'WEIGHTS_MISSING' });
    expect((error as Error).message).toContain('"conv"');
  });

  it('weights of another shape, with both shapes', () => {
    const error = thrown(stem, new Map([...stemWeights, ['conv2', convWeights(5, 4)]]));
    expect(error).toMatchObject({ code: 'WEIGHTS_SHAPE', given: '[3, 3, 5, 4]', expected: '[3, 3, 4, 5]' });
  });

  it('a folded BatchNormalization of another width than its convolution', () => {
    const error = thrown(stem, new Map([...stemWeights, ['norm', normWeights(5)]]));
    expect(error).toMatchObject({ code: 'WEIGHTS_SHAPE', given: '[5]', expected: '[4]' });
  });

  it('an output that is not there', () => {
    expect(thrown(stem, stemWeights, { outputs: ['nothing'] })).toMatchObject({ code: 'MODEL_OPTION' });
  });
});

describe('a layer of your own', () => {
  const before = onnxLayerNames().includes('Negate');
  registerOnnxLayer('Negate', {
    emit(call) {
      const input = inputOf(call);
      const name = call.builder.node('Neg', [call.builder.plain(input)]);
      return { shape: input.shape, born: 'plain', forms: { plain: name } };
    },
  });
  afterAll(() => expect(before).toBe(false));

  it('can be taught to the writer', async () => {
    const bytes = writeOnnxModel(graphOf([3], [{ className: 'Negate', name: 'minus' }]), new Map());
    const [output] = await run(bytes, [2, 3]);
    expect(output!.data).toEqual(tensor(2, 3).data.map((value) => -value));
  });
});

describe('nested models', () => {
  it('have their weights under both names', () => {
    const inner = graphOf([8, 8, 3], [conv('conv', 4)]);
    const outer: ModelGraph = {
      name: 'outer',
      kind: 'functional',
      inputs: [{ layer: 'input', node: 0, tensor: 0 }],
      outputs: [{ layer: 'inner', node: 0, tensor: 0 }],
      layers: [
        inner.layers[0]!,
        {
          name: 'inner',
          className: 'Model',
          config: {},
          inbound: [[{ layer: 'input', node: 0, tensor: 0 }]],
          nested: inner,
        },
      ],
    };
    const weights = new Map([[weightKey(['inner', 'conv']), convWeights(3, 4)]]);
    expect(count(operators(outer, weights), 'Conv')).toBe(1);
  });
});
