import type { JsonObject } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { ownClass } from './own-layers.ts';
import { activationName } from './tfjs-cleaning.ts';

/** Layer classes of tfjs-layers 4.22 that plain `tf.loadLayersModel` builds from a Keras config. */
const TFJS_LAYERS = new Set(
  (
    'Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization ' +
    'Bidirectional CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM2D Cropping2D ' +
    'Dense DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GaussianDropout GaussianNoise GlobalAveragePooling1D ' +
    'GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer LSTM LayerNormalization LeakyReLU Masking ' +
    'MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU Permute ReLU RepeatVector Rescaling Reshape ' +
    'Resizing SeparableConv2D SimpleRNN Softmax SpatialDropout1D ThresholdedReLU TimeDistributed UpSampling2D ' +
    'ZeroPadding2D'
  ).split(' '),
);

/** Layers of Keras, for telling what is missing in tfjs from what is custom. */
const OTHER_KERAS_LAYERS = new Set(
  (
    'ActivityRegularization AdditiveAttention Attention CategoryEncoding Conv1DTranspose CuDNNGRU CuDNNLSTM ' +
    'Cropping1D Cropping3D Deconvolution2D DepthwiseConv1D Discretization EinsumDense GroupNormalization ' +
    'GlobalAveragePooling3D GlobalMaxPooling3D Hashing Highway IntegerLookup LocallyConnected1D LocallyConnected2D ' +
    'MaxoutDense Merge MultiHeadAttention RNN RandomBrightness RandomContrast RandomCrop RandomFlip ' +
    'RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom SReLU SeparableConv1D SlicingOpLambda ' +
    'StackedRNNCells StringLookup Subtract TFOpLambda TensorFlowOpLayer TextVectorization UnitNormalization ' +
    'UpSampling1D UpSampling3D ZeroPadding1D ZeroPadding3D SpatialDropout2D SpatialDropout3D ParametricSoftplus Identity'
  ).split(' '),
);

/** True for anything that neither Keras nor this package brings along, Lambda included: it holds Python code. */
export function isCustomClass(className: string, config: JsonObject = {}): boolean {
  const known = TFJS_LAYERS.has(className) || OTHER_KERAS_LAYERS.has(className);
  return !known && ownClass(className, config) === undefined;
}

/** Layers that pass their input on at inference, and that tfjs lacks. */
export function identityAtInference(className: string): boolean {
  return (
    className === 'SpatialDropout2D' ||
    className === 'SpatialDropout3D' ||
    className === 'ActivityRegularization'
  );
}

const nonZero = (value: unknown) => typeof value === 'number' && value !== 0;

function optionProblem(className: string, config: JsonObject): string | undefined {
  for (const key of ['activation', 'recurrent_activation']) {
    if (config[key] !== undefined && activationName(config[key]) === undefined) {
      return `its activation ${JSON.stringify(config[key])} is not in TensorFlow.js`;
    }
  }
  if (ownClass(className, config) === undefined) {
    if (typeof config.groups === 'number' && config.groups !== 1)
      return `groups is ${config.groups}; TensorFlow.js has 1`;
    if (config.keepdims === true) return 'keepdims is true, which TensorFlow.js ignores';
  }
  if (config.padding === 'full' || config.padding === 'causal') return `its padding is "${config.padding}"`;
  if (config.mode !== undefined && className === 'BatchNormalization') {
    return `mode ${JSON.stringify(config.mode)} of Keras 1 has no counterpart; only mode 0 has`;
  }
  if (config.renorm === true) return 'renorm is true';
  if (className === 'GRU' && config.reset_after === true)
    return 'reset_after is true; TensorFlow.js has false only';
  if (config.time_major === true) return 'time_major is true';
  if (className === 'ReLU' && (nonZero(config.negative_slope) || nonZero(config.threshold))) {
    return 'negative_slope or threshold is set, which TensorFlow.js ignores';
  }
  if (className === 'LeakyReLU' && config.alpha !== undefined && typeof config.alpha !== 'number') {
    return 'its alpha is not a number';
  }
  if (className === 'SeparableConv2D' && config.data_format === 'channels_first')
    return 'it is channels_first';
  if (
    className === 'UpSampling2D' &&
    !['nearest', 'bilinear'].includes(stringOf(config.interpolation) ?? 'nearest')
  ) {
    return `its interpolation is ${JSON.stringify(config.interpolation)}`;
  }
  return undefined;
}

/** Why TensorFlow.js, with the layers of this package, cannot compute this layer as Keras does; `undefined` when it can. */
export function tfjsProblem(className: string, config: JsonObject): string | undefined {
  if (className === 'Lambda') return 'it holds Python code, which is never executed';
  if (identityAtInference(className)) return undefined;
  if (!TFJS_LAYERS.has(className) && ownClass(className, config) === undefined) {
    return isCustomClass(className, config) ? 'it is a custom class' : 'TensorFlow.js has no such layer';
  }
  if (className === 'TimeDistributed' || className === 'Bidirectional') {
    const inner = config.layer;
    if (!isJsonObject(inner) || !isJsonObject(inner.config)) return 'it wraps no layer';
    return tfjsProblem(stringOf(inner.class_name) ?? '?', inner.config);
  }
  return optionProblem(className, config);
}

/** tfjs's kernel for BatchNormalization takes the parameters along the last axis, whatever the axis is. */
export function axisProblem(config: JsonObject, inputRank: number | undefined): string | undefined {
  const axis = typeof config.axis === 'number' ? config.axis : -1;
  if (axis === -1 || inputRank === undefined || axis === inputRank - 1) return undefined;
  return `its axis is ${axis} of ${inputRank} (channels first?); TensorFlow.js normalizes the last axis only`;
}
