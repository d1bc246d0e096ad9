import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import { ownClass, type LayerInput } from './own-layers.ts';
import { activationName } from './tfjs-cleaning.ts';

/** Layer classes of tfjs-layers 4.22 that plain `tf.loadLayersModel` builds from a Keras config. */
const TFJS_LAYERS = new Set(
  (
    'Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization ' +
    'Bidirectional CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM2D Cropping2D ' +
    'Dense DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise ' +
    'GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer LSTM LSTMCell ' +
    'LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU ' +
    'Permute RNN ReLU RepeatVector Rescaling Reshape Resizing SeparableConv2D SimpleRNN SimpleRNNCell Softmax ' +
    'SpatialDropout1D StackedRNNCells ThresholdedReLU TimeDistributed UpSampling2D ZeroPadding2D'
  ).split(' '),
);

/** Layers of Keras, for telling what is missing in tfjs from what is custom. */
const OTHER_KERAS_LAYERS = new Set(
  (
    'ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D ' +
    'AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D AdditiveAttention Attention AugMix AutoContrast ' +
    'CategoryEncoding ContrastLimitedAdaptiveHistogramEqualization Conv1DTranspose ConvLSTM1D ConvLSTM3D CuDNNGRU ' +
    'CuDNNLSTM Cropping1D Cropping3D CutMix Deconvolution2D DenseFeatures DepthwiseConv1D Discretization EinsumDense ' +
    'Equalization FlaxLayer GlobalAveragePooling3D GlobalMaxPooling3D GroupNormalization GroupQueryAttention ' +
    'HashedCrossing Hashing Highway Identity IntegerLookup JaxLayer LocallyConnected1D LocallyConnected2D ' +
    'MaxNumBoundingBoxes MaxoutDense MelSpectrogram Merge MixUp MultiHeadAttention ParametricSoftplus Pipeline ' +
    'RMSNormalization RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast ' +
    'RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight ' +
    'RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness ' +
    'RandomShear RandomTranslation RandomWidth RandomZoom ReversibleEmbedding SReLU STFTSpectrogram SeparableConv1D ' +
    'SlicingOpLambda Solarization SpatialDropout2D SpatialDropout3D SpectralNormalization StringLookup Subtract ' +
    'TFOpLambda TFSMLayer TensorFlowOpLayer TensorOperation TextVectorization TorchModuleWrapper UnitNormalization ' +
    'UnknownOperation UpSampling1D UpSampling3D ZeroPadding1D ZeroPadding3D'
  ).split(' '),
);

/** Whether tfjs has a layer of that class. */
export const inTensorflowJs = (className: string) => TFJS_LAYERS.has(className);

/** True for anything that neither Keras nor this package brings along, Lambda included: it holds Python code. */
export function isCustomClass(className: string, config: JsonObject = {}): boolean {
  const known = TFJS_LAYERS.has(className) || OTHER_KERAS_LAYERS.has(className);
  return !known && ownClass(className, config) === undefined;
}

/** Layers that pass their input on at inference, and that tfjs lacks; its `Dropout` does the same. */
export function identityAtInference(className: string): boolean {
  return (
    className === 'SpatialDropout2D' ||
    className === 'SpatialDropout3D' ||
    className === 'ActivityRegularization'
  );
}

const nonZero = (value: unknown) => typeof value === 'number' && value !== 0;
const given = (value: JsonValue | undefined) => value !== undefined && value !== null && value !== false;

/** Options that neither tfjs nor this package computes, whatever the layer. */
function generalProblem(className: string, config: JsonObject, input: LayerInput): string | undefined {
  for (const key of ['activation', 'recurrent_activation']) {
    if (config[key] !== undefined && activationName(config[key]) === undefined) {
      return `its activation ${excerpt(config[key], 60)} is not in TensorFlow.js`;
    }
    if (className !== 'Activation' && activationName(config[key]) === 'glu') {
      return `its ${key} glu halves the last axis, which its shape does not tell`;
    }
  }
  if (isJsonObject(config.dtype) || given(config.quantization_config)) return 'its weights are quantized';
  if (given(config.lora_rank)) return `it has LoRA weights (lora_rank is ${excerpt(config.lora_rank, 20)})`;
  if (config.mode !== undefined && className === 'BatchNormalization') {
    return `mode ${excerpt(config.mode, 20)} of Keras 1 has no counterpart; only mode 0 has`;
  }
  if (config.padding === 'full') return 'its padding is "full"';
  // It says what stands at masked steps.
  if (given(config.zero_output_for_mask) && input.masked === true) return 'zero_output_for_mask is true';
  return ['renorm', 'time_major', 'sliding_window', 'crop_to_aspect_ratio']
    .filter((key) => given(config[key]))
    .map((key) => `${key} is ${excerpt(config[key], 20)}`)[0];
}

/** Options that tfjs's own layer ignores or refuses. */
function tfjsOptionProblem(className: string, config: JsonObject, input: LayerInput): string | undefined {
  if (typeof config.groups === 'number' && config.groups !== 1)
    return `groups is ${config.groups}; TensorFlow.js has 1`;
  if (config.keepdims === true) return 'keepdims is true, which TensorFlow.js ignores';
  if (config.padding === 'causal') return 'its padding is "causal"';
  if ((className === 'GRU' || className === 'GRUCell') && config.reset_after === true)
    return 'reset_after is true; TensorFlow.js has false only';
  if (className === 'ReLU' && (nonZero(config.negative_slope) || nonZero(config.threshold))) {
    return 'negative_slope or threshold is set, which TensorFlow.js ignores';
  }
  if (className === 'LeakyReLU' && config.alpha !== undefined && typeof config.alpha !== 'number') {
    return 'its alpha is not a number';
  }
  if (className === 'SeparableConv2D' && config.data_format === 'channels_first')
    return 'it is channels_first';
  if (className === 'Bidirectional') {
    if (given(config.backward_layer)) return 'it has a backward_layer, which TensorFlow.js ignores';
    const sequences = innerLayer(config.layer)?.config.return_sequences === true;
    if (sequences && input.masked === true)
      return 'masked steps of its sequence are zero in Keras, and not in TensorFlow.js';
  }
  if (
    className === 'UpSampling2D' &&
    !['nearest', 'bilinear'].includes(stringOf(config.interpolation) ?? 'nearest')
  ) {
    return `its interpolation is ${excerpt(config.interpolation, 20)}`;
  }
  const options = ['pad_to_aspect_ratio', 'antialias', 'use_gate', 'rms_scaling', 'return_attention_scores'];
  return options.filter((key) => given(config[key])).map((key) => `${key} is set`)[0];
}

/** Keys of a config that hold layers. */
const INNER = ['layer', 'backward_layer', 'cell'];
const WRAPPERS = new Set(['TimeDistributed', 'Bidirectional', 'SpectralNormalization', 'RNN']);

export interface InnerLayer {
  readonly className: string;
  readonly config: JsonObject;
}

/** A layer in a wrapper's config, or `undefined` when the value is none. */
export function innerLayer(value: JsonValue | undefined): InnerLayer | undefined {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return undefined;
  const className = stringOf(value.class_name);
  return className === undefined ? undefined : { className, config: value.config };
}

/** The layers within a layer's config: of wrappers, and the cells of recurrent layers. */
export function innerLayers(config: JsonObject): InnerLayer[] {
  const cells = Array.isArray(config.cells) ? config.cells : [];
  return [...INNER.map((key) => config[key]), ...cells].flatMap((value) => innerLayer(value) ?? []);
}

/** Gives back the config with every layer in it replaced. */
export function mapInnerLayers(config: JsonObject, replace: (layer: InnerLayer) => JsonValue): JsonObject {
  const mapped = { ...config };
  const one = (value: JsonValue): JsonValue => {
    const layer = innerLayer(value);
    return layer === undefined ? value : replace(layer);
  };
  for (const key of INNER) if (mapped[key] !== undefined) mapped[key] = one(mapped[key]);
  if (Array.isArray(mapped.cells)) mapped.cells = mapped.cells.map(one);
  return mapped;
}

/** Whether a layer in a wrapper is a model, which has layers of its own. */
export const isModel = ({ className, config }: InnerLayer) =>
  (className === 'Sequential' || className === 'Model' || className === 'Functional') &&
  Array.isArray(config.layers);

/**
 * Why TensorFlow.js, with the layers of this package, cannot compute this layer as Keras does; `undefined` when it can.
 * Models within wrappers are the caller's.
 */
export function tfjsProblem(
  className: string,
  config: JsonObject,
  input: LayerInput = {},
): string | undefined {
  if (className === 'Lambda') return 'it holds Python code, which is never executed';
  if (className === 'UnknownOperation')
    return `the operation ${stringOf(config.operation) ?? '?'}: ${stringOf(config.reason) ?? 'it is not known'}`;
  if (identityAtInference(className)) return undefined;
  const own = ownClass(className, config, input);
  if (!TFJS_LAYERS.has(className) && own === undefined) {
    return isCustomClass(className, config) ? 'it is a custom class' : 'TensorFlow.js has no such layer';
  }
  const inner = innerLayers(config);
  if (WRAPPERS.has(className) && inner.length === 0) return 'it wraps no layer';
  for (const layer of inner) {
    if (isModel(layer)) continue;
    const problem = tfjsProblem(layer.className, layer.config, innerInput(className, input));
    if (problem !== undefined)
      return className === layer.className ? problem : `${layer.className}: ${problem}`;
  }
  return (
    generalProblem(className, config, input) ??
    (own === undefined
      ? (tfjsOptionProblem(className, config, input) ?? axisProblem(className, config, input.rank))
      : undefined)
  );
}

/** What a layer within another one gets. */
export function innerInput(className: string, { rank, masked }: LayerInput): LayerInput {
  if (className !== 'TimeDistributed') return { rank, masked };
  return { rank: rank === undefined ? undefined : rank - 1, masked: false };
}

/** tfjs's kernel for BatchNormalization takes the parameters along the last axis, whatever the axis is. */
function axisProblem(
  className: string,
  config: JsonObject,
  inputRank: number | undefined,
): string | undefined {
  if (className !== 'BatchNormalization') return undefined;
  const axis = typeof config.axis === 'number' ? config.axis : -1;
  if (axis === -1 || inputRank === undefined || axis === inputRank - 1) return undefined;
  return `its axis is ${axis} of ${inputRank} (channels first?); TensorFlow.js normalizes the last axis only`;
}
