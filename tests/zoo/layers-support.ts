import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseKerasConfig, toTfjsTopology, type JsonObject } from '../../converters/index.ts';
import type { Flat, Golden } from '../converters/golden-models.ts';

export interface LayerCase {
  readonly inputs: Flat[];
  readonly weights: Flat[];
  readonly output: Flat;
  readonly upstream: Flat;
  readonly inputGradients: Flat[];
  readonly weightGradients: Flat[];
  readonly config: JsonObject;
}

export const layerGoldens = JSON.parse(
  readFileSync(new URL('./goldens/layers.json', import.meta.url), 'utf8'),
) as {
  readonly keras2: Record<string, LayerCase>;
  readonly keras3: Record<string, LayerCase>;
  readonly wholeModel: Golden;
};

/** A whole model that Keras 2 saved. */
export function wholeModelFile(): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL('./goldens/layers_keras2.h5.gz', import.meta.url))));
}

/** Keras's class of a case, by its name. */
function classOf(name: string): string {
  if (name.startsWith('GroupedConv2D') || name.endsWith('Conv2D')) return 'Conv2D';
  const pooling = /^(Global\w+Pooling2D)KeepDims/.exec(name)?.[1];
  if (pooling !== undefined) return pooling;
  if (name.endsWith('Dense')) return 'Dense';
  const own = /^(Normalization|LayerScale|StochasticDepth|CustomScaleLayer|Rescaling)/.exec(name)?.[1];
  return own ?? 'Activation';
}

/** A model of the one layer, made of Keras's own config by the converter, with the case's weights. */
export async function modelOf(
  name: string,
  { config, inputs, weights }: LayerCase,
  { keras3 = false } = {},
): Promise<tf.LayersModel> {
  const own = { ...config };
  delete own.dtype;
  // A file of Keras 3 means another function by that name.
  if (keras3 && own.activation === 'hard_sigmoid') own.activation = 'keras3_hard_sigmoid';
  const names = inputs.map((__, index) => `input${index}`);
  const modelTopology = toTfjsTopology(
    parseKerasConfig({
      class_name: 'Model',
      config: {
        name: 'model',
        layers: [
          ...inputs.map(({ shape }, index) => ({
            class_name: 'InputLayer',
            name: `input${index}`,
            config: { name: `input${index}`, batch_input_shape: [null, ...shape.slice(1)], dtype: 'float32' },
            inbound_nodes: [],
          })),
          {
            class_name: classOf(name),
            name: 'layer',
            config: { ...own, name: 'layer' },
            inbound_nodes: [names.map((input) => [input, 0, 0, {}])],
          },
        ],
        input_layers: names.map((input) => [input, 0, 0]),
        output_layers: [['layer', 0, 0]],
      },
    }),
  );
  const model = await tf.loadLayersModel({ load: () => Promise.resolve({ modelTopology }) });
  const tensors = weights.map(({ data, shape }) =>
    tf.tensor(data, shape, shape.length === 0 ? 'int32' : 'float32'),
  );
  model.getLayer('layer').setWeights(tensors);
  tf.dispose(tensors);
  return model;
}

export const tensorOf = ({ data, shape }: Flat) => tf.tensor(data, shape, 'float32');

/** The largest difference of two lists, each measured against the wanted number where that is above 1. */
export function worst(actual: ArrayLike<number>, wanted: readonly number[]): number {
  if (actual.length !== wanted.length) return Infinity;
  return wanted.reduce((soFar, value, index) => {
    const difference = Math.abs((actual[index] as number) - value) / Math.max(1, Math.abs(value));
    return Number.isNaN(difference) ? Infinity : Math.max(soFar, difference);
  }, 0);
}
