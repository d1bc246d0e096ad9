import { requireWhole } from '../base/checks.ts';
import { DatasetError, reasonOf, throwIfAborted } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import { createRandom, joinSeeds, shuffled } from '../base/random.ts';
import { findModel } from '../../zoo/registry.ts';
import { defaultModel } from '../../zoo/default-model.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import { datasetFrom } from '../datasets/dataset-from.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import { encodePng } from '../images/encode-png.node.ts';
import { describeSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { resizePixels } from '../images/resize.ts';
import type { AugmentOptions } from './augment.ts';
import { checkAugmentOptions } from './augment.ts';
import { augmentedDecoder } from './augmented-decoder.ts';

export interface AugmentSheetOptions {
  /** What is done to the pictures; by default what training does. */
  readonly augment?: AugmentOptions;
  /** Augmented ones beside each picture, 1 to 50. Default 6. */
  readonly columns?: number;
  /** Pictures, drawn from the data set, 1 to 200. Default 6. */
  readonly rows?: number;
  /** Network of the zoo whose input size and resizing the pictures are given. Default: the package's own. */
  readonly base?: string;
  /** Default 1. */
  readonly seed?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface AugmentSheet {
  /** The bytes of a PNG file. */
  readonly png: Uint8Array;
  /** What is shown, from the top to the bottom. */
  readonly images: readonly string[];
  /** Pictures that were drawn and cannot be read; others stand in their places. */
  readonly skipped: readonly SkippedImage[];
}

/** Pictures are drawn at most so large. */
const CELL = 160;
const GAP = 4;

/**
 * A sheet that shows what training sees: in each line a picture of the data set as the network takes it, and beside it
 * its augmented ones, one for each epoch from the first on. The same seed gives the same sheet.
 *
 * @throws DatasetError `DATASET_*`; UsageError `USAGE_ARGUMENT`, `USAGE_OPTION`; ModelError `MODEL_UNKNOWN`; AbortedError `ABORTED`
 */
export async function augmentSheet(
  data: DatasetSource,
  options: AugmentSheetOptions = {},
): Promise<AugmentSheet> {
  const { augment = {}, columns = 6, rows = 6, base = defaultModel, seed = 1, onProgress, signal } = options;
  checkAugmentOptions(augment);
  requireWhole('columns', columns);
  requireWhole('rows', rows);
  const { card } = findModel(base);
  const size = card.inputSize.default;
  const recipe = { inputSize: [size, size], resize: card.resize, preprocessing: card.preprocessing } as const;
  const { images } = await datasetFrom(data);
  const order = shuffled([...images.keys()], createRandom(seed));
  const total = Math.min(rows, images.length);
  const lines: Pixels[][] = [];
  const shown: string[] = [];
  const skipped: SkippedImage[] = [];
  for (const index of order) {
    if (lines.length === total) break;
    throwIfAborted(signal, 'Drawing the sheet');
    const { image, name = describeSource(image, index) } = images[index]!;
    try {
      const plain = await loadPixels(image, { size, ...card.resize, name, signal });
      const line = [plain];
      for (let epoch = 1; epoch <= columns; epoch++) {
        line.push(await augmentedDecoder(recipe, joinSeeds(seed, epoch), augment)(image, index));
      }
      lines.push(line.map(toCell));
      shown.push(name);
    } catch (error) {
      throwIfAborted(signal, 'Drawing the sheet');
      skipped.push({ image: name, reason: reasonOf(error) });
    }
    onProgress?.({ phase: 'augment', done: lines.length, total, unit: 'images' });
  }
  if (lines.length === 0) {
    throw new DatasetError('DATASET_EMPTY', 'None of the pictures can be read.', {
      given: `${skipped.length} files, among them ${skipped[0]?.image}: ${skipped[0]?.reason}`,
      expected: 'readable pictures',
      nextStep: '`dovecote check` lists what is damaged',
    });
  }
  return { png: await encodePng({ ...joined(lines), channels: 3 }), images: shown, skipped };
}

function toCell(pixels: Pixels): Pixels {
  const factor = Math.min(1, CELL / Math.max(pixels.width, pixels.height));
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return resizePixels(pixels, { width: side(pixels.width), height: side(pixels.height) });
}

/** Cells of one size on white; a wider gap sets the originals apart. */
function joined(lines: readonly (readonly Pixels[])[]): Pixels {
  const { width, height } = lines[0]![0]!;
  const columns = lines[0]!.length;
  const leftOf = (column: number) => column * (width + GAP) + (column > 0 ? 2 * GAP : 0);
  const sheetWidth = leftOf(columns - 1) + width;
  const sheetHeight = lines.length * (height + GAP) - GAP;
  const data = new Uint8Array(sheetWidth * sheetHeight * 3).fill(255);
  lines.forEach((line, row) =>
    line.forEach((cell, column) => {
      for (let y = 0; y < height; y++) {
        const target = ((row * (height + GAP) + y) * sheetWidth + leftOf(column)) * 3;
        data.set(cell.data.subarray(y * width * 3, (y + 1) * width * 3), target);
      }
    }),
  );
  return { data, width: sheetWidth, height: sheetHeight };
}
