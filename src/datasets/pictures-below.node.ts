import { readdir } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { readFailure } from '../weights/file-errors.node.ts';
import { photoEndings } from './image-folder.node.ts';
import { compareNames } from './labelled-images.ts';

/** Endings of files in a folder that are taken for pictures. */
export const pictureEndings: ReadonlySet<string> = new Set([...photoEndings, '.gif']);

/** All pictures in a folder and the folders in it, sorted; hidden files apart. */
export async function picturesBelow(folder: string): Promise<string[]> {
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

export function isPicture(name: string): boolean {
  return pictureEndings.has(extname(name).toLowerCase());
}
