import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertModelFile, readModelFile, type JsonObject } from '../../converters/index.ts';
import { disposeModel } from '../../src/models/dispose-model.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { toTensorflow } from './support.ts';

// Nothing of this package is registered here: this is what a page with TensorFlow.js alone does.

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function converted(file: string) {
  const artifacts = convertModelFile(await readModelFile(corpusFile(file), { fileName: file }));
  return { ...artifacts, text: JSON.stringify(artifacts.modelJson) };
}

async function expectEqualInPlainTfjs(file: string): Promise<void> {
  const [model = ''] = file.split('.');
  const { inputs, outputs } = goldenOf({ file, model, version: '3' });
  const before = tf.memory().numTensors;
  const loaded = await toTensorflow(await converted(file));
  tf.tidy(() => {
    const tensors = inputs.map(({ data, shape }) => tf.tensor(data, shape));
    const results = [loaded.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat();
    expect(results.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
    results.forEach((result, i) =>
      expect(largestDifference(Array.from(result.dataSync()), outputs[i]!.data)).toBeLessThanOrEqual(1e-5),
    );
  });
  await disposeModel(loaded);
  expect(tf.memory().numTensors).toBe(before);
}

const layersOf = ({ modelJson }: { modelJson: JsonObject }) =>
  (modelJson.modelTopology as unknown as { config: { layers: JsonObject[] } }).config.layers;

describe('tensorflow/tfjs#8494: an InputLayer should be passed either a batchInputShape or an inputShape', () => {
  it.each(['dense_mlp.keras3.h5', 'dense_mlp.keras3.keras', 'mnist_cnn.keras3.h5', 'mnist_cnn.keras3.keras'])(
    '%s loads, and is equal to Keras',
    async (file) => {
      const { text } = await converted(file);
      expect(text).toContain('"batch_input_shape"');
      expect(text).not.toContain('"batch_shape"');
      await expectEqualInPlainTfjs(file);
    },
  );
});

describe('tensorflow/tfjs#8358: MobileNetV2 and MobileNetV3 of Keras Applications do not load once converted', () => {
  it.each(['mobilenet_v2.keras3.h5', 'mobilenet_v2.keras3.keras'])('%s', expectEqualInPlainTfjs);

  // MobileNetV3 is made of operators too (`relu6(x + 3) / 6`), which this package registers: see corpus.test.ts.
  it('MobileNetV3 names what it needs', async () => {
    const { notes } = await converted('mobilenet_v3.keras3.keras');
    expect(notes.join()).toContain('import dovecote before tf.loadLayersModel');
  });
});

describe('tensorflow/tfjs#8328: the model.json of Keras 3 does not parse, for two reasons', () => {
  it('the shape of the input, and names of weights that begin with the name of the model', async () => {
    const artifacts = await converted('mnist_cnn.keras3.h5');
    const names = (
      artifacts.modelJson.weightsManifest as unknown as { weights: { name: string }[] }[]
    ).flatMap(({ weights }) => weights.map(({ name }) => name));
    const layers = layersOf(artifacts).map(({ config }) => (config as { name: string }).name);
    expect(names.length).toBeGreaterThan(0);
    expect(names.every((name) => layers.includes(name.split('/')[0]!))).toBe(true);
    expect(names.some((name) => name.startsWith('sequential/'))).toBe(false);
    await expectEqualInPlainTfjs('mnist_cnn.keras3.h5');
  });

  it('inbound nodes of Keras 3 and dtypes that are objects', async () => {
    const { text } = await converted('residual_block.keras3.keras');
    expect(text).not.toMatch(/__keras_tensor__|DTypePolicy|registered_name|"module"/);
    await expectEqualInPlainTfjs('residual_block.keras3.keras');
  });
});

describe('tensorflow/tfjs#8489: the converter breaks on a basic LSTM', () => {
  // Embedding, Conv1D, BatchNormalization, MaxPooling1D, LSTM with dropout twice, Dense: the model of the report.
  it.each(['text_classifier.keras3.h5', 'text_classifier.keras3.keras'])('%s', expectEqualInPlainTfjs);
});
