import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { disposeModel } from '../../src/models/dispose-model.ts';
import '../../src/layers/index.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { codeOf, toTensorflow } from '../converters/support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const FILES = ['states_and_others.keras2.h5', 'states_and_others.keras3.keras', 'rnn_states.keras3.keras'];

async function converted(file: string): Promise<tf.LayersModel> {
  return toTensorflow(convertModelFile(await readModelFile(corpusFile(file), { fileName: file })));
}

const goldenFor = (file: string) => {
  const [model = '', version = ''] = file.split('.');
  return goldenOf({ file, model, version: version.endsWith('2') ? '2' : '3' });
};

const classesOf = (model: tf.LayersModel) => model.layers.map((layer) => layer.getClassName());

describe('recurrent layers that are given states', () => {
  it.each(FILES)('%s computes the same in training as at inference', async (file) => {
    const before = tf.memory().numTensors;
    const model = await converted(file);
    const { inputs, outputs } = goldenFor(file);
    tf.tidy(() => {
      const tensors = inputs.map(({ data, shape }) => tf.tensor(data, shape));
      const results = [model.apply(tensors, { training: true }) as tf.Tensor | tf.Tensor[]].flat();
      results.forEach((result, i) => {
        expect(largestDifference([...result.dataSync()], outputs[i]!.data)).toBeLessThanOrEqual(1e-5);
      });
    });
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  // tfjs adds no losses of outputs with different axes.
  it.each(FILES.slice(0, 2))('%s learns', async (file) => {
    const model = await converted(file);
    const { inputs, outputs } = goldenFor(file);
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const xs = inputs.map(({ data, shape }) => tf.tensor(data, shape));
    const ys = outputs.map(({ data, shape }) => tf.add(tf.tensor(data, shape), 1));
    const fit = () => model.fit(xs, ys, { epochs: 3, shuffle: false, verbose: 0 });
    await fit();
    const before = tf.memory().numTensors;
    const { history } = await fit();
    expect(tf.memory().numTensors).toBe(before);
    const losses = history.loss as number[];
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses[2]).toBeLessThan(losses[0]!);
    tf.dispose([...xs, ...ys]);
    await disposeModel(model);
  });

  it('tfjs’s own layer stays where nothing that runs later is recurrent', async () => {
    const inputs = [tf.input({ shape: [4, 3] }), tf.input({ shape: [5, 3] })];
    const [, ...states] = tf.layers
      .lstm({ units: 2, returnState: true, name: 'encoder' })
      .apply(inputs[0]!) as tf.SymbolicTensor[];
    const decoder = tf.layers.lstm({ units: 2, name: 'decoder' });
    const outputs = decoder.apply([inputs[1]!, ...states]) as tf.SymbolicTensor;
    const model = tf.model({ inputs, outputs });
    const text = JSON.stringify(
      toTfjsTopology(parseKerasConfig(model.toJSON(null, false) as unknown as JsonObject)),
    );
    expect(text).not.toContain('InitialStates');
    await disposeModel(model);
  });

  it('others are this package’s', async () => {
    const model = await converted('states_and_others.keras3.keras');
    expect(classesOf(model)).toContain('InitialStates');
    const layer = model.layers.find((one) => one.getClassName() === 'InitialStates')!;
    expect(await codeOf(() => layer.apply(tf.input({ shape: [5, 3] })))).toBe('MODEL_INPUT');
    await disposeModel(model);
  });
});
