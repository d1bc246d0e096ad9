import { WRITTEN_LAYERS } from '../keras-writer/layer-options.ts';
import { onnxLayerNames } from '../onnx/registry.ts';
import { ownClass } from './own-layers.ts';
import { identityAtInference, inTensorflowJs } from './tfjs-support.ts';

/** How a layer of Keras comes to TensorFlow.js. */
export type LayerReading =
  /** As tfjs's layer of the same name; with some options as a layer of this package. */
  | 'itself'
  /** As a layer that this package registers. */
  | 'dovecote'
  /** As a layer that passes its input on, as this one does at inference. */
  | 'inference'
  | 'refused';

export interface LayerRow {
  /** Keras's name of the class. */
  readonly name: string;
  readonly keras: readonly ('2' | '3')[];
  readonly reading: LayerReading;
  /** Why it is refused. */
  readonly reason?: string;
  /** The versions of Keras that it can be written back to. */
  readonly written: readonly ('2' | '3')[];
  readonly onnx: boolean;
}

/** The layers of `keras.layers` that both versions have; `tests/oracle/keras_layer_names.py` lists them. */
const BOTH =
  'Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D ' +
  'AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D ' +
  'Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D ' +
  'Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding ' +
  'Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D ' +
  'GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization HashedCrossing ' +
  'Hashing Identity InputLayer IntegerLookup LSTM LSTMCell Lambda LayerNormalization LeakyReLU Masking MaxPooling1D ' +
  'MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute RNN ' +
  'RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector ' +
  'Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D ' +
  'SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization ' +
  'TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D';
const ONLY_2 = 'DenseFeatures LocallyConnected1D LocallyConnected2D RandomHeight RandomWidth ThresholdedReLU';
const ONLY_3 =
  'AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D ' +
  'AdaptiveMaxPooling2D AdaptiveMaxPooling3D AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix ' +
  'Equalization FlaxLayer GroupQueryAttention JaxLayer MaxNumBoundingBoxes MelSpectrogram MixUp Pipeline ' +
  'RMSNormalization RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing ' +
  'RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation ' +
  'RandomSharpness RandomShear ReversibleEmbedding STFTSpectrogram Solarization TFSMLayer TorchModuleWrapper';

const REASONS: Readonly<Record<string, string>> = {
  DenseFeatures: 'feature columns are not stored in the file',
  FlaxLayer: 'it holds a program of Flax',
  Hashing: 'it hashes text',
  HashedCrossing: 'it hashes text',
  IntegerLookup: 'its table is not a weight',
  JaxLayer: 'it holds a program of JAX',
  Lambda: 'it holds Python code, which is never executed',
  Pipeline: 'its layers are chosen in Python',
  StringLookup: 'its input is text',
  TFSMLayer: 'it refers to a SavedModel elsewhere',
  TextVectorization: 'its input is text',
  TorchModuleWrapper: 'it holds a program of PyTorch',
};

function readingOf(name: string): LayerReading {
  if (REASONS[name] !== undefined) return 'refused';
  if (identityAtInference(name) || /^(Rand|AugMix|CutMix|MixUp)/.test(name)) {
    return identityAtInference(name) || ownClass(name, {}) !== undefined ? 'inference' : 'refused';
  }
  if (inTensorflowJs(name)) return 'itself';
  return ownClass(name, {}) === undefined ? 'refused' : 'dovecote';
}

/** Every layer of Keras 2 and Keras 3, in the order of their names, and what the converter does with it. */
export function layerTable(): LayerRow[] {
  const onnx = new Set(['InputLayer', ...onnxLayerNames()]);
  const writtenIn = (version: 2 | 3, name: string) => WRITTEN_LAYERS[version].includes(name);
  const rows = (names: string, keras: LayerRow['keras']) =>
    names.split(' ').map((name): LayerRow => {
      const reading = readingOf(name);
      const written = keras.filter((version) => writtenIn(version === '2' ? 2 : 3, name));
      const reason =
        reading === 'refused' ? (REASONS[name] ?? 'TensorFlow.js and this package lack it') : undefined;
      const row = { name, keras, reading, written, onnx: onnx.has(name) };
      return reason === undefined ? row : { ...row, reason };
    });
  return [...rows(BOTH, ['2', '3']), ...rows(ONLY_2, ['2']), ...rows(ONLY_3, ['3'])].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

const WORDS: Readonly<Record<LayerReading, string>> = {
  itself: 'as itself',
  dovecote: "as dovecote's layer",
  inference: 'passes its input on',
  refused: 'refused',
};

/** The table as `docs/layers.md`. */
export function layerTableMarkdown(): string {
  const versions = (list: LayerRow['keras']) => (list.length === 0 ? '—' : list.join(', '));
  const lines = layerTable().map(
    ({ name, keras, reading, reason, written, onnx }) =>
      `| ${name} | ${versions(keras)} | ${reason === undefined ? WORDS[reading] : `${WORDS[reading]}: ${reason}`} | ${versions(written)} | ${onnx ? 'yes' : '—'} |`,
  );
  return [
    '# Layers of Keras and what the converter does with them',
    '',
    'Written by `tools/layer-table/make.mjs`. "As itself" is the layer of TensorFlow.js, or with options that it lacks one',
    "of dovecote's; such a model needs `import 'dovecote'` before `tf.loadLayersModel`. Options that neither computes are",
    'refused by name.',
    '',
    '| layer | Keras | in TensorFlow.js | written to Keras | ONNX |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
