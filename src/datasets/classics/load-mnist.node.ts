import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { requireOneOf } from '../../base/checks.ts';
import type { CacheOptions } from '../../weights/index.node.ts';
import { filesOf, folderOf, localPathOf, missingFiles, unpacked } from './archive.node.ts';
import type { ClassicDataset } from './classic.ts';
import { classicOf, damaged } from './classic.ts';
import type { ByteArray } from './idx.ts';
import { readIdx } from './idx.ts';
import { readNpz } from './npz.ts';
import { digits, fashionClasses, fashionMnistFiles, mnistFile } from './sources.ts';

export interface LoadClassicOptions extends CacheOptions {
  /** Default `train`. */
  readonly split?: 'train' | 'test';
  /** A file, folder or archive of your own, or the URL of one. Default: the published one, through the cache. */
  readonly source?: string;
}

/**
 * The handwritten digits of MNIST: 60,000 to train on and 10,000 to test on, 28 x 28, grey.
 *
 * @param options.source `mnist.npz`, or the IDX files `train-images-idx3-ubyte(.gz)` and so on: their folder, an archive
 * of them, or one of them.
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_FORMAT`, `DATASET_EMPTY`; UsageError `USAGE_ARGUMENT`; AbortedError
 * `ABORTED`; and what a download throws
 */
export async function loadMnist(options: LoadClassicOptions = {}): Promise<ClassicDataset> {
  const { split = 'train', source = mnistFile } = options;
  requireOneOf('split', split, ['train', 'test']);
  return loadGrey('mnist', split, await localPathOf(source, options), digits, options);
}

/**
 * The clothes of Fashion-MNIST: 60,000 to train on and 10,000 to test on, 28 x 28, grey.
 *
 * @param options.source As for `loadMnist`.
 * @throws as `loadMnist`
 */
export async function loadFashionMnist(options: LoadClassicOptions = {}): Promise<ClassicDataset> {
  const { split = 'train', source } = options;
  requireOneOf('split', split, ['train', 'test']);
  if (source !== undefined) {
    return loadGrey('fashion-mnist', split, await localPathOf(source, options), fashionClasses, options);
  }
  const [images, labels] = fashionMnistFiles[split];
  const paths = [await localPathOf(images, options), await localPathOf(labels, options)] as const;
  const files = [await readFile(paths[0]), await readFile(paths[1])] as const;
  return greyOf('fashion-mnist', split, fashionClasses, [
    readIdx(await unpacked(files[0], paths[0]), 3, paths[0]),
    readIdx(await unpacked(files[1], paths[1]), 1, paths[1]),
    paths[0],
  ]);
}

/** From a file or folder on this machine. */
export async function loadGrey(
  name: string,
  split: 'train' | 'test',
  path: string,
  classes: readonly string[],
  { signal }: LoadClassicOptions,
): Promise<ClassicDataset> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile && /\.npz$/i.test(path)) {
    const [images, labels] = await readNpz(await readFile(path), [`x_${split}`, `y_${split}`], path);
    return greyOf(name, split, classes, [images!, labels!, path]);
  }
  return greyOf(name, split, classes, await readIdxFiles(path, isFile, split, signal));
}

async function readIdxFiles(
  path: string,
  isFile: boolean,
  split: 'train' | 'test',
  signal: AbortSignal | undefined,
): Promise<[images: ByteArray, labels: ByteArray, file: string]> {
  const prefix = split === 'train' ? 'train' : 't10k';
  const idxName = /(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/;
  // One of the files stands for all of them.
  const place = isFile && idxName.test(basename(path)) ? await folderOf(path) : path;
  const found: { images?: ByteArray; labels?: ByteArray } = {};
  const wanted = (file: string) => idxName.exec(basename(file))?.[1] === prefix;
  for await (const { name, bytes } of filesOf(place, wanted, signal)) {
    const kind = idxName.exec(name)![2] as 'images' | 'labels';
    found[kind] ??= readIdx(await unpacked(bytes, name), kind === 'images' ? 3 : 1, name);
  }
  const { images, labels } = found;
  if (images !== undefined && labels !== undefined) return [images, labels, place];
  throw missingFiles(
    place,
    `${prefix}-images-idx3-ubyte.gz and ${prefix}-labels-idx1-ubyte.gz, or an .npz file`,
  );
}

function greyOf(
  name: string,
  split: 'train' | 'test',
  classes: readonly string[],
  [images, labels, file]: readonly [ByteArray, ByteArray, string],
): ClassicDataset {
  const [, height, width] = images.shape;
  if (images.shape.length !== 3 || labels.shape.length !== 1) {
    throw damaged(file, 'its arrays are of another shape', {
      given: `${images.shape.join(' x ')} and ${labels.shape.join(' x ')}`,
      expected: 'pictures [count, height, width] and labels [count]',
    });
  }
  if (images.shape[0] !== labels.shape[0]) {
    throw damaged(file, 'pictures and labels do not fit together', {
      given: `${images.shape[0]} pictures and ${labels.shape[0]} labels`,
      expected: 'one label for each picture',
    });
  }
  const shape = [height!, width!, 1] as const;
  return classicOf({ name, split, images: images.data, labels: labels.data, classes, shape }, file);
}
