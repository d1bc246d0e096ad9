import { reasonOf } from '../base/errors.ts';
import type { ImageDataset } from './labelled-images.ts';
import { readText } from './read-text.node.ts';
import type { ImageTableOptions } from './table-rows.node.ts';
import { TableRows, badRow, columnsOf } from './table-rows.node.ts';

/**
 * A list of pictures, one JSON object in each line: `{"image": "roses/1.jpg", "label": "rose"}`. Read as a stream.
 * Relative paths start from the folder of the file. Classes are sorted by name.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_ROW` (with the number of the line), `DATASET_FORMAT` (no UTF-8),
 * `DATASET_EMPTY`, `DATASET_ONE_CLASS`; AbortedError `ABORTED`
 */
export async function readImageJsonl(file: string, options: ImageTableOptions = {}): Promise<ImageDataset> {
  const rows = new TableRows(file, options.folder);
  let line = 0;
  for await (const text of linesOf(readText(file, options.signal))) {
    line++;
    if (text.trim() === '') continue;
    const row = objectOf(text, file, line);
    rows.add(row, columnsOf(Object.keys(row), options, file, line), line);
  }
  return rows.dataset();
}

function objectOf(text: string, file: string, line: number): Record<string, unknown> {
  const expected = 'an object such as {"image": "roses/1.jpg", "label": "rose"}';
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (cause) {
    throw badRow(file, line, `it is not JSON (${reasonOf(cause)})`, text, { expected, cause });
  }
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
  throw badRow(file, line, 'it is no object', text, { expected });
}

/** Lines end with LF or CRLF. */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
