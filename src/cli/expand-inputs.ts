import { stat } from 'node:fs/promises';
import { glob, isDynamicPattern } from 'tinyglobby';
import { DatasetError } from '../base/errors.ts';
import { isPicture, pictureEndings, picturesBelow } from '../datasets/pictures-below.node.ts';
import { compareNames } from '../datasets/labelled-images.ts';
import { isUrl } from '../models/location.ts';

/**
 * Pictures named on a command line: files and URLs as they are, folders with all that is below them
 * (hidden files apart), glob patterns.
 * Sorted within each argument; a picture that is named twice is taken once.
 *
 * @throws DatasetError `DATASET_EMPTY` for a folder or pattern without pictures
 */
export async function expandInputs(inputs: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const input of inputs) {
    for (const image of await expand(input)) found.add(image);
  }
  return [...found];
}

async function expand(input: string): Promise<string[]> {
  if (isUrl(input)) return [input];
  const kind = await stat(input).catch(() => undefined);
  if (kind?.isDirectory()) return nonEmpty(await picturesBelow(input), input, 'folder');
  // A file may well have brackets in its name.
  if (kind !== undefined || !isDynamicPattern(input)) return [input];
  const matches = await glob(input, { onlyFiles: true, expandDirectories: false, absolute: false });
  return nonEmpty(matches.filter(isPicture).sort(compareNames), input, 'pattern');
}

function nonEmpty(images: string[], input: string, kind: string): string[] {
  if (images.length > 0) return images;
  throw new DatasetError('DATASET_EMPTY', `There are no pictures in the ${kind} ${input}.`, {
    given: input,
    expected: `files ending in ${[...pictureEndings].join(', ')}`,
    nextStep: 'check the path',
  });
}
