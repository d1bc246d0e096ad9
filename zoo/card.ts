/** Which arithmetic turns RGB 0..255 into what a network was trained on; as in Keras's `imagenet_utils`. */
export type PreprocessingMode = 'caffe' | 'tf' | 'torch' | 'none';

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
  readonly weights: readonly WeightFile[];
}
