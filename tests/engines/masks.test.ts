import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileModel } from '../../src/engines/compile-model.ts';
import { registeredClass } from '../../src/layers/registered.ts';
import '../../src/layers/index.ts';
import { codeOf } from '../converters/support.ts';
import { largestDifference, prepareEngines, seedWeights } from './support.ts';

beforeAll(() => prepareEngines());

const L = tf.layers;
type Node = tf.SymbolicTensor;
const on = (layer: tf.layers.Layer, x: Node | Node[]) => layer.apply(x) as Node;
const masked = (x: Node) => on(L.masking({ maskValue: 0 }), x);
const own = (className: string, config: object) =>
  new (registeredClass(className) as new (args: object) => tf.layers.Layer)(config);
const lstm = (returnSequences = false) => L.lstm({ units: 3, returnSequences });
const inner = (shape: number[], use: (x: Node) => Node) => {
  const inputs = tf.input({ shape });
  return tf.model({ inputs, outputs: use(inputs) }) as unknown as tf.layers.Layer;
};

function model(use: (x: Node) => Node): tf.LayersModel {
  const inputs = tf.input({ shape: [5, 3] });
  const result = tf.model({ inputs, outputs: use(inputs) });
  seedWeights(result);
  return result;
}

/** Two sequences, with steps of nothing but zeros. */
const data = Float32Array.from({ length: 30 }, (_, i) =>
  [2, 3, 4, 8].includes(Math.floor(i / 3)) ? 0 : Math.sin(i + 1),
);

const SAME: [string, (x: Node) => Node][] = [
  ['a recurrent layer behind another one', (x) => on(lstm(), on(lstm(true), masked(x)))],
  [
    'a layer of this package that lets masks through',
    (x) => on(lstm(), on(own('KerasLeakyReLU', {}), masked(x))),
  ],
  [
    'both directions of one output',
    (x) => on(L.bidirectional({ layer: lstm(), mergeMode: 'concat' }), masked(x)),
  ],
  ['a pooling that knows no masks', (x) => on(L.globalAveragePooling1d({}), masked(x))],
  ['a pooling that knows masks', (x) => on(own('KerasGlobalAveragePooling1D', {}), masked(x))],
  [
    'two masks, one behind the other',
    (x) => on(L.add(), [on(lstm(), masked(x)), on(lstm(), masked(on(L.reLU(), x)))]),
  ],
];

const OTHERWISE: [string, (x: Node) => Node][] = [
  [
    'a layer of tfjs that ends masks which Keras lets through',
    (x) => on(lstm(), on(L.leakyReLU({}), masked(x))),
  ],
  [
    'both directions of all steps',
    (x) => on(L.bidirectional({ layer: lstm(true), mergeMode: 'concat' }), masked(x)),
  ],
  ['a recurrent layer whose input has no mask', (x) => on(L.add(), [on(lstm(), masked(x)), on(lstm(), x)])],
  ['a merge of a masked sequence', (x) => on(lstm(), on(L.add(), [masked(x), x]))],
  [
    'a model within the model',
    (x) =>
      on(
        inner([5, 3], (y) => on(lstm(), y)),
        masked(x),
      ),
  ],
  ['a mask that a model within the model makes', (x) => on(lstm(), on(inner([5, 3], masked), x))],
  ['such a mask that nothing reads', (x) => on(L.dense({ units: 2 }), on(inner([5, 3], masked), x))],
  [
    'a mask that reaches a model within the model in which nothing reads it',
    (x) =>
      on(
        inner([5, 3], (y) => on(L.dense({ units: 2 }), y)),
        masked(x),
      ),
  ],
  ['a mask of what is masked already', (x) => on(lstm(), masked(masked(x)))],
  [
    'a recurrent layer with a mask and states to begin with',
    (x) => {
      const state = on(L.dense({ units: 3 }), on(L.flatten(), x));
      return on(lstm(), [masked(x), state, state]);
    },
  ],
  [
    'a recurrent convolution',
    (x) => {
      const pictures = masked(on(L.reshape({ targetShape: [5, 3, 1, 1] }), x));
      return on(L.convLstm2d({ filters: 2, kernelSize: 1 }), pictures);
    },
  ],
  [
    'masks in a wrapped model',
    (x) => {
      const wrapped = inner([3, 1], (y) => on(L.add(), [on(lstm(), masked(y)), on(lstm(), y)]));
      return on(L.timeDistributed({ layer: wrapped }), on(L.reshape({ targetShape: [5, 3, 1] }), x));
    },
  ],
  [
    'a wrapped recurrent layer beside a mask',
    (x) => {
      const rows = on(L.timeDistributed({ layer: lstm() }), on(L.reshape({ targetShape: [5, 3, 1] }), x));
      return on(L.add(), [on(lstm(), masked(x)), on(L.globalMaxPooling1d({}), rows)]);
    },
  ],
];

describe('masks that tfjs hands on as Keras does', () => {
  it.each(SAME)('%s: both engines compute the same', async (_, use) => {
    const before = tf.memory().numTensors;
    const whole = model(use);
    const [onnx, tfjs] = [
      await compileModel(whole, { engine: 'onnx' }),
      await compileModel(whole, { engine: 'tfjs' }),
    ];
    const [ours] = await onnx.run(data, [2, 5, 3]);
    const [theirs] = await tfjs.run(data, [2, 5, 3]);
    expect(largestDifference(ours!.data, theirs!.data)).toBeLessThanOrEqual(2e-6);
    await onnx.dispose();
    await tfjs.dispose();
    whole.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('masks that tfjs hands on otherwise', () => {
  it.each(OTHERWISE)('%s: the onnx engine refuses, and auto takes tfjs', async (_, use) => {
    const whole = model(use);
    expect(await codeOf(() => compileModel(whole, { engine: 'onnx' }))).toBe('ENGINE_UNSUPPORTED_LAYER');
    const compiled = await compileModel(whole);
    expect(compiled.engine).toBe('tfjs');
    expect(compiled.why).toMatch(/mask/);
    await compiled.dispose();
    whole.dispose();
  });
});
