import { printable } from './terminal.ts';

/** Text of one or more lines without what could move the cursor: names from files and from the network are in it. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}
