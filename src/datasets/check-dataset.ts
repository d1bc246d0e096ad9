import pMap from 'p-map';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { DovecoteError, reasonOf, throwIfAborted } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import { describeSource } from '../images/image-source.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { resizePixels } from '../images/resize.ts';
import { bytesOfSource } from '../images/source-bytes.ts';
import { platform } from '../platform.ts';
import type { DatasetSource } from './dataset-from.ts';
import { datasetFrom } from './dataset-from.ts';
import type { CheckedImage, DatasetReport } from './dataset-report.ts';
import { reportOf } from './dataset-report.ts';
import type { DatasetPart, ImageDataset, LabelledImage } from './labelled-images.ts';
import { Groups, joinNearDuplicates } from './near-duplicates.ts';
import { hashWords, printOf, printSize, thumbBytes } from './picture-print.ts';

export interface CheckDatasetOptions {
  /** Bits of 256 in which the perceptual hashes of near-duplicates differ at most, 0 to 32. Default 10. */
  readonly distance?: number;
  /** Pictures that are decoded at the same time. Default 8. */
  readonly concurrency?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/** A data set, or its parts. */
export type DatasetParts = DatasetSource | Partial<Readonly<Record<DatasetPart, DatasetSource>>>;

/**
 * Looks at every picture of a data set: which cannot be read, which are there twice (by SHA-256) or nearly so (by a
 * perceptual hash of the decoded picture), which stand in training and validation or under two classes, and how many
 * each class has. Holds about 300 bytes for each picture.
 *
 * @param data A folder, a table, pictures, or `{ training, validation, test }` of these. Pictures of a table that names
 * their parts are in those.
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`; AbortedError `ABORTED`. Unreadable pictures are in the report.
 */
export async function checkDataset(
  data: DatasetParts,
  options: CheckDatasetOptions = {},
): Promise<DatasetReport> {
  const { distance = 10, concurrency = 8, onProgress, signal } = options;
  requireWhole('concurrency', concurrency);
  if (!(Number.isInteger(distance) && distance >= 0 && distance <= 32)) {
    throw wrongOption('distance', distance, 'a whole number from 0 to 32');
  }
  const parts = await partsOf(data);
  const sources: ImageSource[] = [];
  const images: CheckedImage[] = [];
  for (const [part, dataset] of Object.entries(parts) as [DatasetPart, ImageDataset][]) {
    for (const { image, label, name } of dataset.images) {
      images.push({ image: name ?? describeSource(image, images.length), label, part });
      sources.push(image);
    }
  }
  const same = new Groups(images.length);
  const near = new Groups(images.length);
  const firsts = new Map<string, number>();
  const unreadable = new Map<number, { code: string; reason: string }>();
  const prints = {
    hashes: new Uint32Array(images.length * hashWords),
    thumbs: new Uint8Array(images.length * thumbBytes),
  };
  const distinct: number[] = [];
  let done = 0;
  await pMap(
    sources.keys(),
    async (index) => {
      throwIfAborted(signal, 'Checking the pictures');
      try {
        const read = await readPicture(sources[index]!, images[index]!.image, signal);
        const first = firsts.get(read.sha256);
        if (first === undefined) {
          firsts.set(read.sha256, index);
          distinct.push(index);
        } else {
          same.join(first, index);
          near.join(first, index);
        }
        prints.hashes.set(read.print.hash, index * hashWords);
        prints.thumbs.set(read.print.thumb, index * thumbBytes);
      } catch (error) {
        throwIfAborted(signal, 'Checking the pictures');
        const code = error instanceof DovecoteError ? error.code : 'IMAGE_UNREADABLE';
        // No fault of a picture.
        if (code === 'IMAGE_DECODER') throw error;
        unreadable.set(index, { code, reason: whyOf(error) });
      }
      onProgress?.({ phase: 'check the pictures', done: ++done, total: images.length, unit: 'images' });
    },
    { concurrency },
  );
  distinct.sort((left, right) => left - right);
  joinNearDuplicates(prints, distinct, distance, near);
  return reportOf({ parts, images, unreadable, same, near });
}

async function partsOf(data: DatasetParts): Promise<Partial<Record<DatasetPart, ImageDataset>>> {
  if (isParts(data)) {
    const parts: Partial<Record<DatasetPart, ImageDataset>> = {};
    for (const part of ['training', 'validation', 'test'] as const) {
      const given = data[part];
      if (given !== undefined) parts[part] = await datasetFrom(given, `the ${part} pictures`);
    }
    if (Object.keys(parts).length > 0) return parts;
  }
  const dataset = await datasetFrom(data as DatasetSource);
  const byPart = new Map<DatasetPart, LabelledImage[]>([['training', []]]);
  for (const image of dataset.images) {
    const part = image.split ?? 'training';
    if (!byPart.has(part)) byPart.set(part, []);
    byPart.get(part)!.push(image);
  }
  return Object.fromEntries(
    [...byPart].map(([part, images]) => [
      part,
      { ...dataset, images, skipped: part === 'training' ? dataset.skipped : [] },
    ]),
  );
}

function isParts(data: DatasetParts): data is Partial<Record<DatasetPart, DatasetSource>> {
  return (
    typeof data === 'object' &&
    data !== null &&
    ('training' in data || 'validation' in data || 'test' in data)
  );
}

/** Reads, decodes and prints one picture. */
async function readPicture(source: ImageSource, name: string, signal: AbortSignal | undefined) {
  // `loadPixels` has the words for what cannot be read.
  const bytes = await bytesOfSource(source, signal).catch(() => undefined);
  if (bytes !== undefined) {
    const pixels = await loadPixels(bytes, { size: printSize, name, signal });
    return { sha256: await sha256(bytes), print: printOf(pixels) };
  }
  const pixels = await loadPixels(source, { name, signal });
  const { width, height } = pixels;
  const small = resizePixels(pixels, { width: printSize, height: printSize });
  return { sha256: `${width}x${height} ${await sha256(pixels.data)}`, print: printOf(small) };
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const own = await platform().sha256?.(bytes);
  if (own !== undefined) return own;
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function whyOf(error: unknown): string {
  if (!(error instanceof DovecoteError)) return reasonOf(error);
  return error.code.startsWith('IMAGE_') && error.code !== 'IMAGE_NOT_FOUND' ? error.given : error.summary;
}
