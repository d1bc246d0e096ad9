import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import { disposeModel } from '../../src/models/dispose-model.ts';
import { CORPUS_FILES, corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { toTensorflow } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Files of the corpus that are not converted, and why: none is skipped in silence. */
const REFUSED: Record<string, string> = {};

describe('every model of the corpus, loaded by tf.loadLayersModel, computes what the Keras that wrote it computes', () => {
  it.each(CORPUS_FILES.filter(({ file }) => !(file in REFUSED)))('$file', async ({ file, model, keras }) => {
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
