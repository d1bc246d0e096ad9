import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';
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
export const flatOf = (tensor: tf.Tensor): Flat => ({ shape: tensor.shape, data: [...tensor.dataSync()] });

/** The class that a converted model has in a layer's place. */
export const classOf = ({ className, config, inputs }: LayerCase) =>
  ownClass(className, config, { rank: inputs[0]!.shape.length }) ?? className;

export type SavedLayer = { class_name: string; config: JsonObject };

/** A model of the one layer, as a converted file has it; its name is `layer`. */
export function modelOfLayer(
  layer: SavedLayer,
  inputs: readonly Flat[],
  outputs = 1,
): Promise<tf.LayersModel> {
  const names = inputs.map((__, index) => `input${index}`);
  const modelTopology = {
    class_name: 'Model',
    config: {
      name: 'model',
      layers: [
        ...inputs.map(({ shape }, index) => ({
          class_name: 'InputLayer',
          name: names[index],
          config: { name: names[index], batch_input_shape: [null, ...shape.slice(1)], dtype: 'float32' },
          inbound_nodes: [],
        })),
        {
          class_name: layer.class_name,
          name: 'layer',
          config: { ...layer.config, name: 'layer' },
          inbound_nodes: [names.map((input) => [input, 0, 0, {}])],
        },
      ],
      input_layers: names.map((input) => [input, 0, 0]),
      output_layers: Array.from({ length: outputs }, (_, index) => ['layer', 0, index]),
    },
  };
  // A copy, since tfjs writes into what it reads.
  const copy = JSON.parse(JSON.stringify(modelTopology)) as object;
  return tf.loadLayersModel({ load: () => Promise.resolve({ modelTopology: copy }) });
}

export function giveWeights(model: tf.LayersModel, weights: readonly Flat[]): void {
  const tensors = weights.map(tensorOf);
  model.getLayer('layer').setWeights(tensors);
  tf.dispose(tensors);
}

/** A model of the one layer, with the case's weights. */
export async function modelOf(one: LayerCase): Promise<tf.LayersModel> {
  const model = await modelOfLayer({ class_name: classOf(one), config: one.config }, one.inputs);
  giveWeights(model, one.weights);
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

/** Gradients of the sum of `upstream * output` over all outputs, by the inputs and by the layer's trainable weights. */
export function gradientsOf(
  model: tf.LayersModel,
  { inputs, upstream }: { readonly inputs: readonly Flat[]; readonly upstream: Flat | readonly Flat[] },
  { training = true } = {},
): { byInput: Flat[]; byWeight: Flat[] } {
  const layer = model.getLayer('layer');
  const factors = [upstream].flat();
  const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
    const given = tensors.length === 1 ? tensors[0]! : tensors;
    const outputs = [layer.apply(given, { training }) as tf.Tensor | tf.Tensor[]].flat();
    return tf.addN(
      outputs.map((output, index) => tf.sum<tf.Scalar>(tf.mul(output, tensorOf(factors[index]!)))),
    );
  };
  const found = { byInput: [] as Flat[], byWeight: [] as Flat[] };
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    found.byInput = tf.grads(loss)(tensors).map(flatOf);
    const variables = layer.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
    if (variables.length === 0) return;
    const { grads } = tf.variableGrads(() => loss(...tensors), variables);
    found.byWeight = variables.map(({ name }) => flatOf(grads[name]!));
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

/** The tests on both engines; the file imports the WASM backend. */
export function onEachBackend(tests: () => void): void {
  describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });
    afterAll(() => tf.setBackend('cpu'));
    tests();
  });
}
