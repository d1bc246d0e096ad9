import { createReadStream } from 'node:fs';
import { DatasetError, DovecoteError, throwIfAborted } from '../base/errors.ts';

/**
 * The text of a file, piece by piece: UTF-8, or UTF-16 where a byte order mark says so; the mark is left out.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_FORMAT` (neither of the two); AbortedError `ABORTED`
 */
export async function* readText(file: string, signal?: AbortSignal): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      throwIfAborted(signal, `Reading ${file}`);
      decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder?.decode() ?? '';
  } catch (error) {
    if (error instanceof DovecoteError) throw error;
    if (error instanceof TypeError) throw notText(file, error);
    throw notReadable(file, error);
  }
}

function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function notText(file: string, cause: unknown): DatasetError {
  return new DatasetError('DATASET_FORMAT', `${file} is not text in UTF-8.`, {
    given: 'bytes that are no UTF-8',
    expected: 'UTF-8, or UTF-16 with a byte order mark',
    nextStep: 'save the file as UTF-8 (in a spreadsheet: "CSV UTF-8")',
    cause,
  });
}

function notReadable(file: string, cause: unknown): DatasetError {
  const { code } = cause as { code?: string };
  const reason =
    code === 'ENOENT'
      ? 'does not exist'
      : code === 'EISDIR'
        ? 'is a folder, not a file'
        : `cannot be read (${code ?? String(cause)})`;
  return new DatasetError('DATASET_NOT_FOUND', `The file ${file} ${reason}.`, {
    given: file,
    expected: 'a table of pictures: .csv, .tsv or .jsonl',
    nextStep: 'check the path',
    cause,
  });
}
