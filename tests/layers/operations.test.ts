import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../converters/keras/operation-list.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { TENSOR_OPERATIONS } from '../../src/layers/tensor-operations.ts';
import type { Flat } from '../converters/golden-models.ts';
import { codeOf } from '../converters/support.ts';
import { flatOf, modelOfLayer, onEachBackend, reloaded, tensorOf, worst } from './support.ts';

interface OperationCase {
  readonly config: JsonObject;
  readonly inputs: Flat[];
  readonly outputs: Flat[];
  readonly upstream?: Flat;
  readonly inputGradients?: Flat[];
}

const goldens = JSON.parse(
  readFileSync(new URL('./goldens/operations.json', import.meta.url), 'utf8'),
) as Record<string, OperationCase>;
const cases = Object.entries(goldens).map(([name, golden]) => ({ name, golden }));

const modelOf = ({ config, inputs, outputs }: OperationCase) =>
  modelOfLayer({ class_name: 'TensorOperation', config }, inputs, outputs.length);

function outputsOf(model: tf.LayersModel, { inputs }: OperationCase): Flat[] {
  const found: Flat[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    // Not predict, which joins batches: the batch may be no longer the first axis, or there may be none.
    const result = [model.apply(tensors.length === 1 ? tensors[0]! : tensors) as tf.Tensor].flat();
    found.push(...result.map(flatOf));
  });
  return found;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

onEachBackend(() => {
  it.each(cases)('$name gives what Keras gives', async ({ golden }) => {
    const before = tf.memory().numTensors;
    const model = await modelOf(golden);
    const outputs = outputsOf(model, golden);
    expect(outputs).toHaveLength(golden.outputs.length);
    outputs.forEach((output, i) => expect(worst(output, golden.outputs[i]!)).toBeLessThan(5e-6));
    model.outputs.forEach(({ shape }, i) => {
      const wanted = golden.outputs[i]!.shape;
      expect(shape).toHaveLength(wanted.length);
      // What is known of the shape before it is computed is right.
      expect(shape.map((size, axis) => size ?? wanted[axis])).toEqual(wanted);
    });
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

const withGradients = cases.filter(({ golden }) => golden.inputGradients !== undefined);

it.each(withGradients)('$name has the gradients of Keras', async ({ golden }) => {
  const model = await modelOf(golden);
  const layer = model.getLayer('layer');
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
      const [output] = [layer.apply(tensors.length === 1 ? tensors[0]! : tensors) as tf.Tensor].flat();
      return tf.sum(tf.mul(output!, tensorOf(golden.upstream!)));
    };
    const gradients = tf.grads(loss)(golden.inputs.map(tensorOf));
    expect(gradients).toHaveLength(golden.inputGradients!.length);
    gradients.forEach((gradient, i) => {
      expect(worst(flatOf(gradient), golden.inputGradients![i]!)).toBeLessThan(2e-5);
    });
  });
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});

it.each(cases)('$name is the same after plain tfjs has saved and loaded it', async ({ golden }) => {
  const model = await modelOf(golden);
  const again = await reloaded(model);
  expect(again.getLayer('layer').getConfig()).toEqual(model.getLayer('layer').getConfig());
  expect(outputsOf(again, golden)).toEqual(outputsOf(model, golden));
  model.dispose();
  again.dispose();
});

it('every operation of the list is computed, and has a case', () => {
  const names = Object.keys(OPERATIONS).sort();
  expect(Object.keys(TENSOR_OPERATIONS).sort()).toEqual(names);
  const tried = new Set(cases.map(({ golden }) => golden.config.operation as string));
  expect([...tried].sort()).toEqual(names);
});

describe('shapes that are known in part', () => {
  const shapeAfter = (config: JsonObject, ...shapes: (number | null)[][]) => {
    const inputs = shapes.map((shape) => tf.input({ batchShape: shape }));
    const map = tf.serialization.SerializationMap.getMap().classNameMap;
    const [TensorOperation, make] = map.TensorOperation!;
    const layer = make(TensorOperation, config) as unknown as tf.layers.Layer;
    return (layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor).shape;
  };
  const first = [{ tensor: 0 }];

  it('a batch of any size stays one', () => {
    expect(shapeAfter({ operation: 'add', inputs: [{ tensor: 0 }, { value: 1 }] }, [null, 3])).toEqual([
      null,
      3,
    ]);
    expect(
      shapeAfter({ operation: 'mean', inputs: first, axis: [1], keepdims: false }, [null, 3, 4]),
    ).toEqual([null, 4]);
  });

  it('what a reshape leaves open is known where all else is', () => {
    const config = { operation: 'reshape', inputs: first, shape: [2, -1] };
    expect(shapeAfter(config, [2, 3, 4])).toEqual([2, 12]);
    expect(shapeAfter(config, [null, 3, 4])).toEqual([2, null]);
  });

  it('two open sizes are broadcast to an open one', () => {
    const config = { operation: 'multiply', inputs: [{ tensor: 0 }, { tensor: 1 }] };
    expect(shapeAfter(config, [null, null, 3], [null, 1, 3])).toEqual([null, null, 3]);
  });
});

describe('refusals', () => {
  const map = () => tf.serialization.SerializationMap.getMap().classNameMap.TensorOperation!;
  const make = (config: tf.serialization.ConfigDict) => map()[1](map()[0], config);

  it('an operation that is not in the list', async () => {
    expect(await codeOf(() => make({ operation: 'eval', inputs: [{ tensor: 0 }] }))).toBe('MODEL_OPTION');
    expect(await codeOf(() => make({ operation: 'constructor', inputs: [{ tensor: 0 }] }))).toBe(
      'MODEL_OPTION',
    );
  });

  it('operands that are not as they should be', async () => {
    expect(await codeOf(() => make({ operation: 'add', inputs: [] }))).toBe('MODEL_OPTION');
    expect(await codeOf(() => make({ operation: 'add', inputs: [3] }))).toBe('MODEL_OPTION');
  });

  it('fewer tensors than operands', async () => {
    const layer = make({
      operation: 'add',
      inputs: [{ tensor: 0 }, { tensor: 1 }],
    }) as unknown as tf.layers.Layer;
    expect(await codeOf(() => layer.apply(tf.input({ shape: [3] })))).toBe('MODEL_INPUT');
  });
});
