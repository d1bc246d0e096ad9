import { UsageError } from '../base/errors.ts';
import { createRandom, hashText, shuffled } from '../base/random.ts';
import type { ImageDataset, LabelledImage } from './labelled-images.ts';
import { compareNames } from './labelled-images.ts';

export interface SplitOptions {
  /** Share of every class, from 0 to below 1. Default 0.2. */
  readonly validation?: number;
  /** Share of every class, from 0 to below 1. Default 0. */
  readonly test?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Parts without a picture in common; all have the same classes in the same order. */
export interface SplitDataset {
  readonly training: ImageDataset;
  readonly validation: ImageDataset;
  readonly test: ImageDataset;
  /** For people: classes that have no picture in a part that was asked for. */
  readonly remarks: readonly string[];
}

/** Fewer would leave nothing to learn the class by. */
const LEAST_TRAINING = 2;

/**
 * Splits each class in the same proportion, at random. The same pictures, by their names, and the same seed give the same
 * parts, in whatever order they come. Every class keeps at least two pictures to train on (or the one that it has);
 * a class with too few for that has none in the other parts, which `remarks` says. Where a table names the part of
 * its pictures (`splitColumn`), that part is taken, and the shares are not looked at.
 *
 * @throws UsageError `USAGE_OPTION`
 */
export function splitDataset(dataset: ImageDataset, options: SplitOptions = {}): SplitDataset {
  const { validation = 0.2, test = 0, seed = 1 } = options;
  checkShares(validation, test, seed);
  const parts = {
    training: [] as LabelledImage[],
    validation: [] as LabelledImage[],
    test: [] as LabelledImage[],
  };
  const remarks: string[] = [];
  const fixed = dataset.images.some((image) => image.split !== undefined);
  const members = new Map(dataset.classes.map((label) => [label, [] as LabelledImage[]]));
  dataset.images.forEach((image) => members.get(image.label)?.push(image));
  for (const [label, images] of members) {
    if (fixed) {
      images.forEach((image) => parts[image.split ?? 'training'].push(image));
      const missing = (['training', 'validation', 'test'] as const).filter(
        (part) =>
          !images.some((image) => (image.split ?? 'training') === part) &&
          dataset.images.some((image) => (image.split ?? 'training') === part),
      );
      missing.forEach((part) => remarks.push(`the class "${label}" has no pictures in the ${part} part`));
      continue;
    }
    const named = images.map((image) => ({ image, name: image.name ?? '' }));
    named.sort((left, right) => compareNames(left.name, right.name));
    // Each class draws by itself, so that a further class leaves the others as they are.
    const order = shuffled(named, createRandom(hashText(label, seed)));
    let taken = 0;
    for (const [part, share] of [
      ['validation', validation],
      ['test', test],
    ] as const) {
      if (share === 0) continue;
      const wanted = Math.max(1, Math.round(images.length * share));
      const room = Math.max(0, images.length - taken - LEAST_TRAINING);
      const forTest = part === 'validation' && test > 0 ? 1 : 0;
      const count = Math.min(wanted, Math.max(Math.min(1, room), room - forTest));
      if (count === 0) {
        const has = images.length === 1 ? '1 picture' : `${images.length} pictures`;
        remarks.push(`the class "${label}" has ${has} only: none of them is in the ${part} part`);
      }
      parts[part].push(...order.slice(taken, taken + count).map(({ image }) => image));
      taken += count;
    }
    parts.training.push(...order.slice(taken).map(({ image }) => image));
  }
  const { classes, skipped } = dataset;
  return {
    training: { classes, images: parts.training, skipped },
    validation: { classes, images: parts.validation, skipped: [] },
    test: { classes, images: parts.test, skipped: [] },
    remarks,
  };
}

function checkShares(validation: number, test: number, seed: number): void {
  const legal = (share: number) => share >= 0 && share < 1;
  if (legal(validation) && legal(test) && validation + test < 1 && Number.isInteger(seed)) return;
  throw new UsageError('USAGE_OPTION', 'A data set cannot be split like this.', {
    given: `validation: ${validation}, test: ${test}, seed: ${seed}`,
    expected: 'shares from 0 to below 1, together below 1, and a whole number as seed',
    nextStep: 'for example validation: 0.2, test: 0.1',
  });
}
