import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expectedWeights } from '../../converters/keras/layer-weights.ts';
import { ownClass } from '../../converters/keras/own-layers.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import type { Flat } from '../converters/golden-models.ts';
import { flatOf, giveWeights, modelOfLayer, tensorOf, type SavedLayer } from './support.ts';

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

const isLayer = (value: JsonValue | undefined): value is SavedLayer =>
  typeof value === 'object' && value !== null && 'class_name' in value && 'config' in value;

/** The classes that a converted model has, inside of wrappers and of cells too. */
function converted(className: string, config: JsonObject, rank?: number): SavedLayer {
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

/** A model of the one layer, with the case's weights. */
export async function sequenceModel(one: SequenceCase): Promise<tf.LayersModel> {
  const layer = converted(one.className, { ...one.config, name: 'layer' }, one.inputs[0]!.shape.length);
  const model = await modelOfLayer(layer, one.inputs, one.outputs.length);
  giveWeights(model, one.weights);
  return model;
}

/** The names that the converter gives to the layer's weights, in the order of Keras's files. */
export function namesOfWeights({ className, config }: SequenceCase): string[] {
  const layer = { name: 'layer', className, config: { ...config, name: 'layer' }, inbound: [] };
  const graph = { name: 'model', kind: 'functional', layers: [layer], inputs: [], outputs: [] } as const;
  return expectedWeights(graph)[0]!.weights.map(({ name }) => name);
}

export function outputsOf(model: tf.LayersModel, { inputs }: SequenceCase): Flat[] {
  let found: Flat[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    const result = model.predict(tensors.length === 1 ? tensors[0]! : tensors);
    found = (Array.isArray(result) ? result : [result]).map(flatOf);
  });
  return found;
}
