import { channelAxes } from '../../src/base/channel-axes.ts';
import type { JsonObject, JsonValue, WeightTensor } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { kerasClass } from '../keras/own-layers.ts';
import { countOf, derived, numbersOf } from '../tensors.ts';
import { channelLevels, quantize, type Quantization, type Stored } from './quantize.ts';

/** The layers whose kernels are scaled by channel. */
const SCALED = new Set(
  (
    'Dense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D ' +
    'SeparableConv1D SeparableConv2D Embedding'
  ).split(' '),
);

/** A weight on its way into the shards. */
export interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: WeightTensor['dtype'];
  readonly stored: Stored;
}

const classOf = (layer: JsonObject) => kerasClass(stringOf(layer.class_name) ?? '');

/** Models in models. Deeper ones are left as they are: the reader of configs refuses them. */
const MAX_DEPTH = 64;

/** The layers of a topology, as `edit` makes them, those of nested models included. */
function withLayers(
  topology: JsonObject,
  edit: (layer: JsonObject, config: JsonObject) => JsonValue,
): JsonObject {
  const editModel = (model: JsonObject, depth: number): JsonObject => {
    const inner = model.config;
    const editAll = (layers: JsonValue[]) => layers.map((layer) => editLayer(layer, depth + 1));
    if (depth > MAX_DEPTH) return model;
    if (Array.isArray(inner)) return { ...model, config: editAll(inner) };
    if (!isJsonObject(inner) || !Array.isArray(inner.layers)) return model;
    return { ...model, config: { ...inner, layers: editAll(inner.layers) } };
  };
  const editLayer = (layer: JsonValue, depth: number): JsonValue => {
    if (!isJsonObject(layer) || !isJsonObject(layer.config)) return layer;
    return Array.isArray(layer.config.layers) ? editModel(layer, depth) : edit(layer, layer.config);
  };
  return isJsonObject(topology.model_config)
    ? { ...topology, model_config: editModel(topology.model_config, 0) }
    : editModel(topology, 0);
}

const plainly = (tensor: WeightTensor, how: Quantization): StoredWeight => {
  const { name, shape, dtype } = tensor;
  return { name, shape, dtype, stored: quantize(tensor, how) };
};

/** Scales and minima, which are as exact as biases. */
function vector(name: string, data: Float32Array): StoredWeight {
  return plainly({ name, shape: [data.length], dtype: 'float32', data }, 'none');
}

function groupedByLayer(tensors: readonly WeightTensor[]): Map<string, WeightTensor[]> {
  const groups = new Map<string, WeightTensor[]>();
  for (const tensor of tensors) {
    const layer = tensor.name.slice(0, Math.max(0, tensor.name.lastIndexOf('/')));
    const group = groups.get(layer);
    if (group === undefined) groups.set(layer, [tensor]);
    else group.push(tensor);
  }
  return groups;
}

/** What becomes of one layer's weights; undefined where none of them has channels. */
function scaledWeights(
  weights: readonly WeightTensor[],
  className: string,
  how: 'uint8' | 'uint16',
): StoredWeight[] | undefined {
  const parts = weights.map((tensor) => {
    const axes = channelAxes(className, tensor.name.split('/').at(-1)!, tensor.shape.length);
    if (axes === undefined || tensor.dtype !== 'float32' || countOf(tensor) === 0) return { tensor, axes };
    return { tensor, axes, scaled: channelLevels(tensor, axes, how) };
  });
  const kernels = parts.filter(({ axes }) => axes !== undefined);
  if (kernels.length === 0 || kernels.some(({ scaled }) => scaled === undefined)) return undefined;
  return [
    ...parts.map(({ tensor, scaled }) =>
      scaled === undefined
        ? plainly(tensor, how)
        : { name: tensor.name, shape: tensor.shape, dtype: tensor.dtype, stored: scaled.levels },
    ),
    ...kernels.flatMap(({ tensor, scaled }) => [
      vector(`${tensor.name}_scale`, scaled!.scale),
      vector(`${tensor.name}_minimum`, scaled!.minimum),
    ]),
  ];
}

/**
 * Quantizes kernels with a scale for each output channel. The layers that have one are put into the layer
 * `ChannelScaled` of this package, which makes the kernels when the model is loaded; all other weights are quantized as
 * a whole.
 */
export function withChannelScales(
  topology: JsonObject,
  weights: readonly (readonly WeightTensor[])[],
  how: 'uint8' | 'uint16',
): { topology: JsonObject; weights: StoredWeight[]; scaled: number } {
  const byLayer = groupedByLayer(weights.flat());
  const made = new Map<string, StoredWeight[]>();
  const edited = withLayers(topology, (layer, config) => {
    const name = stringOf(config.name) ?? '';
    const own = byLayer.get(name);
    const stored =
      own === undefined || !SCALED.has(classOf(layer)) ? undefined : scaledWeights(own, classOf(layer), how);
    if (stored === undefined) return layer;
    made.set(name, stored);
    const { class_name = '' } = layer;
    return { ...layer, class_name: 'ChannelScaled', config: { name, layer: { class_name, config } } };
  });
  const stored = [...byLayer].flatMap(
    ([name, own]) => made.get(name) ?? own.map((tensor) => plainly(tensor, how)),
  );
  return { topology: edited, weights: stored, scaled: made.size };
}

/** The layers of a topology without `ChannelScaled` around them, and the kernels that their levels stand for. */
export function withoutChannelScales(
  topology: JsonObject,
  tensors: readonly WeightTensor[],
): { topology: JsonObject; tensors: readonly WeightTensor[] } {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const byLayer = groupedByLayer(tensors);
  const edited = withLayers(topology, (layer, config) => {
    const inner = config.layer;
    if (layer.class_name !== 'ChannelScaled' || !isJsonObject(inner) || !isJsonObject(inner.config))
      return layer;
    const name = stringOf(config.name) ?? '';
    const className = classOf(inner);
    for (const tensor of byLayer.get(name) ?? []) {
      const axes = channelAxes(className, tensor.name.slice(name.length + 1), tensor.shape.length);
      const scale = byName.get(`${tensor.name}_scale`);
      const minimum = byName.get(`${tensor.name}_minimum`);
      if (axes === undefined || scale === undefined || minimum === undefined) continue;
      const channels = axes.reduce((product, axis) => product * tensor.shape[axis]!, 1);
      // Then the kernel stays a kernel of levels and the vectors stay without a layer, which is an error where they are matched.
      if (countOf(scale) !== channels || countOf(minimum) !== channels) continue;
      byName.set(tensor.name, kernelOf(tensor, axes, scale, minimum));
      byName.delete(scale.name);
      byName.delete(minimum.name);
    }
    return { ...layer, class_name: inner.class_name ?? '', config: { ...inner.config, name } };
  });
  return { topology: edited, tensors: [...byName.values()] };
}

function kernelOf(
  levels: WeightTensor,
  axes: readonly number[],
  scale: WeightTensor,
  minimum: WeightTensor,
): WeightTensor {
  const { name, shape } = levels;
  const channels = countOf(scale);
  const inner = shape.slice(axes.at(-1)! + 1).reduce((product, side) => product * side, 1);
  return derived({ name, shape, dtype: 'float32' }, () => {
    const kernel = Float32Array.from(numbersOf(levels));
    const scales = numbersOf(scale);
    const minima = numbersOf(minimum);
    for (let i = 0; i < kernel.length; i++) {
      const channel = Math.floor(i / inner) % channels;
      kernel[i] = kernel[i]! * scales[channel]! + minima[channel]!;
    }
    return kernel;
  });
}
