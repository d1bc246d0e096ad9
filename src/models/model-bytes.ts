import { FileError, FormatError } from '../base/errors.ts';
import type { ModelFile } from '../../converters/index.ts';
import { readModelFile, readTfjsModel } from '../../converters/index.ts';
import type { ReadOptions } from '../platform.ts';
import { platform } from '../platform.ts';
import { baseName, childOf, isUrl, siblingOf } from './location.ts';

/**
 * Reads a model or its weights from a path or URL: a folder with a model.json, a model.json, or an .h5 file; the kind
 * is found from the bytes.
 *
 * @throws FileError `FILE_NOT_FOUND`, `FILE_ACCESS`; NetworkError; FormatError `FORMAT_*`
 */
export async function readModelAt(location: string | URL, options: ReadOptions = {}): Promise<ModelFile> {
  const text = location instanceof URL ? location.href : location;
  const place = (await platform().isFolder(text)) ? childOf(text, 'model.json') : text;
  const bytes = await readOrExplain(place, text, options);
  return looksLikeJson(bytes)
    ? readTfjsModel(
        parseJson(bytes, place),
        (name) => platform().readBytes(siblingOf(place, name), options),
        {
          fileName: place,
        },
      )
    : readModelFile(bytes, { fileName: baseName(place) });
}

async function readOrExplain(place: string, asked: string, options: ReadOptions): Promise<Uint8Array> {
  try {
    return await platform().readBytes(place, options);
  } catch (error) {
    if (place !== asked && error instanceof FileError && error.code === 'FILE_NOT_FOUND') {
      throw new FileError('FILE_NOT_FOUND', `The folder ${asked} holds no model.json.`, {
        given: asked,
        expected: 'a folder that `convert` or `train` wrote',
        nextStep: 'check the path',
        cause: error,
      });
    }
    throw error;
  }
}

function looksLikeJson(bytes: Uint8Array): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  return start.startsWith('{');
}

function parseJson(bytes: Uint8Array, place: string) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, never>;
  } catch (error) {
    throw new FormatError('FORMAT_DAMAGED', `${place} is not valid JSON.`, {
      given: place,
      expected: 'a model.json as TensorFlow.js writes it',
      nextStep: isUrl(place) ? 'check the address, or convert the model again' : 'convert the model again',
      cause: error,
    });
  }
}
