import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../converters/index.ts';
import { compileModel, disposeModel } from '../../src/node.ts';
import { seededTensor, seededWeight } from '../support/seeded.ts';
import type { GraphGolden } from './support.ts';
import { difference, layersModel } from './support.ts';

interface Weight {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
  readonly data: Float32Array | Int32Array;
}

const floats = (name: string, shape: number[], seed: number): Weight => ({
  name,
  shape,
  dtype: 'float32',
  data: seededWeight(name, shape, seed),
});
const integers = (name: string, values: number[]): Weight => ({
  name,
  shape: [values.length],
  dtype: 'int32',
  data: Int32Array.from(values),
});
const node = (name: string, op: string, input: string[], attr: JsonObject = {}): JsonObject => ({
  name,
  op,
  input,
  attr: { T: { type: 'DT_FLOAT' }, ...attr },
});
const list = (...values: number[]): JsonObject => ({ list: { i: values.map(String) } });
const text = (value: string): JsonObject => ({ s: btoa(value) });

const size = 6;
const bn = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
const bnWeights = bn.map((name, i) => floats(name, [3], i + 1));
const kernel = floats('kernel', [3, 3, 3, 4], 5);
const convolution = node('conv', 'Conv2D', ['x', 'kernel'], {
  strides: list(1, 2, 2, 1),
  padding: text('SAME'),
  dilations: list(1, 1, 1, 1),
  data_format: text('NHWC'),
});

/** Graphs that the converter makes of other programs than the goldens' or that older versions of it made. */
const graphs: Record<string, { nodes: JsonObject[]; weights: Weight[]; classes: string[] }> = {
  'a BatchNorm that stands alone': {
    nodes: [node('y', 'FusedBatchNormV3', ['x', ...bn], { epsilon: { f: 0.01 }, is_training: { b: false } })],
    weights: bnWeights,
    classes: ['BatchNormalization'],
  },
  'a BatchNorm behind a convolution, and a ReLU': {
    nodes: [
      node('first', 'FusedBatchNorm', ['x', ...bn], { epsilon: { f: 0.001 }, is_training: { b: false } }),
      node('conv', 'Conv2D', ['first', 'kernel'], {
        strides: list(1, 1, 1, 1),
        padding: text('VALID'),
        dilations: list(1, 1, 1, 1),
      }),
      node('y', 'Relu', ['conv']),
    ],
    weights: [...bnWeights, kernel],
    classes: ['BatchNormalization', 'Conv2D', 'ReLU'],
  },
  'a bias behind a convolution and an Identity': {
    nodes: [
      convolution,
      node('same', 'Identity', ['conv']),
      node('biased', 'BiasAdd', ['same', 'bias']),
      node('y', 'Relu6', ['biased']),
    ],
    weights: [kernel, floats('bias', [4], 6)],
    classes: ['Conv2D', 'ReLU'],
  },
  'a bias that only one of two readers of a convolution adds': {
    nodes: [
      convolution,
      node('same', 'Identity', ['conv']),
      node('biased', 'BiasAdd', ['same', 'bias']),
      node('y', 'AddN', ['biased', 'conv']),
    ],
    weights: [kernel, floats('bias', [4], 6)],
    classes: ['Conv2D', 'DepthwiseConv2D', 'Add'],
  },
  'arithmetic for each feature behind a pooling, its axes put back': {
    nodes: [
      node('pool', 'Max', ['x', 'axes'], { keep_dims: { b: false } }),
      node('scaled', 'Mul', ['gamma', 'pool']),
      node('shifted', 'Sub', ['scaled', 'beta']),
      node('taller', 'ExpandDims', ['shifted', 'axis']),
      node('y', 'Selu', ['taller']),
    ],
    weights: [...bnWeights, integers('axes', [1, 2]), integers('axis', [1])],
    classes: ['GlobalMaxPooling2D', 'BatchNormalization', 'Reshape', 'Activation'],
  },
  'padding by a constant of zero, a difference and a quotient': {
    nodes: [
      node('padded', 'PadV2', ['x', 'pads', 'zero']),
      node('less', 'Sub', ['padded', 'mean']),
      node('y', 'RealDiv', ['less', 'gamma']),
    ],
    weights: [
      { ...integers('pads', [0, 0, 1, 0, 2, 3, 0, 0]), shape: [4, 2] },
      { name: 'zero', shape: [], dtype: 'float32', data: new Float32Array(1) },
      floats('mean', [3], 8),
      floats('gamma', [3], 9),
    ],
    classes: ['ZeroPadding2D', 'DepthwiseConv2D'],
  },
};

function graphOf(name: string): GraphGolden {
  const { nodes, weights } = graphs[name]!;
  const dim = [-1, size, size, 3].map((side) => ({ size: String(side) }));
  const placeholder = node('x', 'Placeholder', [], {
    dtype: { type: 'DT_FLOAT' },
    shape: { shape: { dim } },
  });
  const constants = weights.map((weight) => node(weight.name, 'Const', []));
  const bytes = weights.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return {
    size,
    modelJson: {
      format: 'graph-model',
      modelTopology: { versions: { producer: 1 }, node: [placeholder, ...constants, ...nodes] },
      weightsManifest: [
        { paths: ['w.bin'], weights: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })) },
      ],
    },
    files: new Map([['w.bin', Uint8Array.from(Buffer.concat(bytes))]]),
    outputs: new Float32Array(),
    picture: seededTensor([2, size, size, 3], 1),
  };
}

async function ofGraphModel({ modelJson, files, picture }: GraphGolden): Promise<number[]> {
  const [group] = modelJson.weightsManifest as unknown as tf.io.WeightsManifestConfig;
  const graph = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: modelJson.modelTopology as JsonObject,
      weightSpecs: group!.weights,
      weightData: files.get('w.bin')!.slice().buffer,
    }),
  );
  const output = tf.tidy(() =>
    (graph.execute(tf.tensor4d(picture, [2, size, size, 3]), 'y') as tf.Tensor).dataSync(),
  );
  graph.dispose();
  return Array.from(output);
}

beforeAll(() => tf.ready());

describe.each(Object.keys(graphs))('%s', (name) => {
  it.each(['tfjs', 'onnx'] as const)('gives on %s what tf.loadGraphModel gives', async (engine) => {
    const before = tf.memory().numTensors;
    const graph = graphOf(name);
    const wanted = await ofGraphModel(graph);
    const model = await layersModel(graph);
    expect(model.layers.slice(1).map((layer) => layer.getClassName())).toEqual(graphs[name]!.classes);
    const compiled = await compileModel(model, { engine });
    const [output] = await compiled.run(graph.picture, [2, size, size, 3]);
    expect(difference(output!.data, wanted)).toBeLessThanOrEqual(1e-5);
    await compiled.dispose();
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});
