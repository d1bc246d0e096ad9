import { DatasetError } from '../base/errors.ts';
import { joinSeeds } from '../base/random.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { ImageDataset, SkippedImage } from '../datasets/labelled-images.ts';
import type { RowValues } from '../pipeline/image-rows.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import type { AugmentOptions } from '../transfer/augment.ts';
import { augmentedDecoder } from '../transfer/augmented-decoder.ts';
import type { BoundarySource } from './boundary-rows.ts';

/** What the trained part of a model reads, one row for each picture that can be read: row-major `[labels.length, width]`. */
export interface PictureRows {
  readonly values: RowValues;
  readonly width: number;
  /** Class index of each row. */
  readonly labels: readonly number[];
}

export interface PictureReaderOptions {
  readonly augment: false | AugmentOptions;
  readonly seed: number;
  /** Rows that take more bytes than this together are computed anew in every epoch. */
  readonly memoryLimit: number;
  /** Whether rows are kept here from epoch to epoch; whoever keeps them otherwise needs no second copy. Default true. */
  readonly keeps?: boolean | undefined;
  readonly onProgress?: ProgressCallback | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Brings pictures to where they are trained on, and keeps account of those that cannot be read. */
export class PictureReader {
  cachedImages = 0;
  #kept: PictureRows | undefined;

  constructor(
    private readonly source: BoundarySource,
    private readonly recipe: InputRecipe,
    private readonly classes: readonly string[],
    private readonly training: ImageDataset,
    /** By picture; added to. */
    private readonly skipped: Map<string, SkippedImage>,
    private readonly options: PictureReaderOptions,
  ) {}

  validation(dataset: ImageDataset): Promise<PictureRows> {
    return this.#read(dataset, 'features of the validation pictures');
  }

  /** The training pictures as an epoch (from 1) sees them. */
  async epoch(epoch: number): Promise<PictureRows> {
    const phase = epoch === 1 ? 'features of the training pictures' : `features, epoch ${epoch}`;
    if (this.options.augment !== false) return this.#read(this.training, phase, epoch);
    if (this.#kept !== undefined) return this.#kept;
    const rows = await this.#read(this.training, phase);
    if (this.options.keeps !== false && this.isFixed) this.#kept = rows;
    return rows;
  }

  /** Whether the rows are the same in every epoch, and few enough to be kept. */
  get isFixed(): boolean {
    const fits = this.source.rowBytes * this.training.images.length <= this.options.memoryLimit;
    return fits && this.options.augment === false;
  }

  async #read(dataset: ImageDataset, phase: string, epoch?: number): Promise<PictureRows> {
    const { augment, seed, onProgress, signal } = this.options;
    const decode =
      epoch === undefined || augment === false
        ? undefined
        : augmentedDecoder(this.recipe, joinSeeds(seed, epoch), augment);
    const found = await this.source.rowsOf(
      dataset.images.map(({ image }) => image),
      { phase, names: dataset.images.map(({ name }) => name), decode, onProgress, signal },
    );
    found.skipped.forEach((file) => this.skipped.set(file.image, file));
    this.cachedImages += found.stored;
    const classOf = new Map(this.classes.map((label, index) => [label, index]));
    return {
      values: found.values,
      width: found.width,
      labels: found.indices.map((index) => classOf.get(dataset.images[index]!.label)!),
    };
  }

  /** @throws DatasetError `DATASET_EMPTY` where a class has no readable picture, or validation none at all */
  check(training: PictureRows, validation: PictureRows): void {
    const there = new Set(training.labels);
    const unread = this.classes.find((_, index) => !there.has(index));
    if (unread === undefined && validation.labels.length > 0) return;
    const skipped = [...this.skipped.values()];
    const examples = skipped.slice(-3).map(({ image, reason }) => `${image} (${reason.replace(/\.$/, '')})`);
    throw new DatasetError(
      'DATASET_EMPTY',
      unread === undefined
        ? 'No validation picture can be read.'
        : `No picture of the class "${unread}" can be read.`,
      {
        given: `${skipped.length} files that are no readable pictures, among them ${examples.join(', ')}`,
        expected: 'readable pictures in every class',
        nextStep: 'replace the damaged files, or remove the class',
      },
    );
  }
}
