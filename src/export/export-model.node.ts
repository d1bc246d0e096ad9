import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire as requireFrom } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { UsageError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { checkOutput } from '../models/check-output.node.ts';
import { convertFile } from '../models/convert.ts';
import { convert } from '../models/convert.node.ts';
import { disposeModel } from '../models/dispose-model.ts';
import { loadModel } from '../models/load-model.ts';
import type { FileInMemory } from '../models/model-files.ts';
import { requireModel } from '../models/require-model.ts';
import { withModelAt } from '../models/model-bytes.ts';
import type { OutputKind } from '../output/place-folder.node.ts';
import type { OutputFile } from '../output/write-folder.node.ts';
import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';
import { platform } from '../platform.ts';
import type { NamedModel } from './named-model.ts';
import { namedModel } from './named-model.ts';
import { withOnnxMetadata } from './onnx-metadata.ts';
import { pageHtml } from './page-html.ts';
import { pageScript } from './page-script.node.ts';

export type ExportFormat = 'tfjs' | 'onnx' | 'keras' | 'page';

export const exportFormats: readonly ExportFormat[] = ['tfjs', 'onnx', 'keras', 'page'];

export interface ExportOptions {
  /** Default: all. */
  readonly formats?: readonly ExportFormat[];
  /** Replace an earlier export. Default false. */
  readonly force?: boolean;
  /** Names of the classes, for a model that has none. */
  readonly labels?: RecipeOptions['labels'];
  /** For a model that carries no metadata: how its input was prepared. */
  readonly preprocessing?: RecipeOptions['preprocessing'];
  /** For a model that carries no metadata: default `fill`, `bilinear`. */
  readonly resize?: RecipeOptions['resize'];
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface ExportedFile {
  /** In the folder, with `/`. */
  readonly name: string;
  readonly bytes: number;
}

export interface ExportResult {
  readonly out: string;
  readonly formats: readonly ExportFormat[];
  readonly classes: readonly string[];
  readonly files: readonly ExportedFile[];
  /** How far the outputs of each format are from the model's, as a share of their range, on made-up pictures. */
  readonly differences: Readonly<Partial<Record<ExportFormat, number>>>;
}

const exportOutput: OutputKind = {
  what: 'an export',
  owns: (path) =>
    ['model.onnx', 'model.keras', 'labels.txt', 'preprocessing.json', 'README.txt'].includes(path) ||
    /^(tfjs|page)\/$/.test(path) ||
    /^(tfjs|page)\/(model\.json|group\d+-shard\d+of\d+\.bin)$/.test(path) ||
    /^page\/(index\.html|page\.js|tf\.min\.js|labels\.json)$/.test(path),
};

/**
 * Writes a classifier in all forms that others need: `tfjs/`, `model.onnx`, `model.keras`, `labels.txt`,
 * `preprocessing.json`, and `page/`, which classifies photos in any browser, from any web server, without the internet. The
 * outputs of each form are compared with the model's. The folder is written whole or not at all.
 *
 * @param model A loaded model, which stays yours, or what `loadModel` takes.
 * @throws FileError `OUTPUT_*`; UsageError `USAGE_ARGUMENT`; ModelError `MODEL_INPUT` for what is no classifier of pictures;
 *   EngineError `ENGINE_UNSUPPORTED_LAYER` for layers that ONNX lacks; FormatError `FORMAT_*`; and what `loadModel` throws
 */
export async function exportModel(
  model: tf.LayersModel | string,
  folder: string,
  options: ExportOptions = {},
): Promise<ExportResult> {
  const {
    formats = exportFormats,
    force = false,
    labels,
    preprocessing,
    resize,
    onProgress,
    signal,
  } = options;
  const unknown = formats.find((format) => !exportFormats.includes(format));
  if (unknown !== undefined || formats.length === 0) {
    throw new UsageError('USAGE_ARGUMENT', 'There is no such format.', {
      given: unknown ?? 'no format',
      expected: exportFormats.join(', '),
      nextStep: 'name one or more of these, or leave them out for all',
    });
  }
  await checkOutputFolder(folder, force, exportOutput);
  if (typeof model !== 'string') requireModel(model, 'model');
  await platform().prepareTfjs();
  const loaded =
    typeof model === 'string'
      ? await loadModel(model, { ...(onProgress && { onProgress }), ...(signal && { signal }) })
      : model;
  const place = await mkdtemp(join(tmpdir(), 'dovecote-export-'));
  try {
    const named = namedModel(loaded, { labels, preprocessing, resize });
    const { classes } = named;
    const source = join(place, 'tfjs');
    const tfjs = await named.files();
    await writeFolder(source, tfjs, {});
    const name = typeof model === 'string' ? basename(model) : model.name;
    const differences: Partial<Record<ExportFormat, number>> = {};
    if (formats.includes('tfjs') || formats.includes('page')) {
      onProgress?.({ phase: 'export tfjs', done: 0, total: 1, unit: 'steps' });
      // The page's model is the same.
      differences.tfjs = await differenceOf(source);
      onProgress?.({ phase: 'export tfjs', done: 1, total: 1, unit: 'steps' });
    }
    for (const [format, file] of [
      ['onnx', 'model.onnx'],
      ['keras', 'model.keras'],
    ] as const) {
      if (!formats.includes(format)) continue;
      onProgress?.({ phase: `export ${format}`, done: 0, total: 1, unit: 'steps' });
      const { check } = await convert(source, join(place, file), { check: true, ...(signal && { signal }) });
      differences[format] = check!.largest;
      onProgress?.({ phase: `export ${format}`, done: 1, total: 1, unit: 'steps' });
    }
    const files = await filesOf(place, formats, name, named, tfjs);
    await writeFolder(folder, files, { force, kind: exportOutput, ...(signal && { signal }) });
    return {
      ...{ out: folder, formats, classes, differences },
      files: files.map((file) => ({ name: file.name, bytes: Buffer.byteLength(file.bytes) })),
    };
  } finally {
    await rm(place, { recursive: true, force: true });
    if (typeof model === 'string') await disposeModel(loaded);
  }
}

/** How far what plain TensorFlow.js makes of a saved model is from what ONNX Runtime does. */
function differenceOf(folder: string): Promise<number> {
  return withModelAt(folder, {}, async (file) => {
    const written = { to: 'tfjs', quantized: false, weightsOnly: false } as const;
    return (await checkOutput(convertFile(file), folder, written)).largest;
  });
}

async function filesOf(
  place: string,
  formats: readonly ExportFormat[],
  name: string,
  named: NamedModel,
  model: readonly FileInMemory[],
): Promise<OutputFile[]> {
  const files: OutputFile[] = named.texts(name, formats);
  if (formats.includes('tfjs')) files.push(...model.map((file) => ({ ...file, name: `tfjs/${file.name}` })));
  if (formats.includes('onnx')) {
    const bytes = new Uint8Array(await readFile(join(place, 'model.onnx')));
    files.push({ name: 'model.onnx', bytes: withOnnxMetadata(bytes, named.metadata) });
  }
  if (formats.includes('keras')) {
    files.push({ name: 'model.keras', bytes: new Uint8Array(await readFile(join(place, 'model.keras'))) });
  }
  if (formats.includes('page')) {
    const tfjs = requireFrom(import.meta.url).resolve('@tensorflow/tfjs/dist/tf.min.js');
    files.push(
      ...model.map((file) => ({ ...file, name: `page/${file.name}` })),
      { name: 'page/index.html', bytes: pageHtml(name, named.classes) },
      { name: 'page/page.js', bytes: await pageScript() },
      { name: 'page/tf.min.js', bytes: new Uint8Array(await readFile(tfjs)) },
    );
  }
  return files;
}
