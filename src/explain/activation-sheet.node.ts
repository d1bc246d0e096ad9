import { requireWhole } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';
import { encodePng } from '../images/encode-png.node.ts';
import type { Activation } from './layer-activations.ts';

export interface SheetOptions {
  /** Channels side by side. Default: as many as make the sheet about square. */
  readonly columns?: number;
}

/** Small maps are enlarged to about so many pixels, and larger ones shrunk. */
const CELL = 112;
/** Between the channels. */
const GAP = 2;
const PAPER = 255;

/** Grey values side by side. */
interface Cells {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** 0 to 255, by cell, row and column. */
  readonly data: Uint8Array;
}

/**
 * The channels of an activation as one grey PNG, row by row. Each channel is scaled from its own smallest to its largest
 * value, 0 to 255; one that is the same everywhere is black. A vector is drawn as one small square for each number, scaled together; a matrix as
 * one picture.
 *
 * @param activation What `layerActivations` gives.
 * @returns The bytes of a PNG file.
 * @throws UsageError `USAGE_ARGUMENT` for an output of more than three sides
 */
export async function activationSheet(
  activation: Pick<Activation, 'shape' | 'data'>,
  options: SheetOptions = {},
): Promise<Uint8Array> {
  const cells = cellsOf(activation);
  const across = options.columns ?? Math.ceil(Math.sqrt((cells.count * cells.rows) / cells.columns));
  requireWhole('columns', across);
  const columns = Math.min(across, cells.count);
  const lines = Math.ceil(cells.count / columns);
  // Whole factors keep the places of small maps sharp.
  const target = cells.rows * cells.columns === 1 ? 12 : CELL;
  const factor = Math.max(1, Math.floor(target / Math.max(cells.rows, cells.columns)));
  const width = cells.columns * factor;
  const height = cells.rows * factor;
  const sheetWidth = columns * (width + GAP) - GAP;
  const sheetHeight = lines * (height + GAP) - GAP;
  const sheet = new Uint8Array(sheetWidth * sheetHeight).fill(PAPER);
  for (let cell = 0; cell < cells.count; cell++) {
    const left = (cell % columns) * (width + GAP);
    const top = Math.floor(cell / columns) * (height + GAP);
    for (let y = 0; y < height; y++) {
      const from = (cell * cells.rows + Math.floor(y / factor)) * cells.columns;
      const to = (top + y) * sheetWidth + left;
      for (let x = 0; x < width; x++) sheet[to + x] = cells.data[from + Math.floor(x / factor)]!;
    }
  }
  const shrunk = Math.round((sheetWidth * target) / Math.max(width, height, target));
  const picture = { data: sheet, width: sheetWidth, height: sheetHeight, channels: 1 } as const;
  return encodePng(picture, Math.max(shrunk, 1));
}

/** @throws UsageError `USAGE_ARGUMENT` */
function cellsOf({ shape, data }: Pick<Activation, 'shape' | 'data'>): Cells {
  const size = shape.reduce((product, side) => product * side, 1);
  if (shape.length < 1 || shape.length > 3 || size < 1 || size !== data.length) {
    throw new UsageError('USAGE_ARGUMENT', 'This activation cannot be drawn.', {
      given: `shape [${shape.join(', ')}] and ${data.length} numbers`,
      expected: '[rows, columns, channels], [rows, columns] or [units]',
      nextStep: 'pass what `layerActivations` gives for a layer with such an output',
    });
  }
  if (shape.length === 1) return { count: size, rows: 1, columns: 1, data: scaled(data) };
  const [rows, columns, count = 1] = shape as [number, number, number?];
  const places = rows * columns;
  const grey = new Uint8Array(size);
  for (let channel = 0; channel < count; channel++) {
    const values = Float32Array.from({ length: places }, (_, place) => data[place * count + channel]!);
    grey.set(scaled(values), channel * places);
  }
  return { count, rows, columns, data: grey };
}

function scaled(values: Float32Array): Uint8Array {
  const least = values.reduce((low, value) => Math.min(low, value), Infinity);
  const most = values.reduce((high, value) => Math.max(high, value), -Infinity);
  const range = most - least;
  return Uint8Array.from(values, (value) => (range > 0 ? Math.round((255 * (value - least)) / range) : 0));
}
