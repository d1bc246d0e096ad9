import type { ModelFile, ReadModelFileOptions } from '../../converters/index.ts';
import { readModelFile } from '../../converters/index.ts';
import type { OpenFile } from '../platform.ts';

/**
 * Runs `use` and closes all files in any case, those too that it has added to the list.
 *
 * @throws what `use` throws; FileError `FILE_CHANGED` when something wrote to one of the files meanwhile
 */
export async function withFiles<T>(files: readonly OpenFile[], use: () => Promise<T>): Promise<T> {
  try {
    try {
      return await use();
    } finally {
      // Before an error of the reader: half a file looks damaged.
      for (const file of files) file.checkUnchanged();
    }
  } finally {
    for (const file of files) file.close();
  }
}

/**
 * Reads a model file, hands it to `use`, which may read its tensors, and closes it in any case.
 *
 * @throws what `readModelFile` and `withFiles` throw
 */
export function withOpenFile<T>(
  file: OpenFile,
  options: ReadModelFileOptions,
  use: (model: ModelFile) => T | Promise<T>,
): Promise<T> {
  return withFiles([file], async () => use(await readModelFile(file.bytes, options)));
}
