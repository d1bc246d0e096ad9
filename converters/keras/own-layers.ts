import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';
import { OWN_ACTIVATIONS, activationName } from './tfjs-cleaning.ts';

/** Layer classes that tfjs lacks and that this package registers with it, under Keras's names. */
const OWN_LAYERS = new Set(
  (
    'AdditiveAttention Attention Conv1DTranspose ConvLSTM1D ConvLSTM3D Cropping1D Cropping3D CustomScaleLayer ' +
    'DepthwiseConv1D Discretization EinsumDense GlobalAveragePooling3D GlobalMaxPooling3D GroupNormalization ' +
    'GroupQueryAttention InitialStates KerasMasking LayerScale MaskedLayer MultiHeadAttention Normalization ' +
    'RMSNormalization SeparableConv1D ' +
    'SpectralNormalization StochasticDepth Subtract TensorOperation UnitNormalization UpSampling1D UpSampling3D ' +
    'ZeroPadding1D ZeroPadding3D ' +
    // What changes pictures in training only, and passes them on at inference.
    'AugMix CutMix MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast ' +
    'RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert ' +
    'RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear ' +
    'RandomTranslation RandomZoom'
  ).split(' '),
);

const isNumber = (value: unknown) => typeof value === 'number';
const isNonZero = (value: unknown) => typeof value === 'number' && value !== 0;
const isFirst = (config: JsonObject) => config.data_format === 'channels_first';
const isGrouped = (config: JsonObject) => isNumber(config.groups) && config.groups !== 1;
const listOf = (value: JsonValue | undefined): JsonValue[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
const isDilated = (config: JsonObject) =>
  listOf(config.dilation_rate).some((rate) => isNumber(rate) && rate !== 1);
const isPadded = (config: JsonObject) =>
  config.output_padding !== undefined && config.output_padding !== null;

/** What a layer's place in its graph tells. */
export interface LayerInput {
  /** Axes of the first input, the batch among them. */
  readonly rank?: number;
  /** Whether a mask may reach the layer. */
  readonly masked?: boolean;
}

/** Whether an axis, or the only one of a list, is the last one. Without a rank only -1 is known to be. */
function isLastAxis(axis: JsonValue | undefined, rank: number | undefined): boolean {
  const axes = listOf(axis ?? -1);
  return axes.length === 1 && (axes[0] === -1 || (rank !== undefined && axes[0] === rank - 1));
}

/** Layers of Keras Applications that are not Keras's own: others may have written one of the same name. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  CustomScaleLayer: ['scale'],
  LayerScale: ['init_values', 'projection_dim'],
  StochasticDepth: ['drop_path_rate'],
};

const DESCRIPTION = new Set(['name', 'dtype', 'trainable', 'go_backwards', 'seed']);

/** What a recurrent layer computes, apart from its direction, as text. */
function computation(value: JsonValue | undefined): string | undefined {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return undefined;
  const { config } = value;
  const entries = Object.entries(config).filter(
    ([key, item]) =>
      item !== null && !DESCRIPTION.has(key) && !/_(initializer|regularizer|constraint)$/.test(key),
  );
  return JSON.stringify([value.class_name, Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))]);
}

/** Whether the layer that goes backwards is another one than the layer itself turned around. */
function backwardDiffers({ layer, backward_layer }: JsonObject): boolean {
  if (backward_layer === undefined || backward_layer === null) return false;
  return computation(layer) !== computation(backward_layer);
}

type Condition = (config: JsonObject, input: LayerInput) => boolean;

/**
 * Layers that tfjs has, but that compute something else there with some configs. What computes them as Keras does is
 * registered as `Keras` and the class's name.
 */
const COMPUTED_OTHERWISE: Readonly<Record<string, Condition>> = {
  Activation: ({ activation }) => activationName(activation) === 'glu',
  AveragePooling1D: isFirst,
  BatchNormalization: ({ axis }, { rank }) => !isLastAxis(axis, rank) || (rank ?? 0) > 4,
  Bidirectional: backwardDiffers,
  CategoryEncoding: () => true,
  CenterCrop: () => true,
  Conv1D: (config) => isGrouped(config) || config.padding === 'causal' || isFirst(config),
  Conv2DTranspose: (config) => isPadded(config) || isDilated(config),
  Conv3D: isGrouped,
  /** tfjs's WASM backend computes something else, and there are no gradients. */
  Conv3DTranspose: () => true,
  ConvLSTM2D: (_, { masked }) => masked === true,
  DepthwiseConv2D: isDilated,
  Dot: (_, { rank }) => (rank ?? 0) > 3,
  ELU: ({ alpha }, { masked }) => masked === true || (isNumber(alpha) && alpha !== 1),
  GlobalAveragePooling1D: (config, { masked }) =>
    masked === true || config.keepdims === true || isFirst(config),
  GlobalMaxPooling1D: (config) => config.keepdims === true || isFirst(config),
  GRU: ({ reset_after }) => reset_after === true,
  GRUCell: ({ reset_after }) => reset_after === true,
  // tfjs has an initialiser of that name, in the same table.
  Identity: () => true,
  LayerNormalization: ({ rms_scaling }, { rank }) => rms_scaling === true || (rank ?? 0) > 4,
  /** Of activations with parameters, tfjs lets masks through ReLU and PReLU only. */
  LeakyReLU: (_, { masked }) => masked === true,
  MaxPooling1D: isFirst,
  /** The same on the WASM backend. */
  MaxPooling3D: () => true,
  ReLU: ({ negative_slope, threshold }) => isNonZero(negative_slope) || isNonZero(threshold),
  Resizing: () => true,
  SeparableConv2D: isFirst,
  Softmax: ({ axis }, { rank, masked }) => masked === true || !isLastAxis(axis, rank),
  UpSampling2D: ({ interpolation }) => interpolation !== undefined && interpolation !== 'nearest',
};

/** Names of ours that are not made by that rule. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  GlobalAveragePooling2DKeepDims: 'GlobalAveragePooling2D',
  GlobalMaxPooling2DKeepDims: 'GlobalMaxPooling2D',
  GroupedConv2D: 'Conv2D',
};

/** Every class of this package that a converted model may hold. */
export const OWN_CLASSES: readonly string[] = [
  ...OWN_LAYERS,
  ...Object.keys(COMPUTED_OTHERWISE).map((className) => `Keras${className}`),
  ...Object.keys(OTHER_NAMES),
];

/**
 * The class of this package that computes what plain tfjs would not: layers that it lacks, and those that it computes
 * otherwise than Keras with such a config. Undefined where there is none, or none is needed.
 *
 * A class of this package is its own.
 *
 * The input's rank tells whether an axis is the last one: where it is not known and the axis is not -1, the answer is
 * our class, which is right in any case.
 */
export function ownClass(className: string, config: JsonObject, input: LayerInput = {}): string | undefined {
  if (kerasClass(className) !== className) return className;
  if (className === 'Conv2D') return isGrouped(config) ? 'GroupedConv2D' : undefined;
  if (className === 'GlobalAveragePooling2D' || className === 'GlobalMaxPooling2D') {
    return config.keepdims === true ? `${className}KeepDims` : undefined;
  }
  if (Object.hasOwn(COMPUTED_OTHERWISE, className)) {
    return COMPUTED_OTHERWISE[className]!(config, input) ? `Keras${className}` : undefined;
  }
  const required = Object.hasOwn(REQUIRED, className) ? REQUIRED[className] : undefined;
  if (required?.some((key) => !isNumber(config[key])) === true) return undefined;
  return OWN_LAYERS.has(className) ? className : undefined;
}

/** Keras's name of a class of this package; other names are given back as they are. */
export function kerasClass(ownName: string): string {
  if (Object.hasOwn(OTHER_NAMES, ownName)) return OTHER_NAMES[ownName]!;
  const name = ownName.startsWith('Keras') ? ownName.slice('Keras'.length) : '';
  return Object.hasOwn(COMPUTED_OTHERWISE, name) ? name : ownName;
}

/** What of this package a layer needs, in words; `undefined` when plain tfjs has it all. */
export function ownPart(className: string, config: JsonObject, input: LayerInput = {}): string | undefined {
  const layer = ownClass(className, config, input);
  if (layer !== undefined) return layer;
  return [config.activation, config.recurrent_activation]
    .map((value) => activationName(value))
    .find((name) => name !== undefined && OWN_ACTIVATIONS.has(name));
}
