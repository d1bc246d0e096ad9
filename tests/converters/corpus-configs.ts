import { sourceOf } from '../../converters/byte-source.ts';
import { readKerasHdf5 } from '../../converters/index.ts';
import { isHdf5 } from '../../converters/hdf5/signature.ts';
import { readLimits } from '../../converters/model-file.ts';
import { openArchive } from '../../converters/zip/archive.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';

/** The config in a file of the corpus (`conv2d.keras3.h5`), as Keras wrote it. */
export async function configOf(file: string): Promise<JsonObject> {
  const bytes = corpusFile(file);
  if (isHdf5(bytes)) return (await readKerasHdf5(bytes, { fileName: file })).config!;
  const source = sourceOf(bytes);
  const archive = await openArchive(source, { fileName: file, limits: readLimits(bytes.length) });
  const text = new TextDecoder().decode(await archive.bytes('config.json', 'attributeBytes'));
  return JSON.parse(text) as JsonObject;
}
