import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { DatasetError } from '../base/errors.ts';
import { photoEndings } from '../datasets/image-folder.node.ts';
import { compareNames } from '../datasets/labelled-images.ts';
import { isUrl } from '../models/location.ts';
import { readFailure } from '../weights/file-errors.node.ts';

/** Endings of files in a folder that are taken for pictures. */
const pictureEndings = new Set([...photoEndings, '.gif']);

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

async function picturesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    throw readFailure(error, folder);
  });
  return (
    entries
      .filter((entry) => !entry.isDirectory() && isPicture(entry.name))
      // Node before 20.12 has `path` only.
      .map((entry) => join((entry.parentPath as string | undefined) ?? entry.path, entry.name))
      .filter((path) => !isHidden(relative(folder, path)))
      .sort(compareNames)
  );
}

/** Thumbnails, trash, and the `._*` files of macOS, which have the endings of pictures and are none. */
function isHidden(path: string): boolean {
  return path.split(sep).some((part) => part.startsWith('.'));
}

function isPicture(name: string): boolean {
  return pictureEndings.has(extname(name).toLowerCase());
}

function nonEmpty(images: string[], input: string, kind: string): string[] {
  if (images.length > 0) return images;
  throw new DatasetError('DATASET_EMPTY', `There are no pictures in the ${kind} ${input}.`, {
    given: input,
    expected: `files ending in ${[...pictureEndings].join(', ')}`,
    nextStep: 'check the path',
  });
}
