import stringWidth from 'string-width';
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
