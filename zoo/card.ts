/**
 * Which arithmetic turns RGB 0..255 into what a network was trained on: the modes of Keras's `imagenet_utils`, `lite`
 * of EfficientNet-Lite, `symmetric128` (`x / 128 - 1`) of EfficientNetV2 S, M and L, `unit` (`x / 255`) of TensorFlow
 * Hub's networks, and `teachable` (`x / 127 - 1`) of Teachable Machine. `none` is for networks that take 0..255 and do
 * the rest themselves.
 */
export const preprocessingModes = [
  'caffe',
  'tf',
  'torch',
  'lite',
  'symmetric128',
  'unit',
  'teachable',
  'none',
] as const;
export type PreprocessingMode = (typeof preprocessingModes)[number];

export interface WeightFile {
  /** `top` has the classifier, `noTop` ends at the last feature map. */
  readonly variant: 'top' | 'noTop';
  readonly url: string;
  readonly fileName: string;
  /** Side in pixels of the pictures that these weights were trained on, where there is a file for each of several. */
  readonly inputSize?: number;
  /** Bytes, where known. */
  readonly size?: number;
  /** As the publisher states it. */
  readonly md5?: string;
  /** As the publisher states it (ConvNeXt), or ours, where the bytes were held. */
  readonly sha256?: string;
}

/** Trained weights that lie in the package itself. */
export interface EmbeddedWeights {
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** Percent on ImageNet, as published; absent where no source states it. */
export interface Accuracy {
  readonly top1?: number;
  readonly top5?: number;
  readonly note?: string;
}

/** Another width or make of a network, picked by its options, with weights of its own. */
export interface ModelVariant {
  readonly alpha: number;
  readonly minimalistic?: boolean;
  readonly parameters: { readonly top: number; readonly noTop: number };
  readonly features: { readonly layer: string; readonly width: number };
  readonly accuracy: Accuracy;
  readonly weights: readonly WeightFile[];
}

/** The options that not every network takes. */
export const extraOptions = [
  'alpha',
  'depthMultiplier',
  'dropout',
  'minimalistic',
  'includePreprocessing',
] as const;
export type ExtraOption = (typeof extraOptions)[number];

/** All facts about a network that are not its graph. Cards are data: no functions. */
export interface ModelCard {
  /** The name that `loadModel` takes, lower case. */
  readonly name: string;
  readonly title: string;
  readonly family: string;
  /** Paper or repository that the network comes from. */
  readonly source: string;
  readonly inputSize: { readonly default: number; readonly minimum: number };
  readonly resize: {
    readonly mode: 'fill' | 'cover' | 'contain';
    readonly filter: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3';
    readonly cropFraction: number;
  };
  readonly preprocessing: PreprocessingMode;
  /** What the network itself does to pictures of 0..255 unless it is built with `includePreprocessing: false`. */
  readonly builtinPreprocessing?: PreprocessingMode;
  /** Which of the options that not every network takes it takes. */
  readonly options?: readonly ExtraOption[];
  /** Name of the first convolution and of the layer that classifies. */
  readonly firstConvolution: string;
  readonly classifier: string;
  /**
   * The last layer without top: what a new head stands on. `withTop` takes its place in a network with top, where
   * that one has another layer there.
   */
  readonly features: { readonly layer: string; readonly withTop?: string; readonly width: number };
  /** Name of the label set; `imagenet` has 1000 classes. */
  readonly labels: 'imagenet';
  readonly parameters: { readonly top: number; readonly noTop: number };
  readonly accuracy: Accuracy;
  readonly licence: string;
  /** Published files, which are downloaded. */
  readonly weights: readonly WeightFile[];
  /** The other published widths and makes; the card itself describes the default one. */
  readonly variants?: readonly ModelVariant[];
  /** What stands in the package and needs no download. */
  readonly embedded?: EmbeddedWeights;
}
