import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readModelFile, resolveModelFile } from '../../converters/index.ts';
import { checkConversion, type CheckSides } from '../../src/models/check-conversion.ts';
import { runByOnnx, runByTfjs, type RunOutput } from '../../src/models/run-resolved.ts';
import { seededInputs } from '../../src/models/seeded-inputs.ts';
import '../../src/node.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { codeOf } from '../converters/support.ts';

async function opened(name: string) {
  const file = await readModelFile(corpusFile(name), { fileName: name });
  return { file, model: resolveModelFile(file) };
}

/** A conversion whose output computes what the source does, apart from what `change` does to the results. */
async function sidesOf(
  name: string,
  change: (outputs: RunOutput[]) => RunOutput[],
  quantized = false,
): Promise<CheckSides> {
  const source = await opened(name);
  return {
    source,
    output: {
      engine: 'tfjs',
      run: async (inputs) => change(await runByTfjs(source.model, source.file, inputs)),
    },
    quantized,
  };
}

/** Of the first output, the number at `index` becomes `value`. */
const changed = (index: number, value: (before: number) => number) => (outputs: RunOutput[]) =>
  outputs.map(({ data, shape }, i) => ({
    shape,
    data: i > 0 ? data : data.map((before, at) => (at === index ? value(before) : before)),
  }));

beforeAll(async () => {
  await tf.ready();
});

describe('the check of a conversion', () => {
  const name = 'residual_block.keras2.h5';

  it('passes where both sides agree, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const check = await checkConversion(await sidesOf(name, (outputs) => outputs));
    expect(check.engines).toEqual({ source: 'onnx', output: 'tfjs' });
    expect(check.largest).toBeLessThan(1e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, (outputs: RunOutput[]) => RunOutput[]]>([
    ['one number is a little off', changed(3, (value) => value + 0.01)],
    ['one number is NaN', changed(0, () => NaN)],
    ['an output has another shape', (outputs) => outputs.map((output) => ({ ...output, shape: [1] }))],
    ['an output is missing', () => []],
  ])('fails where %s', async (_, change) => {
    const sides = await sidesOf(name, change);
    expect(await codeOf(() => checkConversion(sides))).toBe('MODEL_DIFFERENCE');
  });

  it('only tells of the difference where weights were quantized', async () => {
    const sides = await sidesOf(
      name,
      changed(3, (value) => value + 0.01),
      true,
    );
    expect((await checkConversion(sides)).outputs[0]!.difference).toBeCloseTo(0.01, 3);
  });

  it('says so where the output cannot be run', async () => {
    const sides = await sidesOf(name, (outputs) => outputs);
    const run = () => Promise.reject(new Error('no such layer'));
    const broken = { ...sides, output: { engine: 'tfjs' as const, run } };
    expect(await codeOf(() => checkConversion(broken))).toBe('FORMAT_UNSUPPORTED');
  });

  it.each(['several_inputs_and_outputs.keras3.keras', 'nested_models.keras2.h5', 'shared_layers.keras3.h5'])(
    'the engines agree on %s',
    async (file) => {
      const { model, file: source } = await opened(file);
      const inputs = seededInputs(model.graph, 1);
      const [byTfjs, byOnnx] = [await runByTfjs(model, source, inputs), await runByOnnx(model, inputs)];
      expect(byOnnx.map(({ shape }) => shape)).toEqual(byTfjs.map(({ shape }) => shape));
      byTfjs.forEach(({ data }, i) =>
        data.forEach((value, at) => expect(byOnnx[i]!.data[at]).toBeCloseTo(value, 4)),
      );
    },
  );
});

describe('made-up inputs', () => {
  it('are the same for the same seed, and lie in [-1, 1)', async () => {
    const { model } = await opened('residual_block.keras2.h5');
    const [first, again, other] = [1, 1, 2].map((seed) => seededInputs(model.graph, seed)[0]!);
    expect(first).toEqual(again);
    expect(first!.data).not.toEqual(other!.data);
    expect(first!.shape[0]).toBe(2);
    expect(Math.max(...first!.data.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(new Set(first!.data).size).toBeGreaterThan(first!.data.length / 2);
  });

  it('are integers below the vocabulary where they are looked up', async () => {
    const { model } = await opened('text_classifier.keras3.keras');
    const [input] = seededInputs(model.graph, 1);
    expect(input!.data.every((value) => Number.isInteger(value) && value >= 0 && value < 11)).toBe(true);
    expect(Math.max(...input!.data)).toBeGreaterThan(0);
  });

  it('have sizes where the model leaves them open', async () => {
    const { model } = await opened('variable_sizes.keras3.keras');
    const [input] = seededInputs(model.graph, 1);
    expect(input!.shape).toHaveLength(4);
    expect(input!.shape.every((side) => side > 0)).toBe(true);
  });
});
