import type * as tf from '@tensorflow/tfjs';
import { ModelError, UsageError } from '../base/errors.ts';
import type { WriteFileOptions } from '../output/write-file.node.ts';
import { writeFileWhole } from '../output/write-file.node.ts';
import { readLocation } from '../weights/index.node.ts';
import { lookUp } from '../../zoo/registry.ts';
import { findSimilar } from './find-similar.ts';
import type { ImageIndexOptions, IndexOrigin } from './image-index.ts';
import { ImageIndex, probeOf, withExtractor } from './image-index.ts';
import { indexFromBytes, indexToBytes } from './index-file.ts';

export interface LoadImageIndexOptions extends Pick<
  ImageIndexOptions,
  'weights' | 'engine' | 'onProgress' | 'signal'
> {
  /**
   * The network that the index was built with, as `buildImageIndex` takes it. Default: the network of the zoo that the file
   * names; files of other networks name none.
   */
  readonly base?: string | tf.LayersModel;
}

/** Features of one picture on other engines are as similar at least. */
const SAME = 0.995;

/**
 * Writes an index as one safetensors file: the features, the names of the pictures and how they were computed. The pictures
 * and the network are not in it. The file is written whole or not at all.
 *
 * @throws FileError `OUTPUT_*`; UsageError `USAGE_ARGUMENT`
 */
export async function saveImageIndex(
  index: ImageIndex,
  file: string,
  options: WriteFileOptions = {},
): Promise<void> {
  const bytes = indexToBytes(index.contents);
  await writeFileWhole(file, (sink) => sink.write(bytes, 0), options);
}

/**
 * Reads an index that `saveImageIndex` wrote. The network is checked to be the one that it was built with: both must see the
 * same in a picture that is always the same. `dispose` the result.
 *
 * @throws FileError `FILE_*`; FormatError `FORMAT_*`; UsageError `USAGE_ARGUMENT` where the file names no network; ModelError
 *   `MODEL_DIFFERENCE` for another network; and what `loadModel` throws
 */
export async function loadImageIndex(file: string, options: LoadImageIndexOptions = {}): Promise<ImageIndex> {
  const { signal, weights, engine, onProgress } = options;
  const contents = indexFromBytes(await readLocation(file, { signal, onProgress }), file);
  const { origin } = contents;
  const base = options.base ?? namedBase(origin, file);
  const isNamed = options.base === undefined;
  const { featureLayer, pooling, preprocessing, resize } = origin;
  const settings: ImageIndexOptions = {
    featureLayer,
    ...(pooling === null ? {} : { pooling }),
    preprocessing,
    resize,
    weights,
    engine,
    onProgress,
    signal,
    ...(isNamed ? { alpha: origin.alpha, minimalistic: origin.minimalistic } : {}),
  };
  return withExtractor(base, settings, async (extractor, release) => {
    const probe = await probeOf(extractor);
    const isSame =
      extractor.width === contents.width &&
      findSimilar(probe, { data: contents.probe, width: contents.width })[0]!.similarity > SAME;
    if (isSame) return new ImageIndex(contents, extractor, release, []);
    throw new ModelError('MODEL_DIFFERENCE', `${file} was built with another network.`, {
      given: typeof base === 'string' ? base : `the model "${base.name}"`,
      expected: `the network whose layer "${featureLayer}" gave ${contents.width} features`,
      nextStep: 'pass the same network with the same weights as `base`, or build the index anew',
    });
  });
}

/** A file may name networks of the zoo alone: what it says must not make anything else be read. */
function namedBase({ base }: IndexOrigin, file: string): string {
  if (base !== undefined && lookUp(base) !== undefined) return base;
  throw new UsageError('USAGE_ARGUMENT', `${file} does not say which network it was built with.`, {
    given: 'an index that was built with a model of your own',
    expected: 'that model as `base`',
    nextStep: 'pass `base`',
  });
}
