import { constants } from 'node:fs';
import { access, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { outputError } from './output-errors.node.ts';

/** Removes the folders from `deepest` up to `highest`, as far as they are empty. */
export async function removeEmpty(deepest: string, highest: string): Promise<void> {
  for (let folder = deepest; folder.length >= highest.length; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}

/** @throws FileError `OUTPUT_ACCESS` when nothing can be created in `place`, or where it would have to be created. */
export async function checkWritable(place: string, output: string): Promise<void> {
  try {
    await access(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing || dirname(place) === place) throw outputError(error, output);
    await checkWritable(dirname(place), output);
  }
}
