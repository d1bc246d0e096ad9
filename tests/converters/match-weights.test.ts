import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../converters/index.ts';
import type { LayerWeights, NamedTensor, WeightTensor } from '../../src/base/types.ts';
import { matchWeights, type ExpectedLayer, type ModelFile } from '../../converters/index.ts';

function tensor(name: string, shape: number[], start = 0): NamedTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, dtype: 'float32', data: Float32Array.from({ length }, (_, i) => start + i) };
}

function fileOf(layers: LayerWeights[], more: Partial<ModelFile> = {}): ModelFile {
  return { kind: 'keras-h5-weights', fileName: 'w.h5', kerasVersion: '2.0.0', layers, notes: [], ...more };
}

const dense = (layer: string, shape: number[]): ExpectedLayer => ({
  layer,
  weights: [
    { name: `${layer}/kernel`, shape },
    { name: `${layer}/bias`, shape: [shape.at(-1)!] },
  ],
});
const denseWeights = (layer: string, shape: number[], prefix = layer): LayerWeights => ({
  layer,
  weights: [tensor(`${prefix}_W`, shape), tensor(`${prefix}_b`, [shape.at(-1)!])],
});

describe('weights find their layers', () => {
  it('by position, past layers without weights on both sides, and take the model names', () => {
    const file = fileOf([
      { layer: 'input', weights: [] },
      denseWeights('x', [2, 3]),
      denseWeights('y', [3, 1]),
    ]);
    const matched = matchWeights(
      [dense('a', [2, 3]), { layer: 'relu', weights: [] }, dense('b', [3, 1])],
      file,
    );
    expect(matched.map((list) => list.map((item) => item.name))).toEqual([
      ['a/kernel', 'a/bias'],
      [],
      ['b/kernel', 'b/bias'],
    ]);
  });

  it('by name, in any order', () => {
    const file = fileOf([
      denseWeights('b', [3, 1]),
      denseWeights('a', [2, 3]),
      denseWeights('unused', [1, 1]),
    ]);
    const matched = matchWeights([dense('a', [2, 3]), dense('b', [3, 1])], file, { by: 'name' });
    expect(matched.map((list) => list[0]!.shape)).toEqual([
      [2, 3],
      [3, 1],
    ]);
  });

  it('a missing name is named, and so is what nobody takes', () => {
    const file = fileOf([denseWeights('dense_1', [2, 3])]);
    const run = () => matchWeights([dense('a', [2, 3])], file, { by: 'name' });
    expect(run).toThrow(expect.objectContaining({ code: 'WEIGHTS_MISSING' }) as Error);
    expect(run).toThrow(/no weights for a\.[\s\S]*nothing takes dense_1/);
  });

  it('a wrong shape names both layers, both shapes and the file', () => {
    const file = fileOf([denseWeights('fc', [2, 4])]);
    const run = () => matchWeights([dense('predictions', [2, 3])], file);
    expect(run).toThrow(expect.objectContaining({ code: 'WEIGHTS_SHAPE' }) as Error);
    expect(run).toThrow(
      /predictions[\s\S]*fc in w\.h5[\s\S]*\[2, 4\] in the file[\s\S]*\[2, 3\] in the model/,
    );
  });

  it('a wrong number of weights in one layer', () => {
    const file = fileOf([{ layer: 'fc', weights: [tensor('W', [2, 3])] }]);
    expect(() => matchWeights([dense('p', [2, 3])], file)).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_COUNT' }) as Error,
    );
  });

  it('a file that is shorter than the model', () => {
    const run = () =>
      matchWeights([dense('a', [2, 3]), dense('top', [3, 9])], fileOf([denseWeights('a', [2, 3])]));
    expect(run).toThrow(expect.objectContaining({ code: 'WEIGHTS_COUNT' }) as Error);
    expect(run).toThrow(/model has 1 more layer with weights than w\.h5: top[\s\S]*includeTop: false/);
  });
});

describe("Theano's kernels", () => {
  const conv = (shape: number[]): ExpectedLayer => ({
    layer: 'conv',
    weights: [{ name: 'conv/kernel', shape }],
  });
  const stored = (shape: number[]): LayerWeights => ({ layer: 'c', weights: [tensor('w', shape)] });

  it('(out, in, rows, cols) becomes (rows, cols, in, out), mirrored', () => {
    const [[kernel]] = matchWeights([conv([2, 2, 1, 3])], fileOf([stored([3, 1, 2, 2])])) as [[WeightTensor]];
    expect(kernel.shape).toEqual([2, 2, 1, 3]);
    // Filter 0 was [[0, 1], [2, 3]].
    expect([0, 3, 6, 9].map((i) => numbersOf(kernel)[i])).toEqual([3, 2, 1, 0]);
  });

  it("kernels of Keras 2 on Theano have TensorFlow's order and are mirrored", () => {
    const file = fileOf([stored([2, 2, 1, 1])], { backend: 'theano' });
    const [[kernel]] = matchWeights([conv([2, 2, 1, 1])], file) as [[WeightTensor]];
    expect(Array.from(numbersOf(kernel))).toEqual([3, 2, 1, 0]);
  });

  it('one telling kernel decides for the whole file', () => {
    const expected: ExpectedLayer[] = [
      { layer: 'a', weights: [{ name: 'a/kernel', shape: [3, 3, 3, 3] }] },
      { layer: 'b', weights: [{ name: 'b/kernel', shape: [1, 1, 3, 5] }] },
    ];
    const theano = fileOf([stored([3, 3, 3, 3]), { layer: 'd', weights: [tensor('w', [5, 3, 1, 1])] }]);
    expect(numbersOf(matchWeights(expected, theano)[0]![0]!)[0]).toBe(8);
    const plain = fileOf([stored([3, 3, 3, 3]), { layer: 'd', weights: [tensor('w', [1, 1, 3, 5])] }]);
    expect(numbersOf(matchWeights(expected, plain)[0]![0]!)[0]).toBe(0);
  });

  it('depthwise kernels and dense ones are left alone', () => {
    const expected: ExpectedLayer[] = [
      { layer: 'd', weights: [{ name: 'd/depthwise_kernel', shape: [2, 2, 1, 1] }] },
    ];
    const file = fileOf([stored([2, 2, 1, 1])], { backend: 'theano' });
    expect(Array.from(numbersOf(matchWeights(expected, file)[0]![0]!))).toEqual([0, 1, 2, 3]);
  });

  it('the caller may decide', () => {
    const file = fileOf([stored([2, 2, 1, 1])]);
    expect(numbersOf(matchWeights([conv([2, 2, 1, 1])], file, { kernelOrder: 'theano' })[0]![0]!)[0]).toBe(3);
    expect(numbersOf(matchWeights([conv([2, 2, 1, 1])], file)[0]![0]!)[0]).toBe(0);
  });
});
