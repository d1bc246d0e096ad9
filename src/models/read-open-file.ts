import type { ModelFile, ReadModelFileOptions } from '../../converters/index.ts';
import { readModelFile } from '../../converters/index.ts';
import type { OpenFile } from '../platform.ts';

/**
 * Reads a model file and closes it in any case.
 *
 * @throws what `readModelFile` throws; FileError `FILE_CHANGED` when something wrote to the file meanwhile
 */
export async function readOpenFile(file: OpenFile, options: ReadModelFileOptions): Promise<ModelFile> {
  try {
    try {
      return await readModelFile(file.bytes, options);
    } finally {
      // Before an error of the reader: half a file looks damaged.
      file.checkUnchanged();
    }
  } finally {
    file.close();
  }
}
