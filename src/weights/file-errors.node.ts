import { CacheError, DovecoteError, FileError } from '../base/errors.ts';

export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** An error of the file system while working in the cache, in the user's words; errors of ours pass through. */
export function cacheFailure(error: unknown, path: string): DovecoteError {
  if (error instanceof DovecoteError) return error;
  const code = errnoOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, error);
  const reason: Record<string, string> = {
    EACCES: 'no permission',
    EPERM: 'no permission',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EEXIST: 'a file is where a folder should be',
    EISDIR: 'a folder is where a file should be',
    ELOOP: 'symbolic links go round in a circle',
  };
  const why = reason[code ?? ''] ?? (error instanceof Error ? error.message : String(error));
  return new CacheError('CACHE_ACCESS', `The cache cannot be used: ${why}.`, {
    given: path,
    expected: 'a folder in which files can be made and read',
    nextStep: 'set DOVECOTE_CACHE to another folder, or correct the permissions of this one',
    cause: error,
  });
}

export function diskFull(path: string, cause?: unknown, needed?: { bytes: number; free: number }): FileError {
  return new FileError('OUTPUT_DISK_FULL', `There is not enough space on the disk for ${path}.`, {
    given: needed === undefined ? path : `${needed.free} bytes free`,
    expected: needed === undefined ? 'enough free space for the whole file' : `${needed.bytes} bytes free`,
    nextStep:
      'free some space (`dovecote cache clear` helps), or set DOVECOTE_CACHE to a folder on another disk',
    cause,
  });
}

/** An error while reading a file that the user named. */
export function readFailure(error: unknown, path: string): DovecoteError {
  if (error instanceof DovecoteError) return error;
  const code = errnoOf(error);
  const details = { given: path, expected: 'a file that can be read', cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new FileError('FILE_NOT_FOUND', `There is no file ${path}.`, {
      ...details,
      nextStep: 'check the path',
    });
  }
  if (code === 'EISDIR') {
    return new FileError('FILE_ACCESS', `${path} is a folder, not a file.`, {
      ...details,
      nextStep: 'name a file inside it',
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new FileError('FILE_ACCESS', `There is no permission to read ${path}.`, {
      ...details,
      nextStep: 'correct the permissions of the file',
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new FileError('FILE_ACCESS', `${path} cannot be read: ${why}.`, {
    ...details,
    nextStep: 'check the file',
  });
}
