import type * as tf from '@tensorflow/tfjs';
import { weightKey } from '../../converters/onnx/index.ts';
import type { NamedTensor } from '../base/types.ts';

type Layer = tf.layers.Layer;

/** Layers with weights of their own and the names that lead to them, nested models opened. */
function* leafLayers(layers: readonly Layer[], path: readonly string[]): Generator<[string, Layer]> {
  for (const layer of layers) {
    const here = [...path, layer.name];
    const inner = (layer as { layers?: readonly Layer[] }).layers;
    if (Array.isArray(inner)) yield* leafLayers(inner as Layer[], here);
    else yield [weightKey(here), layer];
  }
}

/** The weights of all layers, keyed as the ONNX writer wants them. Nothing is left on the backend. */
export async function readModelWeights(model: tf.LayersModel): Promise<Map<string, NamedTensor[]>> {
  const entries = [...leafLayers(model.layers, [])].map(async ([key, layer]) => {
    const tensors = layer.weights.map(async (variable): Promise<NamedTensor> => {
      const value = variable.read();
      return {
        name: variable.originalName,
        shape: value.shape,
        dtype: value.dtype as NamedTensor['dtype'],
        data: await value.data<'float32' | 'int32'>(),
      };
    });
    return [key, await Promise.all(tensors)] as const;
  });
  return new Map(await Promise.all(entries));
}

/**
 * What changes when, and only when, a weight is written: tfjs gives a variable a new data id at every assignment
 * and never writes into one that exists.
 */
export function weightsVersion(model: tf.LayersModel): readonly object[] {
  return [...leafLayers(model.layers, [])].flatMap(([, layer]) =>
    layer.weights.map((variable) => variable.read().dataId),
  );
}

export function sameVersion(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
