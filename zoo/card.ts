/**
 * Which arithmetic turns RGB 0..255 into what a network was trained on: the modes of Keras's `imagenet_utils`, and
 * `lite` of EfficientNet-Lite.
 */
export const preprocessingModes = ['caffe', 'tf', 'torch', 'lite', 'none'] as const;
export type PreprocessingMode = (typeof preprocessingModes)[number];

export interface WeightFile {
  /** `top` has the classifier, `noTop` ends at the last feature map. */
  readonly variant: 'top' | 'noTop';
  readonly url: string;
  readonly fileName: string;
  /** Bytes, where known. */
  readonly size?: number;
  /** As the publisher states it. */
  readonly md5?: string;
  /** Ours, where the bytes were held. */
  readonly sha256?: string;
}

/** Trained weights that lie in the package itself. */
export interface EmbeddedWeights {
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

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
  /** Name of the first convolution and of the layer that classifies. */
  readonly firstConvolution: string;
  readonly classifier: string;
  /** The last layer without top: what a new head stands on. */
  readonly features: { readonly layer: string; readonly width: number };
  /** Name of the label set; `imagenet` has 1000 classes. */
  readonly labels: 'imagenet';
  readonly parameters: { readonly top: number; readonly noTop: number };
  /** Percent on ImageNet, as published; absent where no source states it. */
  readonly accuracy: { readonly top1?: number; readonly top5?: number; readonly note?: string };
  readonly licence: string;
  /** Published files, which are downloaded. */
  readonly weights: readonly WeightFile[];
  /** What stands in the package and needs no download. */
  readonly embedded?: EmbeddedWeights;
}
