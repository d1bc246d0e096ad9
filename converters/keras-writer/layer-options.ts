/** Which Keras a file is written for. */
export type KerasTarget = 2 | 3;

const parts = (...names: string[]) =>
  names.map((name) => `${name}_initializer ${name}_regularizer ${name}_constraint`).join(' ');

const POOLING = 'pool_size strides padding data_format';
const GLOBAL_POOLING = 'data_format keepdims';
const CONVOLUTION = `filters kernel_size strides padding data_format dilation_rate activation use_bias ${parts('kernel', 'bias')} activity_regularizer`;
const TRANSPOSED = `${CONVOLUTION} output_padding`;
const DEPTHWISE = `kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias ${parts('depthwise', 'bias')} activity_regularizer`;
const SEPARABLE = `filters ${DEPTHWISE} ${parts('pointwise')}`;
const SIMPLE_CELL = `units activation use_bias ${parts('kernel', 'recurrent', 'bias')} dropout recurrent_dropout`;
const GRU_CELL = `${SIMPLE_CELL} recurrent_activation reset_after`;
const LSTM_CELL = `${SIMPLE_CELL} recurrent_activation unit_forget_bias`;
const RECURRENT = 'return_sequences return_state go_backwards stateful unroll zero_output_for_mask';
const CONV_LSTM = `${CONVOLUTION} ${parts('recurrent')} recurrent_activation unit_forget_bias dropout recurrent_dropout return_sequences return_state go_backwards stateful`;
const NORMALIZATION = `axis epsilon center scale ${parts('beta', 'gamma')}`;
const ATTENTION_HEADS = `dropout use_bias ${parts('kernel', 'bias')} activity_regularizer`;
const AUGMENTATION = 'fill_mode interpolation seed fill_value';

const COLOURS = 'data_format factor value_range seed';

/** The options of Keras's layers that both versions know, `name`, `trainable` and `dtype` aside. */
const BOTH: Readonly<Record<string, string>> = {
  Activation: 'activation',
  ActivityRegularization: 'l1 l2',
  Add: '',
  AdditiveAttention: 'use_scale dropout',
  AlphaDropout: 'rate noise_shape seed',
  Attention: 'use_scale score_mode dropout',
  Average: '',
  AveragePooling1D: POOLING,
  AveragePooling2D: POOLING,
  AveragePooling3D: POOLING,
  BatchNormalization: `${NORMALIZATION} momentum moving_mean_initializer moving_variance_initializer synchronized`,
  Bidirectional: 'layer merge_mode backward_layer',
  CategoryEncoding: 'num_tokens output_mode sparse',
  CenterCrop: 'height width',
  Concatenate: 'axis',
  Conv1D: `${CONVOLUTION} groups`,
  Conv1DTranspose: TRANSPOSED,
  Conv2D: `${CONVOLUTION} groups`,
  Conv2DTranspose: TRANSPOSED,
  Conv3D: `${CONVOLUTION} groups`,
  Conv3DTranspose: TRANSPOSED,
  ConvLSTM1D: CONV_LSTM,
  ConvLSTM2D: CONV_LSTM,
  ConvLSTM3D: CONV_LSTM,
  Cropping1D: 'cropping',
  Cropping2D: 'cropping data_format',
  Cropping3D: 'cropping data_format',
  CustomScaleLayer: 'scale',
  Dense: `units activation use_bias ${parts('kernel', 'bias')} activity_regularizer`,
  DepthwiseConv1D: DEPTHWISE,
  DepthwiseConv2D: DEPTHWISE,
  Discretization: 'bin_boundaries num_bins epsilon output_mode sparse',
  Dot: 'axes normalize',
  Dropout: 'rate noise_shape seed',
  ELU: 'alpha',
  EinsumDense: `equation output_shape activation bias_axes ${parts('kernel', 'bias')} activity_regularizer`,
  Embedding: `input_dim output_dim ${parts('embeddings')} activity_regularizer mask_zero`,
  Flatten: 'data_format',
  GRU: `${GRU_CELL} ${RECURRENT} activity_regularizer`,
  GRUCell: GRU_CELL,
  GaussianDropout: 'rate seed',
  GaussianNoise: 'stddev seed',
  GlobalAveragePooling1D: GLOBAL_POOLING,
  GlobalAveragePooling2D: GLOBAL_POOLING,
  GlobalAveragePooling3D: GLOBAL_POOLING,
  GlobalMaxPooling1D: GLOBAL_POOLING,
  GlobalMaxPooling2D: GLOBAL_POOLING,
  GlobalMaxPooling3D: GLOBAL_POOLING,
  GroupNormalization: `${NORMALIZATION} groups`,
  Identity: '',
  InputLayer: 'batch_input_shape sparse',
  LSTM: `${LSTM_CELL} ${RECURRENT} activity_regularizer`,
  LSTMCell: LSTM_CELL,
  LayerNormalization: NORMALIZATION,
  LayerScale: 'init_values projection_dim',
  LeakyReLU: 'alpha',
  Masking: 'mask_value',
  MaxPooling1D: POOLING,
  MaxPooling2D: POOLING,
  MaxPooling3D: POOLING,
  Maximum: '',
  Minimum: '',
  MultiHeadAttention: `num_heads key_dim value_dim output_shape attention_axes ${ATTENTION_HEADS}`,
  Multiply: '',
  Normalization: 'axis mean variance invert',
  PReLU: `${parts('alpha')} shared_axes`,
  Permute: 'dims',
  RNN: `cell ${RECURRENT}`,
  RandomBrightness: 'factor value_range seed',
  RandomContrast: 'factor seed',
  RandomCrop: 'height width seed',
  RandomFlip: 'mode seed',
  RandomRotation: `factor ${AUGMENTATION}`,
  RandomTranslation: `height_factor width_factor ${AUGMENTATION}`,
  RandomZoom: `height_factor width_factor ${AUGMENTATION}`,
  ReLU: 'max_value negative_slope threshold',
  RepeatVector: 'n',
  Rescaling: 'scale offset',
  Reshape: 'target_shape',
  Resizing: 'height width interpolation crop_to_aspect_ratio',
  SeparableConv1D: SEPARABLE,
  SeparableConv2D: SEPARABLE,
  SimpleRNN: `${SIMPLE_CELL} ${RECURRENT} activity_regularizer`,
  SimpleRNNCell: SIMPLE_CELL,
  Softmax: 'axis',
  SpatialDropout1D: 'rate',
  SpatialDropout2D: 'rate data_format',
  SpatialDropout3D: 'rate data_format',
  StackedRNNCells: 'cells',
  StochasticDepth: 'drop_path_rate',
  Subtract: '',
  TimeDistributed: 'layer',
  UnitNormalization: 'axis',
  UpSampling1D: 'size',
  UpSampling2D: 'size data_format interpolation',
  UpSampling3D: 'size data_format',
  ZeroPadding1D: 'padding',
  ZeroPadding2D: 'padding data_format',
  ZeroPadding3D: 'padding data_format',
};

/** Layers of one version alone. */
const ONLY: Readonly<Record<KerasTarget, Readonly<Record<string, string>>>> = {
  2: {
    RandomHeight: 'factor interpolation seed',
    RandomWidth: 'factor interpolation seed',
    ThresholdedReLU: 'theta',
  },
  3: {
    AugMix: 'data_format value_range num_chains chain_depth factor alpha all_ops interpolation seed',
    CutMix: 'data_format factor seed',
    MixUp: 'data_format alpha seed',
    RandAugment: 'data_format value_range num_ops factor interpolation seed',
    RandomColorDegeneration: COLOURS,
    RandomColorJitter:
      'data_format value_range brightness_factor contrast_factor saturation_factor hue_factor seed',
    RandomElasticTransform: 'data_format factor scale interpolation fill_mode fill_value value_range seed',
    RandomErasing: 'data_format factor scale fill_value value_range seed',
    RandomGaussianBlur: 'data_format factor kernel_size stddev value_range seed',
    RandomGrayscale: 'data_format factor',
    RandomHue: COLOURS,
    RandomInvert: COLOURS,
    RandomPerspective: 'data_format factor scale interpolation fill_value seed',
    RandomPosterization: COLOURS,
    RandomSaturation: COLOURS,
    RandomSharpness: COLOURS,
    RandomShear: 'data_format x_factor y_factor fill_mode interpolation seed fill_value',
    GroupQueryAttention: `head_dim num_query_heads num_key_value_heads ${ATTENTION_HEADS}`,
    RMSNormalization: 'axis epsilon',
    /** Keras 2 has it, but does not know it when it loads an `.h5` file. */
    SpectralNormalization: 'layer power_iterations',
  },
};

/** Options of one version alone. */
const MORE: Readonly<Record<KerasTarget, Readonly<Record<string, string>>>> = {
  2: {
    Embedding: 'input_length',
    GRU: 'time_major implementation',
    InputLayer: 'ragged',
    LSTM: 'time_major implementation',
    MultiHeadAttention: 'query_shape key_shape value_shape',
    RNN: 'time_major',
  },
  3: {
    LayerNormalization: 'rms_scaling',
    RandomContrast: 'value_range',
    Resizing: 'pad_to_aspect_ratio fill_mode fill_value antialias data_format',
    SpatialDropout1D: 'seed',
    SpatialDropout2D: 'seed',
    SpatialDropout3D: 'seed',
    ZeroPadding1D: 'data_format',
  },
};

/** The options of a layer, in Keras 2's words; `undefined` for layers that this version of Keras does not have. */
export function layerOptions(target: KerasTarget, className: string): ReadonlySet<string> | undefined {
  const own = (table: Readonly<Record<string, string>>) =>
    Object.hasOwn(table, className) ? table[className] : undefined;
  const options = own(BOTH) ?? own(ONLY[target]);
  if (options === undefined) return undefined;
  return new Set(`${options} ${own(MORE[target]) ?? ''}`.split(' ').filter((name) => name !== ''));
}

/** Classes that are written, for the table in the documentation. */
export const WRITTEN_LAYERS: Readonly<Record<KerasTarget, readonly string[]>> = {
  2: [...Object.keys(BOTH), ...Object.keys(ONLY[2])],
  3: [...Object.keys(BOTH), ...Object.keys(ONLY[3])],
};
