import { DatasetError, UsageError } from '../base/errors.ts';
import { shuffled } from '../base/random.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';

/** One picture and the class that it shows. */
export interface LabelledImage {
  readonly image: ImageSource;
  /** Name of the class. */
  readonly label: string;
  /** Shown in messages; by default the path or URL, or the place in the array, for example `image 3 (2041 bytes)`. */
  readonly name?: string;
  /** The part that a table of pictures puts it into; `splitDataset` keeps to it. */
  readonly split?: DatasetPart;
}

export type DatasetPart = 'training' | 'validation' | 'test';

/** A file that was not used, and why. */
export interface SkippedImage {
  readonly image: string;
  readonly reason: string;
}

export interface ImageDataset {
  /** Class names in index order. */
  readonly classes: readonly string[];
  readonly images: readonly LabelledImage[];
  /** Files in the folder that are no pictures to train on. */
  readonly skipped: readonly SkippedImage[];
}

/**
 * Pictures in memory as a data set; the classes are sorted by name.
 *
 * @param name Shown in messages.
 * @throws DatasetError `DATASET_EMPTY`, `DATASET_ONE_CLASS`; UsageError `USAGE_ARGUMENT`
 */
export function datasetOf(images: readonly LabelledImage[], name = 'the data set'): ImageDataset {
  checkLabelled(images, name);
  const classes = [...new Set(images.map((image) => image.label))].sort(compareNames);
  // Named here, where the place in the caller's array is still known.
  const named = images.map((each, index) => ({
    ...each,
    name: each.name ?? nameOf(each.image, index, name),
  }));
  const dataset = { classes, images: named, skipped: [] };
  requireUsable(dataset, name);
  return dataset;
}

function nameOf(image: ImageSource, index: number, dataset: string): string {
  const name = describeSource(image, index);
  return typeof image === 'string' || image instanceof URL ? name : `${name} of ${dataset}`;
}

/** For what programs without types pass. */
function checkLabelled(images: unknown, name: string): void {
  const wrong = Array.isArray(images)
    ? images.findIndex(
        (each: Partial<LabelledImage> | null) => typeof each?.label !== 'string' || each.label === '',
      )
    : undefined;
  if (wrong === -1) return;
  throw new UsageError(
    'USAGE_ARGUMENT',
    wrong === undefined ? `${name} cannot be used.` : `Picture ${wrong + 1} of ${name} has no label.`,
    {
      given: wrong === undefined ? typeof images : 'a picture without the name of its class',
      expected: 'a folder, or an array of { image, label } with the name of a class as label',
      nextStep: 'pass the path of a folder with one subfolder for each class, or give every picture a label',
    },
  );
}

/** @throws DatasetError `DATASET_EMPTY`, `DATASET_ONE_CLASS` */
export function requireUsable({ classes, images }: ImageDataset, name: string): void {
  if (images.length === 0) {
    throw new DatasetError('DATASET_EMPTY', `There are no pictures in ${name}.`, {
      given: name,
      expected: 'one subfolder for each class, with JPEG, PNG, WebP, AVIF, TIFF or BMP files in it',
      nextStep:
        'put each class into a folder of its own, for example flowers/rose/1.jpg and flowers/tulip/2.jpg',
    });
  }
  if (classes.length < 2) {
    throw new DatasetError(
      'DATASET_ONE_CLASS',
      `${name} has one class only ("${classes[0]}"); there is nothing to tell apart.`,
      {
        given: `1 class, ${images.length} pictures`,
        expected: 'two or more classes, each a subfolder with pictures',
        nextStep: 'add a folder with counter-examples, for example "other"',
      },
    );
  }
}

/** Order of class names: by code point, like Python's `sorted`, so that indices agree with Keras's. */
export function compareNames(left: string, right: string): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (a !== b) return rankOf(a) - rankOf(b);
  }
  return left.length - right.length;
}

/** JavaScript compares UTF-16 units, in which characters beyond U+FFFF begin with a unit below U+E000. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Splits each class in the same proportion. Every class keeps at least one picture on both sides.
 *
 * @param fraction Share of the validation part, above 0 and below 1.
 * @throws DatasetError `DATASET_CLASSES` when a class has fewer than two pictures.
 */
export function splitDataset(
  dataset: ImageDataset,
  fraction: number,
  random: () => number,
): { training: ImageDataset; validation: ImageDataset } {
  const training: LabelledImage[] = [];
  const validation: LabelledImage[] = [];
  for (const label of dataset.classes) {
    const members = shuffled(
      dataset.images.filter((image) => image.label === label),
      random,
    );
    if (members.length < 2) {
      throw new DatasetError(
        'DATASET_CLASSES',
        `The class "${label}" has too few pictures to set some aside for validation.`,
        {
          given: `${members.length} picture(s) of "${label}"`,
          expected: 'at least 2 pictures in every class',
          nextStep: 'add pictures to this class, or give a validation folder of your own',
        },
      );
    }
    const count = Math.min(members.length - 1, Math.max(1, Math.round(members.length * fraction)));
    validation.push(...members.slice(0, count));
    training.push(...members.slice(count));
  }
  return {
    training: { ...dataset, images: training },
    validation: { ...dataset, images: validation, skipped: [] },
  };
}
