import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { ownClass } from '../../converters/keras/own-layers.ts';
import type { JsonObject } from '../../src/base/types.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import type { Flat } from '../converters/golden-models.ts';

export interface LayerCase {
  /** Keras's. */
  readonly className: string;
  readonly config: JsonObject;
  readonly inputs: Flat[];
  readonly weights: Flat[];
  readonly output: Flat;
  readonly upstream: Flat;
  readonly inputGradients?: Flat[];
  readonly weightGradients?: Flat[];
  /** What the weights are after one call in training. */
  readonly weightsAfter?: Flat[];
}

export const layerCases = JSON.parse(
  readFileSync(new URL('./goldens/layers.json', import.meta.url), 'utf8'),
) as Record<string, LayerCase>;

export const tensorOf = ({ data, shape }: Flat) => tf.tensor(data, shape, 'float32');

/** The class that a converted model has in a layer's place. */
export const classOf = ({ className, config, inputs }: LayerCase) =>
  ownClass(className, config, { rank: inputs[0]!.shape.length }) ?? className;

/** A model of the one layer, as a converted file has it, with the case's weights. */
export async function modelOf(one: LayerCase): Promise<tf.LayersModel> {
  const names = one.inputs.map((__, index) => `input${index}`);
  const modelTopology = {
    class_name: 'Model',
    config: {
      name: 'model',
      layers: [
        ...one.inputs.map(({ shape }, index) => ({
          class_name: 'InputLayer',
          name: `input${index}`,
          config: { name: `input${index}`, batch_input_shape: [null, ...shape.slice(1)], dtype: 'float32' },
          inbound_nodes: [],
        })),
        {
          class_name: classOf(one),
          name: 'layer',
          config: { ...one.config, name: 'layer' },
          inbound_nodes: [names.map((input) => [input, 0, 0, {}])],
        },
      ],
      input_layers: names.map((input) => [input, 0, 0]),
      output_layers: [['layer', 0, 0]],
    },
  };
  const model = await tf.loadLayersModel({ load: () => Promise.resolve({ modelTopology }) });
  const tensors = one.weights.map(tensorOf);
  model.getLayer('layer').setWeights(tensors);
  tf.dispose(tensors);
  return model;
}

/** The model out of what plain tfjs saves of it. */
export async function reloaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined })) as tf.io.ModelArtifacts;
      saved.weightData = artifacts.weightData;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  return tf.loadLayersModel(tf.io.fromMemory(saved!));
}

export function outputOf(model: tf.LayersModel, { inputs }: LayerCase): Flat {
  return tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    const result = model.predict(tensors.length === 1 ? tensors[0]! : tensors) as tf.Tensor;
    return { shape: result.shape, data: [...result.dataSync()] };
  });
}

/** Gradients of `sum(upstream * output)` by the inputs and by the layer's trainable weights. */
export function gradientsOf(
  model: tf.LayersModel,
  { inputs, upstream }: LayerCase,
  { training = true } = {},
): { byInput: Flat[]; byWeight: Flat[] } {
  const layer = model.getLayer('layer');
  const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
    const given = tensors.length === 1 ? tensors[0]! : tensors;
    const output = layer.apply(given, { training }) as tf.Tensor;
    return tf.sum(tf.mul(output, tensorOf(upstream)));
  };
  const flat = (tensor: tf.Tensor): Flat => ({ shape: tensor.shape, data: [...tensor.dataSync()] });
  const found = { byInput: [] as Flat[], byWeight: [] as Flat[] };
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    found.byInput = tf.grads(loss)(tensors).map(flat);
    const variables = layer.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
    if (variables.length === 0) return;
    const { grads } = tf.variableGrads(() => loss(...tensors), variables);
    found.byWeight = variables.map(({ name }) => flat(grads[name]!));
  });
  return found;
}

/** The largest difference, each measured against the wanted number where that is above 1; infinite for other shapes. */
export function worst(actual: Flat, wanted: Flat): number {
  if (actual.shape.join() !== wanted.shape.join()) return Infinity;
  return wanted.data.reduce((soFar, value, index) => {
    const difference = Math.abs(actual.data[index]! - value) / Math.max(1, Math.abs(value));
    return Number.isNaN(difference) ? Infinity : Math.max(soFar, difference);
  }, 0);
}
