import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { DovecoteError, reasonOf } from '../base/errors.ts';
import type { ImageDataset } from './labelled-images.ts';
import { readText } from './read-text.node.ts';
import type { ImageTableOptions, TableColumns } from './table-rows.node.ts';
import { TableRows, badRow, columnsOf } from './table-rows.node.ts';

export interface ImageCsvOptions extends ImageTableOptions {
  /** Between the cells. Default: a tab in a .tsv file, else what the first line has most of: comma, semicolon or tab. */
  readonly delimiter?: string;
}

/**
 * A table of pictures: the first line names the columns, each further one is a picture and its class. Read as a stream.
 * Relative paths start from the folder of the file. Classes are sorted by name.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_ROW` (with the number of the line), `DATASET_FORMAT` (no UTF-8),
 * `DATASET_EMPTY`, `DATASET_ONE_CLASS`; AbortedError `ABORTED`
 */
export async function readImageCsv(file: string, options: ImageCsvOptions = {}): Promise<ImageDataset> {
  const { parse } = await import('csv-parse');
  const text = readText(file, options.signal);
  const first = await text.next();
  const start = first.done === true ? '' : first.value;
  const rows = new TableRows(file, options.folder);
  let columns: TableColumns | undefined;
  let names: readonly string[] = [];
  const parser = parse({
    delimiter: options.delimiter ?? delimiterOf(file, start),
    info: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
  });
  const all = (async function* () {
    yield start;
    yield* text;
  })();
  const source = Readable.from(all);
  // `pipe` hands no errors on.
  source.on('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<Row>) {
      const line = info.lines;
      if (columns === undefined) {
        names = record;
        columns = columnsOf(names, options, file, line);
        continue;
      }
      if (record.length !== names.length) {
        throw badRow(
          file,
          line,
          `it has ${record.length} cells, the first line has ${names.length}`,
          record.join(' | '),
          { nextStep: 'put cells with the delimiter in them between quotes, or take the line out' },
        );
      }
      rows.add(Object.fromEntries(names.map((name, index) => [name, record[index]])), columns, line);
    }
  } catch (error) {
    if (error instanceof DovecoteError) throw error;
    const { lines = 1 } = error as { lines?: number };
    throw badRow(file, lines, 'it is not CSV', reasonOf(error), {
      expected: 'cells with commas between them, those with quotes in them between quotes',
      cause: error,
    });
  } finally {
    source.destroy();
  }
  return rows.dataset();
}

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

function delimiterOf(file: string, start: string): string {
  if (extname(file).toLowerCase() === '.tsv') return '\t';
  const heading = /^[^\r\n]*/.exec(start.trimStart())?.[0] ?? '';
  const counted = [',', ';', '\t'].map((each) => ({ each, count: heading.split(each).length }));
  return counted.reduce((best, next) => (next.count > best.count ? next : best)).each;
}
