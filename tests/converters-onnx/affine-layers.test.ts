import { describe, expect, it } from 'vitest';
import { writeOnnxModel } from '../../converters/onnx/index.ts';
import type { LayerSpec } from './support.ts';
import { graphOf, readOnnx, tensor } from './support.ts';

const rescaling: LayerSpec = { className: 'Rescaling', name: 'rescaling', config: { scale: 0.5, offset: 1 } };
const normalization: LayerSpec = {
  className: 'Normalization',
  name: 'normalization',
  config: { axis: [-1], mean: [1, 2, 3], variance: [1, 4, 9] },
};
const vector: LayerSpec = { className: 'Rescaling', name: 'vector', config: { scale: [1, 2, 3] } };
const dense: LayerSpec = { className: 'Dense', name: 'dense', config: { units: 4 } };
const scale: LayerSpec = { className: 'LayerScale', name: 'scale', config: { projection_dim: 4 } };
const weights = new Map([
  ['dense', [tensor(3, 4), tensor(4)]],
  ['scale', [tensor(4)]],
  ['conv', [tensor(1, 1, 3, 3), tensor(3)]],
]);
/** Without those that only name or reorder. */
const operators = (layers: LayerSpec[], outputs?: string[], fold = true) =>
  readOnnx(writeOnnxModel(graphOf([8, 8, 3], layers), weights, { outputs, fold })).operators.filter(
    (name) => name !== 'Identity' && name !== 'Transpose',
  );

describe('layers that multiply and add along the channels', () => {
  it('become one when each is read by the next alone', () => {
    expect(operators([rescaling, normalization, vector])).toEqual(['Mul', 'Add']);
  });

  it('stay apart where one between them is asked for', () => {
    const both = operators([rescaling, normalization, vector], ['normalization', 'vector']);
    expect(both).toEqual(['Mul', 'Add', 'Mul']);
  });

  it('stay apart when folding is off', () => {
    const apart = operators([rescaling, normalization, vector], undefined, false);
    expect(apart).toEqual(['Mul', 'Add', 'Mul', 'Add', 'Mul']);
  });

  it('go into the dense layer before them', () => {
    expect(operators([dense, scale])).toEqual(['MatMul', 'Add']);
  });

  it('do not go there when the dense layer itself is asked for, or has an activation', () => {
    expect(operators([dense, scale], ['dense', 'scale'])).toContain('Mul');
    const active = { ...dense, config: { units: 4, activation: 'relu' } };
    expect(operators([active, scale])).toEqual(['MatMul', 'Add', 'Relu', 'Mul']);
  });

  it('let the convolution of a residual scale it', () => {
    const conv: LayerSpec = {
      className: 'Conv2D',
      name: 'conv',
      config: { filters: 3, kernel_size: [1, 1] },
    };
    const sum: LayerSpec = {
      className: 'CustomScaleLayer',
      name: 'sum',
      config: { scale: 0.17 },
      from: ['input', 'conv'],
    };
    expect(operators([conv, sum]).filter((name) => name === 'Mul')).toEqual([]);
    expect(operators([conv, sum], ['conv', 'sum']).filter((name) => name === 'Mul')).toEqual(['Mul']);
  });
});
