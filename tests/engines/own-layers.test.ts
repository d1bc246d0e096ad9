import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import { OWN_CLASSES } from '../../converters/keras/own-layers.ts';
import { writtenAsOnnx } from '../../src/engines/onnx-engine.ts';
import { registeredClass } from '../../src/layers/registered.ts';
import { disposeModel } from '../../src/models/dispose-model.ts';
import { CORPUS_FILES, corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference, runOnnx, type Listed } from '../converters-onnx/corpus.ts';
import { codeOf, toTensorflow } from '../converters/support.ts';
import { sequenceCases, sequenceModel } from '../layers/sequences-support.ts';
import { layerCases, modelOf } from '../layers/support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Case {
  readonly name: string;
  readonly inputs: readonly Listed[];
  readonly make: () => Promise<tf.LayersModel>;
}

/** One layer each, most of them of this package, with the configs in which they differ from tfjs's. */
const layers: readonly Case[] = [
  ...Object.entries(layerCases).map(([name, golden]) => ({
    name,
    inputs: golden.inputs,
    make: () => modelOf(golden),
  })),
  ...Object.entries(sequenceCases).map(([name, golden]) => ({
    name,
    inputs: golden.inputs,
    make: () => sequenceModel(golden),
  })),
];

/** The last file of each model of the corpus, converted. */
const models: readonly Case[] = [...new Map(CORPUS_FILES.map((entry) => [entry.model, entry])).values()].map(
  ({ file, model, keras }) => ({
    name: model,
    inputs: goldenOf({ file, model, version: keras }).inputs,
    make: async () =>
      toTensorflow(convertModelFile(await readModelFile(corpusFile(file), { fileName: file }))),
  }),
);

/** Layers that no model of the corpus has and that take no golden: each on a small input. */
const alone: readonly Case[] = (
  [
    ['CustomScaleLayer', { scale: 0.3 }, [2, 4, 4, 3], 2],
    ['LayerScale', { projectionDim: 3, initValues: 0.2 }, [2, 4, 4, 3], 1],
    ['StochasticDepth', { dropPathRate: 0.5 }, [2, 4, 4, 3], 1],
    [
      'KerasConvLSTM2D',
      { filters: 2, kernelSize: 2, returnSequences: true, unitForgetBias: false },
      [2, 3, 4, 4, 2],
      1,
    ],
    ['KerasLeakyReLU', { alpha: 0.1 }, [2, 5], 1],
    ...(
      'AugMix CutMix MixUp RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform ' +
      'RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective ' +
      'RandomPosterization RandomSaturation RandomSharpness RandomShear'
    )
      .split(' ')
      .map((className) => [className, {}, [2, 4, 4, 3], 1] as const),
  ] as const
).map(([name, config, shape, count]) => {
  const size = shape.reduce((product, side) => product * side, 1);
  const inputs = Array.from({ length: count }, (_, i) => ({
    shape: [...shape],
    data: Array.from({ length: size }, (__, j) => Math.sin(j + i)),
  }));
  return {
    name,
    inputs,
    make: () => {
      const Layer = registeredClass(name) as new (args: object) => tf.layers.Layer;
      const given = inputs.map(() => tf.input({ shape: shape.slice(1) }));
      const output = new Layer(config).apply(count === 1 ? given[0]! : given) as tf.SymbolicTensor;
      return Promise.resolve(tf.model({ inputs: given, outputs: output }));
    },
  };
});

const cases = [...layers, ...alone, ...models];

/** What the engine refuses, so that `auto` takes tfjs; everything else has to be equal. */
const REFUSED: ReadonlySet<string> = new Set([
  // tfjs's own layer along axes that are not the last ones.
  'LayerNormalization of rows',
  'LayerNormalization of two axes',
  'layer_normalization_axis',
  // ONNX resizes otherwise.
  ...['bicubic', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic', 'area'].flatMap((interpolation) => [
    `UpSampling2D, ${interpolation}`,
    `Resizing, ${interpolation}`,
  ]),
  'Resizing with antialias, bilinear',
  'Resizing with antialias, bicubic',
  'Resizing with antialias, lanczos3',
]);

function onTfjs(model: tf.LayersModel, inputs: readonly Listed[]): Listed[] {
  let found: Listed[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(({ data, shape }, i) => tf.tensor(data, shape, model.inputs[i]!.dtype));
    const results = [model.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat();
    found = results.map((result) => ({ shape: result.shape, data: [...result.dataSync()] }));
  });
  return found;
}

describe('both engines compute the same', () => {
  it.each(cases.filter(({ name }) => !REFUSED.has(name)))('$name', async ({ inputs, make }) => {
    const before = tf.memory().numTensors;
    const model = await make();
    const expected = onTfjs(model, inputs);
    const results = await runOnnx(await writtenAsOnnx(model), inputs);
    expect(results.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    results.forEach(({ data }, i) => {
      expect(largestDifference(data, expected[i]!.data), `output ${i}`).toBeLessThanOrEqual(1e-5);
    });
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the onnx engine refuses what it cannot say', () => {
  it.each(cases.filter(({ name }) => REFUSED.has(name)))('$name', async ({ make }) => {
    const model = await make();
    expect(await codeOf(() => writtenAsOnnx(model))).toBe('ENGINE_UNSUPPORTED_LAYER');
    await disposeModel(model);
  });
});

it('every layer of this package is among those models, and runs on the onnx engine', async () => {
  const run = new Set<string>();
  for (const { name, make } of cases) {
    if (REFUSED.has(name)) continue;
    const model = await make();
    JSON.stringify(model.toJSON(null, false), (key, value: unknown) => {
      if (key === 'class_name') run.add(value as string);
      return value;
    });
    await disposeModel(model);
  }
  expect(OWN_CLASSES.filter((className) => !run.has(className))).toEqual([]);
});

it('the refused ones are among those models', () => {
  expect([...REFUSED].filter((name) => !cases.some((one) => one.name === name))).toEqual([]);
});
