/** At most five columns of ASCII for each kind of operation: what it does to the data, as far as that can be drawn. */
const symbols: Readonly<Record<string, string>> = {
  Conv1D: '\\|/',
  Conv2D: '\\|/',
  Conv3D: '\\|/',
  Conv2DTranspose: '/|\\',
  Conv3DTranspose: '/|\\',
  GroupedConv2D: '\\|/',
  DepthwiseConv2D: '|||',
  SeparableConv2D: '|||/',
  Dense: 'XXXXX',
  Embedding: '[i]',
  BatchNormalization: 'm|s',
  LayerNormalization: 'm|s',
  Normalization: 'm|s',
  LayerScale: '|*|',
  Rescaling: '|*|',
  CustomScaleLayer: '\\+/',
  StochasticDepth: '| ||',
  Dropout: '| ||',
  SpatialDropout1D: '| ||',
  AlphaDropout: '| ||',
  GaussianDropout: '| ~|',
  GaussianNoise: '|~~|',
  Flatten: '|||||',
  Reshape: '[ ]->',
  Permute: '/\\->',
  RepeatVector: '|*n|',
  ZeroPadding2D: '0|||0',
  Cropping2D: '>|||<',
  UpSampling2D: '<|||>',
  Add: '\\+/',
  Subtract: '\\-/',
  Multiply: '\\*/',
  Average: '\\~/',
  Maximum: '\\^/',
  Minimum: '\\v/',
  Concatenate: '\\&/',
  Dot: '\\./',
};
const byPattern: readonly (readonly [RegExp, string])[] = [
  [/^(Functional|Sequential|Model|LayersModel)$/, '{...}'],
  [/^GlobalMaxPooling/, 'Y^max'],
  [/^GlobalAveragePooling/, 'Y^avg'],
  [/^MaxPooling/, 'Y max'],
  [/^AveragePooling/, 'Y avg'],
  [/RNN|LSTM|GRU|Bidirectional/, '|->|'],
  [/Activation|ReLU|ELU|Softmax/, 'f(x)'],
];

/** The symbol of an operation; `TimeDistributed(Dense)` has that of `Dense`. */
export function symbolOf(operation: string): string {
  const inner = /^TimeDistributed\((.*)\)$/.exec(operation)?.[1] ?? operation;
  return symbols[inner] ?? byPattern.find(([pattern]) => pattern.test(inner))?.[1] ?? '.....';
}
