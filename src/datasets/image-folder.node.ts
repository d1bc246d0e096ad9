import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DatasetError } from '../base/errors.ts';
import type { ImageDataset, LabelledImage, SkippedImage } from './labelled-images.ts';
import { requireUsable, compareNames } from './labelled-images.ts';

/** What is taken for a photo, by the file's ending. */
export const photoEndings: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.avif',
  '.tif',
  '.tiff',
  '.bmp',
];

/**
 * A folder with one subfolder for each class, as Keras's `image_dataset_from_directory` takes it. Classes are sorted
 * by name; subfolders of a class are read too. Hidden files are passed over, other files and GIFs are listed in `skipped`.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_EMPTY`, `DATASET_ONE_CLASS`
 */
export async function readImageFolder(folder: string): Promise<ImageDataset> {
  const images: LabelledImage[] = [];
  const skipped: SkippedImage[] = [];
  const classes: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (!(await isFolder(entry, path))) {
      skipped.push({ image: path, reason: 'it stands outside of the class folders' });
      continue;
    }
    const before = images.length;
    await collect(path, entry.name, images, skipped);
    if (images.length > before) classes.push(entry.name);
    else skipped.push({ image: path, reason: 'the folder has no photos' });
  }
  const dataset = { classes: classes.sort(compareNames), images, skipped };
  requireUsable(dataset, folder);
  return dataset;
}

async function collect(
  folder: string,
  label: string,
  images: LabelledImage[],
  skipped: SkippedImage[],
): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    const ending = extname(entry.name).toLowerCase();
    if (entry.name.startsWith('.')) continue;
    // Links to folders are not followed here: they may form a loop.
    if (entry.isDirectory()) await collect(path, label, images, skipped);
    else if (!entry.isFile() && !entry.isSymbolicLink())
      skipped.push({ image: path, reason: 'it is not a file' });
    else if (ending === '.gif')
      skipped.push({ image: path, reason: 'GIFs are drawings or animations, not photos' });
    else if (photoEndings.includes(ending)) images.push({ image: path, label, name: path });
    else skipped.push({ image: path, reason: `"${ending || entry.name}" is not the ending of a photo` });
  }
}

async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function entriesOf(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((left, right) => compareNames(left.name, right.name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'ENOTDIR'
          ? 'is a file, not a folder'
          : `cannot be read (${code})`;
    throw new DatasetError('DATASET_NOT_FOUND', `The folder ${folder} ${reason}.`, {
      given: folder,
      expected: 'a folder with one subfolder of photos for each class',
      nextStep: 'check the path',
      cause: error,
    });
  }
}
