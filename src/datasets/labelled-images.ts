import { DatasetError } from '../base/errors.ts';
import { shuffled } from '../base/random.ts';
import type { ImageSource } from '../images/image-source.ts';

/** One picture and the class that it shows. */
export interface LabelledImage {
  readonly image: ImageSource;
  /** Name of the class. */
  readonly label: string;
  /** Shown in messages; a path by default. */
  readonly name?: string;
}

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
 * @throws DatasetError `DATASET_EMPTY`, `DATASET_ONE_CLASS`
 */
export function datasetOf(images: readonly LabelledImage[], name = 'the data set'): ImageDataset {
  const classes = [...new Set(images.map((image) => image.label))].sort(compareNames);
  const dataset = { classes, images, skipped: [] };
  checkDataset(dataset, name);
  return dataset;
}

/** @throws DatasetError `DATASET_EMPTY`, `DATASET_ONE_CLASS` */
export function checkDataset({ classes, images }: ImageDataset, name: string): void {
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

/** Order of class names: by code unit, like Python's `sorted`, so that indices agree with Keras's. */
export function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
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
