import { readFile } from 'node:fs/promises';
import { FileError } from '../base/errors.ts';

/** Beside the built package's files; from the sources, in the folder that they are built into. */
const PLACES = ['./page.js', '../../dist/page.js'];

/** The program of an exported page, as it was built. */
export async function pageScript(): Promise<string> {
  for (const place of PLACES) {
    const found = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new FileError('FILE_NOT_FOUND', 'The program of the page is missing from the package.', {
    given: 'dist/page.js',
    expected: 'a file of the package',
    nextStep: 'install dovecote anew, or leave out the format `page`',
  });
}
