import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertKeras } from '../../converters/index.ts';
import { compileModel } from '../../src/engines/compile-model.ts';
import '../../src/node.ts';
import '../../zoo/layers/index.ts';
import { difference } from '../converters/golden-models.ts';
import { toTensorflow } from '../converters/support.ts';
import type { LayerCase } from './layers-support.ts';
import { layerGoldens, modelOf, tensorOf, wholeModelFile, worst } from './layers-support.ts';

const cases = [
  ...Object.entries(layerGoldens.keras2).map(([name, golden]) => ({ keras: 'Keras 2', name, golden })),
  ...Object.entries(layerGoldens.keras3).map(([name, golden]) => ({ keras: 'Keras 3', name, golden })),
];
type Case = (typeof cases)[number];
const build = ({ keras, name, golden }: Case) => modelOf(name, golden, { keras3: keras === 'Keras 3' });

/** Gradients of `sum(upstream * output)` by the inputs and by the layer's trainable weights. */
function gradients(model: tf.LayersModel, { inputs, upstream }: LayerCase) {
  const layer = model.getLayer('layer');
  const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
    const output = layer.apply(tensors.length === 1 ? (tensors[0] as tf.Tensor) : tensors) as tf.Tensor;
    return tf.sum(tf.mul(output, tensorOf(upstream)));
  };
  const tensors = inputs.map(tensorOf);
  const byInput = tf.grads(loss)(tensors);
  const variables = layer.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
  const { grads } =
    variables.length === 0 ? { grads: {} } : tf.variableGrads(() => loss(...tensors), variables);
  return {
    byInput: byInput.map((gradient) => gradient.dataSync()),
    byWeight: variables.map(({ name }) => (grads as tf.NamedTensorMap)[name]!.dataSync()),
  };
}

describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(cases)('$name gives what $keras gives', async (one) => {
    const before = tf.memory().numTensors;
    const model = await build(one);
    const { output, inputs } = one.golden;
    const [values, shape] = tf.tidy(() => {
      const tensors = inputs.map(tensorOf);
      const result = model.predict(tensors.length === 1 ? tensors[0]! : tensors) as tf.Tensor;
      return [result.dataSync(), result.shape];
    });
    expect(shape).toEqual(output.shape);
    expect(model.outputs[0]!.shape.slice(1)).toEqual(output.shape.slice(1));
    expect(worst(values, output.data)).toBeLessThan(2e-6);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('gradients', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(cases)('$name has those of $keras', async (one) => {
    const model = await build(one);
    const before = tf.memory().numTensors;
    const { byInput, byWeight } = tf.tidy(() => gradients(model, one.golden));
    expect(tf.memory().numTensors).toBe(before);
    const { inputGradients, weightGradients } = one.golden;
    expect(byInput.map((values, index) => worst(values, inputGradients[index]!.data))).toSatisfy(small);
    expect(byWeight).toHaveLength(weightGradients.length);
    expect(byWeight.map((values, index) => worst(values, weightGradients[index]!.data))).toSatisfy(small);
    model.dispose();
  });

  const small = (differences: number[]) => differences.every((value) => value < 1e-5);
});

describe('the onnx engine', () => {
  const single = cases.filter(
    ({ golden, name }) => golden.inputs.length === 1 && !name.includes('inference'),
  );
  it.each(single)('$name gives what $keras gives', async (one) => {
    const model = await build(one);
    const compiled = await compileModel(model, { engine: 'onnx' });
    const [input] = one.golden.inputs;
    const [output] = await compiled.run(Float32Array.from(input!.data), input!.shape);
    expect(output!.shape).toEqual(one.golden.output.shape);
    // The folded form multiplies where the layer divides.
    expect(worst(output!.data, one.golden.output.data)).toBeLessThan(5e-6);
    await compiled.dispose();
    model.dispose();
  });
});

describe('a whole model that Keras 2 saved', () => {
  const load = async () => {
    const artifacts = await convertKeras(wholeModelFile(), { fileName: 'layers.h5' });
    return { artifacts, model: await toTensorflow(artifacts) };
  };

  it('gives the same outputs, from as many parameters', async () => {
    const { model } = await load();
    expect(model.countParams()).toBe(layerGoldens.wholeModel.parameters);
    expect(difference(model, layerGoldens.wholeModel)).toBeLessThan(1e-5);
    model.dispose();
  });

  it('says which of its layers need this package', async () => {
    const { artifacts, model } = await load();
    model.dispose();
    const note = artifacts.notes.find((line) => line.includes('import dovecote'));
    expect(note).toContain('GroupedConv2D (depthwise, grouped)');
    expect(note).toContain('Normalization (normalized, constant)');
    expect(note).toContain('LayerScale (scale)');
    expect(note).not.toContain('Rescaling');
  });

  it('keeps the hard sigmoid of Keras 2', async () => {
    const { model } = await load();
    expect(model.getLayer('grouped').getConfig().activation).toBe('hardSigmoid');
    model.dispose();
  });

  it('gives the same on the onnx engine, and so does each of its layers', async () => {
    const { model } = await load();
    const { inputs, outputs } = layerGoldens.wholeModel;
    const input = Float32Array.from(inputs[0]!.data);
    for (const { name } of model.layers.slice(1)) {
      const asked = { outputs: [name, 'flat'] };
      const onnx = await compileModel(model, { engine: 'onnx', ...asked });
      const tfjs = await compileModel(model, { engine: 'tfjs', ...asked });
      const [features, last] = await onnx.run(input, inputs[0]!.shape);
      const [wanted] = await tfjs.run(input, inputs[0]!.shape);
      expect(features!.shape, name).toEqual(wanted!.shape);
      expect(worst(features!.data, [...wanted!.data]), name).toBeLessThan(1e-5);
      expect(worst(last!.data, outputs[0]!.data), name).toBeLessThan(1e-5);
      await onnx.dispose();
    }
    model.dispose();
  });

  it('is the same after plain tfjs has saved and loaded it', async () => {
    const { model } = await load();
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined })) as tf.io.ModelArtifacts;
        saved.weightData = artifacts.weightData;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
      }),
    );
    const again = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    expect(difference(again, layerGoldens.wholeModel)).toBeLessThan(1e-5);
    model.dispose();
    again.dispose();
  });
});

describe('configs', () => {
  const own = /^(Normalization|LayerScale|StochasticDepth|CustomScaleLayer)/;
  it.each(cases.filter(({ name }) => own.test(name)))('$name is written as $keras writes it', async (one) => {
    const model = await build(one);
    const json = model.toJSON(null, false) as unknown as { config: { layers: { config: object }[] } };
    const wanted = { ...one.golden.config };
    delete wanted.dtype;
    delete wanted.batch_input_shape;
    expect(json.config.layers.at(-1)!.config).toEqual(wanted);
    model.dispose();
  });
});

afterAll(() => tf.setBackend('cpu'));
