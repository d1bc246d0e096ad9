import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertModelFile, layerTable, readModelFile } from '../../converters/index.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import { disposeModel } from '../../src/models/dispose-model.ts';
import { CORPUS_FILES, corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { toTensorflow } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Keras 2.18's own does not build. */
const NOT_BY_KERAS = new Set(['2 SpectralNormalization']);

it('has every layer that is read, by every version of Keras that has it', async () => {
  const found = new Set<string>();
  for (const { file, keras } of CORPUS_FILES) {
    const { config } = await readModelFile(corpusFile(file));
    for (const [, name] of JSON.stringify(config).matchAll(/"class_name":"(\w+)"/g))
      found.add(`${keras} ${name}`);
  }
  const wanted = layerTable()
    .filter(({ reading }) => reading !== 'refused')
    .flatMap(({ name, keras }) => [...keras].map((version) => `${version} ${name}`));
  expect(wanted.length).toBeGreaterThan(150);
  expect(wanted.filter((layer) => !found.has(layer) && !NOT_BY_KERAS.has(layer))).toEqual([]);
});

describe('every model of the corpus, loaded by tf.loadLayersModel, computes what the Keras that wrote it computes', () => {
  it.each(CORPUS_FILES)('$file', async ({ file, model, keras }) => {
    const before = tf.memory().numTensors;
    const { inputs, outputs } = goldenOf({ file, model, version: keras });
    const artifacts = convertModelFile(await readModelFile(corpusFile(file), { fileName: file }));
    const loaded = await toTensorflow(artifacts);
    tf.tidy(() => {
      const tensors = inputs.map(({ data, shape }, i) => tf.tensor(data, shape, loaded.inputs[i]!.dtype));
      const results = [loaded.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat();
      expect(results.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
      results.forEach((result, i) => {
        expect(largestDifference(Array.from(result.dataSync()), outputs[i]!.data)).toBeLessThanOrEqual(1e-5);
      });
    });
    await disposeModel(loaded);
    expect(tf.memory().numTensors).toBe(before);
  });
});
