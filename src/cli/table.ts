import stringWidth from 'fast-string-width';
import { printable } from './terminal.ts';

export type TableCell = string | number | null | undefined;
export type TableRow = Readonly<Record<string, TableCell>>;

export interface TableColumn {
  /** The property of a row that it shows. */
  readonly key: string;
  /** Default: the key. */
  readonly heading?: string;
  /** Default: right for a column of figures (`12`, `4.9 MB`, `-`), left otherwise. */
  readonly align?: 'left' | 'right';
}

const gap = '  ';
const figure = /^[-+]?[\d.,]+ ?(%|[kMGT]?i?B|[kMG]|ms|s)?$/;

/**
 * Aligned text without borders: a line of headings, then one line for each row. Columns default to the properties
 * of the rows, in the order in which they first appear. Wide characters count as two columns; `null` and `undefined`
 * are blank. Without rows, the headings alone.
 */
export function formatTable(rows: readonly TableRow[], columns?: readonly (TableColumn | string)[]): string {
  const chosen = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = chosen.map((column) => layOut(rows, typeof column === 'string' ? { key: column } : column));
  const lineCount = rows.length + 1;
  return Array.from({ length: lineCount }, (_, line) =>
    cells
      .map((column) => column[line] ?? '')
      .join(gap)
      .trimEnd(),
  ).join('\n');
}

/**
 * The properties of the rows whose columns fit into `width`: the first of `dispensable` are left out as long as they
 * do not. What is not dispensable stays, even where that is too wide.
 */
export function columnsWithin(
  rows: readonly TableRow[],
  width: number,
  dispensable: readonly string[],
): string[] {
  const all = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  for (let count = 0; ; count++) {
    const left = new Set(dispensable.slice(0, count));
    const columns = all.filter((key) => !left.has(key));
    const widest = Math.max(
      ...formatTable(rows, columns)
        .split('\n')
        .map((line) => stringWidth(line)),
    );
    if (widest <= width || count >= dispensable.length) return columns;
  }
}

/** The cells of one column, the heading first, all of one width. */
function layOut(rows: readonly TableRow[], column: TableColumn): string[] {
  const values = rows.map((row) => textOf(row[column.key]));
  const texts = [printable(column.heading ?? column.key), ...values];
  const width = Math.max(...texts.map((text) => stringWidth(text)));
  const filled = values.filter((text) => text !== '' && text !== '-');
  const align =
    column.align ?? (filled.length > 0 && filled.every((text) => figure.test(text)) ? 'right' : 'left');
  return texts.map((text) => {
    const blanks = ' '.repeat(width - stringWidth(text));
    return align === 'right' ? blanks + text : text + blanks;
  });
}

function textOf(cell: TableCell): string {
  return cell === null || cell === undefined ? '' : printable(String(cell));
}
