import { DatasetError } from '../base/errors.ts';
import { createRandom } from '../base/random.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import { datasetFrom } from '../datasets/dataset-from.ts';
import type { ImageDataset, SkippedImage } from '../datasets/labelled-images.ts';
import { splitDataset } from '../datasets/labelled-images.ts';
import { splitDataset as splitByColumn } from '../datasets/split-dataset.ts';

export interface DataOptions {
  readonly validation?: DatasetSource;
  readonly validationSplit?: number;
  readonly seed?: number;
}

/**
 * Training and validation pictures with the same classes in the same order.
 *
 * @throws DatasetError `DATASET_*`
 */
export async function prepareData(
  data: DatasetSource,
  { validation, validationSplit = 0.2, seed = 1 }: DataOptions,
): Promise<{ training: ImageDataset; validation: ImageDataset; skipped: readonly SkippedImage[] }> {
  const all = await datasetFrom(data, 'the training pictures');
  if (validation === undefined) {
    const parts = all.images.some(({ split }) => split !== undefined) ? splitByColumn(all) : undefined;
    // A table says which pictures are to validate on.
    if (parts !== undefined && parts.validation.images.length > 0) return { ...parts, skipped: all.skipped };
    return { ...splitDataset(all, validationSplit, createRandom(seed)), skipped: all.skipped };
  }
  const validationData = await datasetFrom(validation, 'the validation pictures');
  const unknown = validationData.classes.filter((label) => !all.classes.includes(label));
  const missing = all.classes.filter((label) => !validationData.classes.includes(label));
  if (unknown.length > 0 || missing.length > 0) {
    throw new DatasetError(
      'DATASET_CLASSES',
      'Training and validation pictures do not have the same classes.',
      {
        given: `training: ${all.classes.join(', ')}; validation: ${validationData.classes.join(', ')}`,
        expected: 'the same class folders in both',
        nextStep:
          unknown.length > 0
            ? `remove "${unknown.join('", "')}" from the validation pictures, or add it to the training pictures`
            : `add pictures of "${missing.join('", "')}" to the validation pictures`,
      },
    );
  }
  const skipped = [...all.skipped, ...validationData.skipped];
  return { training: all, validation: { ...validationData, classes: all.classes }, skipped };
}
