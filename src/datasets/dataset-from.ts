import { platform } from '../platform.ts';
import type { ImageDataset, LabelledImage } from './labelled-images.ts';
import { datasetOf } from './labelled-images.ts';

/** A folder or table (Node), pictures in memory, or a data set. */
export type DatasetSource = string | readonly LabelledImage[] | ImageDataset;

/**
 * Whatever a caller has, as a data set.
 *
 * @param name Shown in messages.
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`
 */
export async function datasetFrom(data: DatasetSource, name = 'the data set'): Promise<ImageDataset> {
  if (typeof data === 'string') return platform().readDataset(data);
  return isDataset(data) ? data : datasetOf(data, name);
}

function isDataset(data: Exclude<DatasetSource, string>): data is ImageDataset {
  return typeof data === 'object' && data !== null && 'classes' in data && 'images' in data;
}
