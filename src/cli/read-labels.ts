import { readFile } from 'node:fs/promises';
import { UsageError } from '../base/errors.ts';
import { readFailure } from '../weights/file-errors.node.ts';

/**
 * Class names in index order: one per line, or a JSON array, or `imagenet`.
 *
 * @throws FileError `FILE_NOT_FOUND`, `FILE_ACCESS`; UsageError `USAGE_ARGUMENT` for a file of another kind
 */
export async function readLabels(file: string): Promise<'imagenet' | string[]> {
  if (file === 'imagenet') return 'imagenet';
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw readFailure(error, file);
  });
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (/^[[{]/.test(trimmed)) return jsonLabels(trimmed, file);
  return trimmed
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function jsonLabels(text: string, file: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (Array.isArray(parsed) && parsed.every((label) => typeof label === 'string')) return parsed;
  throw new UsageError('USAGE_ARGUMENT', `${file} is not a list of class names.`, {
    given: `${file}, which begins with ${text.slice(0, 20).replace(/\s+/g, ' ')}`,
    expected: 'one class name per line, or a JSON array of strings, in index order',
    nextStep: 'write the names of the classes one below the other',
  });
}
