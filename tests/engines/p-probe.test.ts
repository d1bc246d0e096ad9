import * as tf from '@tensorflow/tfjs';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import { OWN_CLASSES } from '../../converters/keras/own-layers.ts';
import { writtenAsOnnx } from '../../src/engines/onnx-engine.ts';
import { CORPUS_FILES, corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference, runOnnx, type Listed } from '../converters-onnx/corpus.ts';
import { toTensorflow } from '../converters/support.ts';
import { layerCases, modelOf } from '../layers/support.ts';
import { sequenceCases, sequenceModel } from '../layers/sequences-support.ts';

function classesOf(value: unknown, found = new Set<string>()): Set<string> {
  JSON.stringify(value, (key, item: unknown) => {
    if (key === 'class_name' || key === 'className') found.add(item as string);
    return item;
  });
  return found;
}
it('probe', async () => {
  await tf.setBackend('cpu');
  const lines: string[] = [];
  const seen = new Map<string, string[]>();
  const one = async (title: string, model: tf.LayersModel, inputs: Listed[]) => {
    let result: string;
    try {
      const tfjs = tf.tidy(() => {
        const tensors = inputs.map(({ data, shape }, i) => tf.tensor(data, shape, model.inputs[i]!.dtype));
        return [model.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat().map((t) => ({ shape: t.shape, data: [...t.dataSync()] }));
      });
      const onnx = await runOnnx(await writtenAsOnnx(model), inputs);
      const d = Math.max(...onnx.map((o, i) => (o.shape.join() === tfjs[i]!.shape.join() ? largestDifference(o.data, tfjs[i]!.data) : Infinity)));
      result = d <= 1e-5 ? 'ok' : `DIFF ${d}`;
    } catch (e) { result = `${(e as { code?: string }).code} ${(e as Error).message}`; }
    for (const c of classesOf(model.toJSON(null, false))) if (OWN_CLASSES.includes(c)) seen.set(c, [...(seen.get(c) ?? []), result === 'ok' ? 'ok' : 'no']);
    lines.push(`${title}: ${result}`);
  };
  for (const [name, golden] of Object.entries(layerCases)) await one(`L ${name}`, await modelOf(golden), golden.inputs);
  for (const [name, golden] of Object.entries(sequenceCases)) await one(`S ${name}`, await sequenceModel(golden), golden.inputs);
  const names = [...new Set(CORPUS_FILES.map((f) => f.model))];
  for (const name of names) {
    const f = CORPUS_FILES.filter((x) => x.model === name).at(-1)!;
    const artifacts = convertModelFile(await readModelFile(corpusFile(f.file), { fileName: f.file }));
    await one(`C ${f.file}`, await toTensorflow(artifacts), goldenOf({ file: f.file, model: name, version: f.keras }).inputs);
  }
  lines.push('UNSEEN ' + OWN_CLASSES.filter((c) => !seen.has(c)).join(' '));
  lines.push('NEVER OK ' + OWN_CLASSES.filter((c) => seen.has(c) && !seen.get(c)!.includes('ok')).join(' '));
  writeFileSync('/tmp/p-probe.txt', lines.join('\n'));
  expect(1).toBe(1);
}, 300000);
