import { DovecoteError, FormatError } from '../../src/base/errors.ts';

/** Of the library that reads zip archives; it tells its errors apart by their messages alone. */
interface ZipLibraryErrors {
  readonly ERR_AMBIGUOUS_ARCHIVE: string;
  readonly ERR_ENCRYPTED_CENTRAL_DIRECTORY: string;
  readonly ERR_UNSAFE_FILENAME: string;
}

export function unsafeArchive(fileName: string, what: string, given = what): FormatError {
  return new FormatError('FORMAT_UNSAFE', `${fileName} is refused: ${what}.`, {
    given,
    expected: 'a zip archive as Keras writes it: plain names, each once, none encrypted, no links',
    nextStep: 'Get the file from another source, or save the model again with Keras.',
  });
}

export function damagedArchive(fileName: string, what: string, cause?: unknown): FormatError {
  return new FormatError('FORMAT_DAMAGED', `${fileName} is damaged: ${what}.`, {
    given: what,
    expected: 'a whole, unaltered zip archive',
    nextStep: 'Fetch the file again, or save it again with Keras.',
    cause,
  });
}

/** What went wrong in the library as a coded error. */
export function asArchiveError(error: unknown, library: ZipLibraryErrors, fileName: string): DovecoteError {
  if (error instanceof DovecoteError) return error;
  const { message, reason, filename } = error as { message?: string; reason?: string; filename?: string };
  if (message === library.ERR_UNSAFE_FILENAME) {
    return unsafeArchive(fileName, `it holds the name ${JSON.stringify(filename)}`);
  }
  if (message === library.ERR_ENCRYPTED_CENTRAL_DIRECTORY) {
    return unsafeArchive(fileName, 'its directory is encrypted');
  }
  if (message === library.ERR_AMBIGUOUS_ARCHIVE) {
    return unsafeArchive(fileName, 'it can be read in more than one way', reason ?? message);
  }
  return damagedArchive(fileName, 'it cannot be read as a zip archive', error);
}
