import { stripVTControlCharacters } from 'node:util';

/** Whether lines can be redrawn: a terminal that understands control characters. */
export function isInteractive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb';
}

/** Whether colours are wanted: a terminal with colours, and NO_COLOR (no-color.org) not set. */
export function supportsColor(stream: NodeJS.WriteStream): boolean {
  if (process.env['NO_COLOR']) return false;
  return stream.isTTY && (stream.hasColors?.() ?? false);
}

/** Columns of a terminal; 80 where they are not known. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : 80;
}

/** Text from outside (a file name, a URL) without what could move the cursor. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
