import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { DatasetError } from '../base/errors.ts';
import { readImageCsv } from './image-csv.node.ts';
import { readImageFolder } from './image-folder.node.ts';
import { readImageJsonl } from './image-jsonl.node.ts';
import type { ImageDataset } from './labelled-images.ts';
import type { ImageTableOptions } from './table-rows.node.ts';

/**
 * The pictures of a folder (`readImageFolder`), of a .csv or .tsv file (`readImageCsv`), or of a .jsonl or .ndjson file
 * (`readImageJsonl`).
 *
 * @throws DatasetError `DATASET_*`; AbortedError `ABORTED`
 */
export async function readDataset(path: string, options: ImageTableOptions = {}): Promise<ImageDataset> {
  const ending = extname(path).toLowerCase();
  const found = await stat(path).catch(() => undefined);
  // What is not there is told by the reader.
  if (found?.isDirectory() === true) return readImageFolder(path);
  if (ending === '.csv' || ending === '.tsv') return readImageCsv(path, options);
  if (ending === '.jsonl' || ending === '.ndjson') return readImageJsonl(path, options);
  if (found === undefined) return readImageFolder(path);
  throw new DatasetError('DATASET_FORMAT', `${path} is no data set that can be read.`, {
    given: path,
    expected: 'a folder with one subfolder for each class, or a .csv, .tsv or .jsonl file',
    nextStep: 'give the table one of these endings, or pass the folder of the pictures',
  });
}
