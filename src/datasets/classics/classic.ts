import * as tf from '@tensorflow/tfjs';
import { DatasetError } from '../../base/errors.ts';
import { requireWhole, wrongOption } from '../../base/checks.ts';
import type { LabelledImage, SkippedImage } from '../labelled-images.ts';

/** One part of a classic data set, in memory. */
export interface ClassicDataset {
  /** `mnist`, `fashion-mnist`, `notmnist`, `cifar10` or `cifar100`. */
  readonly name: string;
  readonly split: 'train' | 'test';
  /** `count * height * width * channels` bytes, 0 to 255, row by row, channels last. */
  readonly images: Uint8Array;
  /** Indices of `classes`, one for each picture. */
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
  readonly count: number;
  readonly shape: readonly [height: number, width: number, channels: 1 | 3];
  /** Files of the archive that are no pictures. */
  readonly skipped: readonly SkippedImage[];
}

/** A part that has been read and must be checked. */
export type ClassicParts = Omit<ClassicDataset, 'count' | 'skipped'> &
  Partial<Pick<ClassicDataset, 'skipped'>>;

/** @throws DatasetError `DATASET_FORMAT` where pictures and labels do not fit together, `DATASET_EMPTY` */
export function classicOf(parts: ClassicParts, source: string): ClassicDataset {
  const { classes, shape } = parts;
  const [images, labels] = [plain(parts.images), plain(parts.labels)];
  const size = shape[0] * shape[1] * shape[2];
  const count = images.length / size;
  if (count !== labels.length) {
    throw damaged(source, 'pictures and labels do not fit together', {
      given: `${count} pictures and ${labels.length} labels`,
      expected: 'one label for each picture',
    });
  }
  const wrong = labels.findIndex((label) => label >= classes.length);
  if (wrong >= 0) {
    throw damaged(source, `label ${wrong + 1} names no class`, {
      given: `label ${labels[wrong]}`,
      expected: `0 to ${classes.length - 1}`,
    });
  }
  if (count === 0) {
    throw new DatasetError('DATASET_EMPTY', `There are no pictures in ${source}.`, {
      given: source,
      expected: 'pictures and labels',
      nextStep: 'check that this is the right file or folder',
    });
  }
  return { skipped: [], ...parts, images, labels, count };
}

/** Node's Buffers are Uint8Arrays that behave otherwise. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `DATASET_FORMAT`: a file that is not what it should be. */
export function damaged(
  source: string,
  problem: string,
  { given, expected, cause }: { given: string; expected: string; cause?: unknown },
): DatasetError {
  return new DatasetError('DATASET_FORMAT', `${source} cannot be read: ${problem}.`, {
    given,
    expected,
    nextStep: 'get the file again, or check that it is the right one',
    cause,
  });
}

/**
 * Pictures of a classic data set for `fineTune` and `checkDataset`; grey ones become RGB.
 *
 * @param options.count The first so many only. Default: all, each as `height * width * 3` bytes of its own.
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function toLabelledImages(
  classic: ClassicDataset,
  options: { readonly count?: number } = {},
): LabelledImage[] {
  const { name, split, images, labels, classes, shape } = classic;
  const { count = classic.count } = options;
  requireWhole('count', count, 0);
  const [height, width, channels] = shape;
  const size = height * width * channels;
  return Array.from({ length: Math.min(count, classic.count) }, (_, index) => {
    const own = images.subarray(index * size, (index + 1) * size);
    const data = channels === 3 ? own.slice() : rgbOfGrey(own);
    return {
      image: { data, width, height },
      label: classes[labels[index]!]!,
      name: `picture ${index + 1} of ${name}, ${split}`,
    };
  });
}

function rgbOfGrey(grey: Uint8Array): Uint8Array {
  const data = new Uint8Array(grey.length * 3);
  grey.forEach((value, at) => data.fill(value, at * 3, at * 3 + 3));
  return data;
}

/**
 * A classic data set as tensors: pictures `[count, height, width, channels]` in float32, labels one-hot
 * `[count, classes]` in float32. The caller disposes of both.
 *
 * @param options.scale What the values 0 to 255 are multiplied by. Default 1/255: 0 to 1.
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function toTensors(
  { images, labels, classes, count, shape }: ClassicDataset,
  options: { readonly scale?: number } = {},
): { images: tf.Tensor4D; labels: tf.Tensor2D } {
  const { scale = 1 / 255 } = options;
  if (!Number.isFinite(scale)) throw wrongOption('scale', scale, 'a number');
  const values = new Float32Array(images.length);
  for (let at = 0; at < images.length; at++) values[at] = images[at]! * scale;
  const oneHot = new Float32Array(count * classes.length);
  labels.forEach((label, index) => (oneHot[index * classes.length + label] = 1));
  return {
    images: tf.tensor4d(values, [count, ...shape]),
    labels: tf.tensor2d(oneHot, [count, classes.length]),
  };
}
