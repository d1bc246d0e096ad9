import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expectedWeights } from '../../converters/keras/layer-weights.ts';
import { ownClass } from '../../converters/keras/own-layers.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import type { Flat } from '../converters/golden-models.ts';
import { tensorOf } from './support.ts';

export interface SequenceCase {
  /** Keras's. */
  readonly className: string;
  readonly config: JsonObject;
  readonly inputs: Flat[];
  readonly weights: Flat[];
  readonly outputs: Flat[];
  readonly upstream: Flat[];
  readonly inputGradients?: Flat[];
  readonly weightGradients?: Flat[];
}

export const sequenceCases = JSON.parse(
  readFileSync(new URL('./goldens/sequences.json', import.meta.url), 'utf8'),
) as Record<string, SequenceCase>;

const isLayer = (value: JsonValue | undefined): value is { class_name: string; config: JsonObject } =>
  typeof value === 'object' && value !== null && 'class_name' in value && 'config' in value;

/** The classes that a converted model has, inside of wrappers and of cells too. */
function converted(className: string, config: JsonObject, rank?: number): JsonObject {
  const inside = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(inside);
    return isLayer(value) ? converted(value.class_name, value.config) : value;
  };
  // What tfjs makes a bias of with `unit_forget_bias` leaks, and the weights replace it.
  const own = 'unit_forget_bias' in config ? { ...config, unit_forget_bias: false } : config;
  const entries = Object.entries(own).map(([key, value]) => [key, inside(value)] as const);
  return {
    class_name: ownClass(className, config, { rank }) ?? className,
    config: Object.fromEntries(entries),
  };
}

/** A model of the one layer, as a converted file has it, with the case's weights. */
export async function sequenceModel(one: SequenceCase): Promise<tf.LayersModel> {
  const names = one.inputs.map((__, index) => `input${index}`);
  const layer = converted(one.className, { ...one.config, name: 'layer' }, one.inputs[0]!.shape.length);
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
        { ...layer, name: 'layer', inbound_nodes: [names.map((input) => [input, 0, 0, {}])] },
      ],
      input_layers: names.map((input) => [input, 0, 0]),
      output_layers: one.outputs.map((__, index) => ['layer', 0, index]),
    },
  };
  const model = await tf.loadLayersModel({
    load: () => Promise.resolve({ modelTopology: JSON.parse(JSON.stringify(modelTopology)) as object }),
  });
  const tensors = one.weights.map(tensorOf);
  model.getLayer('layer').setWeights(tensors);
  tf.dispose(tensors);
  return model;
}

/** The names that the converter gives to the layer's weights, in the order of Keras's files. */
export function namesOfWeights({ className, config }: SequenceCase): string[] {
  const layer = { name: 'layer', className, config: { ...config, name: 'layer' }, inbound: [] };
  const graph = { name: 'model', kind: 'functional', layers: [layer], inputs: [], outputs: [] } as const;
  return expectedWeights(graph)[0]!.weights.map(({ name }) => name);
}

const flat = (tensor: tf.Tensor): Flat => ({ shape: tensor.shape, data: [...tensor.dataSync()] });

export function outputsOf(model: tf.LayersModel, { inputs }: SequenceCase): Flat[] {
  let found: Flat[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    const result = model.predict(tensors.length === 1 ? tensors[0]! : tensors);
    found = (Array.isArray(result) ? result : [result]).map(flat);
  });
  return found;
}

/** Gradients of the sum of `upstream * output` over all outputs, by the inputs and by the layer's weights. */
export function sequenceGradients(
  model: tf.LayersModel,
  { inputs, upstream }: SequenceCase,
): { byInput: Flat[]; byWeight: Flat[] } {
  const layer = model.getLayer('layer');
  const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
    const given = tensors.length === 1 ? tensors[0]! : tensors;
    const outputs = layer.apply(given) as tf.Tensor | tf.Tensor[];
    const parts = (Array.isArray(outputs) ? outputs : [outputs]).map((output, index) =>
      tf.sum<tf.Scalar>(tf.mul(output, tensorOf(upstream[index]!))),
    );
    return tf.addN(parts);
  };
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
