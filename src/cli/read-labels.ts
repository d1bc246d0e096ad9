import { readFile } from 'node:fs/promises';
import { FileError } from '../base/errors.ts';

/**
 * Class names in index order: one per line, or a JSON array, or `imagenet`.
 *
 * @throws FileError `FILE_NOT_FOUND`
 */
export async function readLabels(file: string): Promise<'imagenet' | string[]> {
  if (file === 'imagenet') return 'imagenet';
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new FileError('FILE_NOT_FOUND', `The labels in ${file} cannot be read.`, {
      given: file,
      expected: 'a text file with one class name per line, or the word imagenet',
      nextStep: 'check the path',
      cause: error,
    });
  }
  const parsed: unknown = text.trimStart().startsWith('[') ? safeParse(text) : undefined;
  if (Array.isArray(parsed)) return parsed.map(String);
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
