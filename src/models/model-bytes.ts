import { DovecoteError, FileError } from '../base/errors.ts';
import type { ModelFile } from '../../converters/index.ts';
import { readModelFile } from '../../converters/index.ts';
import type { ReadOptions } from '../platform.ts';
import { platform } from '../platform.ts';
import { childOf, siblingOf } from './location.ts';

/**
 * Reads a model or its weights from a path or URL: a folder with a model.json, a model.json, or an .h5 file; the kind
 * is found from the bytes.
 *
 * @throws FileError `FILE_NOT_FOUND`, `FILE_ACCESS`; NetworkError; FormatError `FORMAT_*`
 */
export async function readModelAt(location: string | URL, options: ReadOptions = {}): Promise<ModelFile> {
  const asked = location instanceof URL ? location.href : location;
  const isFolder = await platform().isFolder(asked);
  const place = isFolder ? childOf(asked, 'model.json') : asked;
  const bytes = await platform()
    .readBytes(place, options)
    .catch((error: unknown) => {
      throw isFolder && isNotFound(error) ? emptyFolder(asked, error) : error;
    });
  return readModelFile(bytes, {
    fileName: place,
    readShard: (name) => platform().readBytes(siblingOf(place, name), options),
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof DovecoteError && error.code === 'FILE_NOT_FOUND';
}

function emptyFolder(folder: string, cause: unknown): FileError {
  return new FileError('FILE_NOT_FOUND', `The folder ${folder} holds no model.json.`, {
    given: folder,
    expected: 'a folder that `convert` or `train` wrote',
    nextStep: 'check the path',
    cause,
  });
}
