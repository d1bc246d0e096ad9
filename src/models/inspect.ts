import type { Inspection } from '../../converters/index.ts';
import { inspectModel } from '../../converters/index.ts';
import type { ReadModelOptions } from './model-bytes.ts';
import { withModelAt } from './model-bytes.ts';

/**
 * What is in a model file: format and versions, layers, tensors with shapes and types, parameters. Nothing is built.
 *
 * @param file Path or URL of an .h5 file, a model.json or a model folder.
 * @throws the errors of reading: FileError, NetworkError, FormatError
 */
export async function inspect(file: string | URL, options: ReadModelOptions = {}): Promise<Inspection> {
  return withModelAt(file, options, inspectModel);
}
