import type * as tf from '@tensorflow/tfjs';
import { DatasetError, ImageError, UsageError } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import type { WeightsSource } from '../models/load-model.ts';
import { platform } from '../platform.ts';
import type { BorrowedBase } from '../transfer/base-model.ts';
import { borrowBase } from '../transfer/base-model.ts';
import type { FeatureExtractor, FeatureOptions } from '../transfer/extract-features.ts';
import { createFeatureExtractor } from '../transfer/extract-features.ts';
import { lookUp } from '../../zoo/registry.ts';
import type { FindSimilarOptions } from './find-similar.ts';
import { findSimilar } from './find-similar.ts';

export interface ImageIndexOptions extends FeatureOptions {
  /** With a base given by name: where its weights come from. Default `imagenet`. */
  readonly weights?: WeightsSource;
  /** With a base given by name: the width of a MobileNet. Default 1. */
  readonly alpha?: number;
  /** With a base given by name: the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
}

export interface SimilarImage {
  /** Path or URL of the picture; for one in memory its place and what it is. */
  readonly image: string;
  /** Its place in the index, from 0. */
  readonly index: number;
  /** Cosine of the angle between the features: at most 1. */
  readonly similarity: number;
}

export interface SearchOptions extends FindSimilarOptions {
  readonly signal?: AbortSignal;
}

/** How the features of an index were computed, as far as a file can tell it. */
export interface IndexOrigin {
  /** A network of the zoo with its published weights; not there for other bases. */
  readonly base?: string;
  readonly alpha?: number;
  readonly minimalistic?: boolean;
  readonly featureLayer: string;
  readonly pooling: 'avg' | 'max' | null;
  readonly preprocessing: FeatureExtractor['recipe']['preprocessing'];
  readonly resize: FeatureExtractor['recipe']['resize'];
}

/** What of an index is kept in a file. */
export interface IndexContents {
  readonly origin: IndexOrigin;
  readonly images: readonly string[];
  /** Row-major `[images.length, width]`. */
  readonly data: Float32Array;
  readonly width: number;
  /** The features of a picture that is always the same: by them a network is known again. */
  readonly probe: Float32Array;
}

/** Pictures by what a network sees in them. `buildImageIndex` makes one. `dispose` it. */
export class ImageIndex {
  readonly #contents: IndexContents;
  readonly #extractor: FeatureExtractor;
  readonly #release: BorrowedBase['release'];
  #disposed = false;

  constructor(
    contents: IndexContents,
    extractor: FeatureExtractor,
    release: BorrowedBase['release'],
    /** Pictures that could not be read; empty in an index from a file. */
    readonly skipped: readonly SkippedImage[],
  ) {
    this.#contents = contents;
    this.#extractor = extractor;
    this.#release = release;
  }

  /** Paths, URLs or descriptions of the pictures, in order. */
  get images(): readonly string[] {
    return this.#contents.images;
  }

  /** Row-major `[images.length, width]`: what `findSimilar` takes. */
  get features(): { readonly data: Float32Array; readonly width: number } {
    const { data, width } = this.#contents;
    return { data, width };
  }

  /** What `saveImageIndex` writes. */
  get contents(): IndexContents {
    return this.#contents;
  }

  /**
   * The pictures that are most like this one, the most similar first; a picture that is in the index itself is among them.
   *
   * @throws ImageError `IMAGE_*`; UsageError `USAGE_ARGUMENT`; EngineError `ENGINE_*`; AbortedError `ABORTED`
   */
  async search(image: ImageSource, { topK, signal }: SearchOptions = {}): Promise<SimilarImage[]> {
    const name = describeSource(image, 0);
    const { data, rows, skipped } = await this.#extractor.extract([image], { ...(signal && { signal }) });
    if (rows.length === 0) {
      const reason = skipped[0]?.reason ?? 'unknown';
      throw new ImageError('IMAGE_UNREADABLE', `${name} cannot be read: ${reason}`, {
        given: name,
        expected: 'a picture',
        nextStep: 'check the file',
      });
    }
    const { images } = this.#contents;
    const options = topK === undefined ? {} : { topK };
    return findSimilar(data, this.#contents, options).map(({ row, similarity }) => ({
      image: images[row]!,
      index: row,
      similarity,
    }));
  }

  /** Frees the engine, and the network if it was loaded for this index. Calling it again does nothing. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#extractor.dispose();
    await this.#release(undefined);
  }
}

/**
 * Computes the features of pictures, so that those like a given one can be found.
 *
 * ```js
 * const index = await buildImageIndex('efficientnet-lite0', 'holiday/');
 * const [best] = await index.search('cat.jpg');
 * ```
 *
 * @param base A network of the zoo by name, a path or URL of a model, or a loaded model, which stays yours.
 * @param images A folder, of which all pictures are taken, or pictures.
 * @throws DatasetError `DATASET_EMPTY`; UsageError `USAGE_ARGUMENT`; ModelError `MODEL_*`; EngineError `ENGINE_*`;
 *   AbortedError `ABORTED`; and what `loadModel` throws
 */
export async function buildImageIndex(
  base: string | tf.LayersModel,
  images: string | readonly ImageSource[],
  options: ImageIndexOptions = {},
): Promise<ImageIndex> {
  const sources = typeof images === 'string' ? await picturesIn(images) : images;
  return withExtractor(base, options, async (extractor, release) => {
    const { onProgress, signal } = options;
    const { data, rows, skipped } = await extractor.extract(sources, { onProgress, signal });
    if (rows.length === 0) {
      throw new DatasetError('DATASET_EMPTY', 'There is no picture to build an index of.', {
        given: `${sources.length} pictures, of which none can be read`,
        expected: 'a folder with readable pictures, or an array of pictures',
        nextStep: 'check the folder',
      });
    }
    const contents: IndexContents = {
      origin: originOf(base, extractor, options),
      images: rows.map((row) => describeSource(sources[row]!, row)),
      data,
      width: extractor.width,
      probe: await probeOf(extractor),
    };
    return new ImageIndex(contents, extractor, release, skipped);
  });
}

/** Gives it to `make`, whose index has to dispose of it; disposes of it where `make` throws. */
export async function withExtractor(
  base: string | tf.LayersModel,
  options: ImageIndexOptions,
  make: (extractor: FeatureExtractor, release: BorrowedBase['release']) => Promise<ImageIndex>,
): Promise<ImageIndex> {
  const { model, release } = await borrowBase(base, options);
  try {
    const extractor = await createFeatureExtractor(model, options);
    try {
      return await make(extractor, release);
    } catch (error) {
      await extractor.dispose();
      throw error;
    }
  } catch (error) {
    await release(undefined);
    throw error;
  }
}

async function picturesIn(folder: string): Promise<readonly string[]> {
  const found = await platform().listPictures?.(folder);
  if (found !== undefined) return found;
  throw new UsageError('USAGE_ARGUMENT', 'A browser has no folders to read.', {
    given: folder,
    expected: 'an array of files, blobs, URLs or elements',
    nextStep: 'pass the pictures themselves',
  });
}

function originOf(
  base: string | tf.LayersModel,
  { featureLayer, pooling, recipe }: FeatureExtractor,
  { weights = 'imagenet', alpha, minimalistic }: ImageIndexOptions,
): IndexOrigin {
  const known = typeof base === 'string' && weights === 'imagenet' && lookUp(base) !== undefined;
  return {
    ...(known ? { base, alpha, minimalistic } : {}),
    featureLayer,
    pooling,
    preprocessing: recipe.preprocessing,
    resize: recipe.resize,
  };
}

/** Of a picture with edges and colours of all directions and sizes that needs no file. */
export async function probeOf(extractor: FeatureExtractor): Promise<Float32Array> {
  const side = 96;
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const wave = Math.floor(128 + 127 * Math.sin((x * x + 2 * y * y) / 400));
      data.set(
        [wave, ((x >> 3) ^ (y >> 4)) & 1 ? 220 : 40, Math.floor((255 * y) / side)],
        (y * side + x) * 3,
      );
    }
  }
  const probe: Pixels = { data, width: side, height: side };
  return (await extractor.extract([probe])).data;
}
