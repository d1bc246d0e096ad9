import { DovecoteError, FileError } from '../base/errors.ts';

/** Maps the file system's error codes; errors of ours, and what is no error of the file system, pass through. */
export function outputError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof DovecoteError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FileError('OUTPUT_DISK_FULL', `The disk is full; ${path} was not written.`, {
      given: path,
      expected: 'enough free space for the whole output',
      nextStep: 'free some space, or name an output on another disk',
      cause: error,
    });
  }
  if (code === 'ENOTEMPTY' || code === 'EEXIST') {
    return new FileError('OUTPUT_EXISTS', `${path} has appeared in the meantime; it is left alone.`, {
      given: path,
      expected: 'a folder that nobody else writes at the same time',
      nextStep: 'look at what is there now, and name another output if it is not what you want',
      cause: error,
    });
  }
  // ENOENT is among them: it is what Node makes of a read-only file system when it has to create parent folders.
  return new FileError('OUTPUT_ACCESS', `${path} cannot be written (${code}).`, {
    given: path,
    expected: 'a place where this user may create files',
    nextStep: 'name another output, or change the permissions of the folder above it',
    cause: error,
  });
}
