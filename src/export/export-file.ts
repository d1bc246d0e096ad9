import type * as tf from '@tensorflow/tfjs';
import { requireOneOf } from '../base/checks.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { MemorySink } from '../../converters/index.ts';
import { writeArchive } from '../../converters/zip/write-archive.ts';
import type { ConvertedFile } from '../models/convert-bytes.ts';
import { convertInMemory } from '../models/convert-bytes.ts';
import type { FileInMemory } from '../models/model-files.ts';
import { readModelFiles } from '../models/model-files.ts';
import { requireModel } from '../models/require-model.ts';
import { platform } from '../platform.ts';
import type { NamedModel } from './named-model.ts';
import { namedModel } from './named-model.ts';
import { withOnnxMetadata } from './onnx-metadata.ts';

/** `h5` is Keras 2's format; `tfjs` a zip archive with model.json, its weights and the labels. */
export type ExportFileFormat = 'tfjs' | 'onnx' | 'keras' | 'h5';

export interface ExportFileOptions extends Pick<RecipeOptions, 'labels' | 'preprocessing' | 'resize'> {
  readonly signal?: AbortSignal;
}

const TYPES: Readonly<Record<ExportFileFormat, { readonly ending: string; readonly type: string }>> = {
  tfjs: { ending: '.zip', type: 'application/zip' },
  onnx: { ending: '.onnx', type: 'application/octet-stream' },
  keras: { ending: '.keras', type: 'application/zip' },
  h5: { ending: '.h5', type: 'application/x-hdf5' },
};

/**
 * A classifier as one file in memory, to be kept or downloaded: what `exportModel` writes to disks. It carries its labels and
 * preprocessing along, but for Keras's formats, which have no place for them.
 *
 * @param model It stays yours, and as it is.
 * @throws UsageError `USAGE_ARGUMENT`; ModelError `MODEL_INPUT` for what is no classifier of pictures; EngineError
 *   `ENGINE_UNSUPPORTED_LAYER` for layers that ONNX lacks; AbortedError `ABORTED`
 */
export async function exportFile(
  model: tf.LayersModel,
  format: ExportFileFormat,
  { signal, ...options }: ExportFileOptions = {},
): Promise<File> {
  requireModel(model, 'model');
  requireOneOf('format', format, Object.keys(TYPES));
  await platform().prepareTfjs();
  const named = namedModel(model, options);
  const files = await named.files();
  const { ending, type } = TYPES[format];
  const bytes =
    format === 'tfjs'
      ? await archiveOf([...files, ...named.texts(model.name, [])])
      : await converted(files, format, named, signal);
  return new File([bytes], `${model.name}${ending}`, { type });
}

async function converted(
  files: readonly FileInMemory[],
  to: Exclude<ExportFileFormat, 'tfjs'>,
  { metadata }: NamedModel,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await readModelFiles(files);
  const { bytes } = (await convertInMemory(
    file,
    to,
    signal === undefined ? {} : { signal },
  )) as ConvertedFile;
  return to === 'onnx' ? withOnnxMetadata(bytes, metadata) : bytes;
}

/** Stored, not compressed: weights hardly become smaller. */
export async function archiveOf(files: readonly FileInMemory[]): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink();
  await writeArchive(
    files.map(({ name, bytes }) => ({ name, write: (to) => to.write(bytes, 0) })),
    sink,
  );
  return sink.bytes();
}
