import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError, throwIfAborted } from '../base/errors.ts';

export interface OutputFile {
  readonly name: string;
  readonly bytes: Uint8Array | string;
}

export interface WriteFolderOptions {
  /** Replace a folder that an earlier call wrote. Default false. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** What our outputs are made of; a folder with anything else in it is never replaced. */
const ownFile = /^(model\.json|group\d+-shard\d+of\d+\.bin|training\.json)$/;

/**
 * Checks, before any work is done, that `folder` may be written.
 *
 * @throws FileError `OUTPUT_EXISTS`
 */
export async function checkOutputFolder(folder: string, force = false): Promise<void> {
  const entries = await entriesOf(folder);
  if (entries === undefined || entries.length === 0) return;
  const foreign = entries.filter((name) => !ownFile.test(name));
  if (foreign.length > 0) {
    throw new FileError(
      'OUTPUT_EXISTS',
      `The folder ${folder} holds files that are not a model; it is left alone.`,
      {
        given: `${folder} (${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', ...' : ''})`,
        expected: 'a folder that does not exist yet, is empty, or holds only an earlier output',
        nextStep: 'name another output folder',
      },
    );
  }
  if (!force) {
    throw new FileError('OUTPUT_EXISTS', `The folder ${folder} exists already; nothing was written.`, {
      given: folder,
      expected: 'a folder that does not exist yet',
      nextStep: 'name another output folder, or ask to replace it (`--force`, or `force: true`)',
    });
  }
}

/**
 * Writes a whole folder or nothing: the files go into a temporary folder beside the target, which is then renamed.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; AbortedError `ABORTED`
 */
export async function writeFolder(
  folder: string,
  files: Iterable<OutputFile>,
  { force = false, signal }: WriteFolderOptions = {},
): Promise<void> {
  await checkOutputFolder(folder, force);
  const target = resolve(folder);
  let temporary: string | undefined;
  try {
    await mkdir(dirname(target), { recursive: true });
    temporary = await mkdtemp(join(dirname(target), `.${basename(target)}.tmp-`));
    // mkdtemp makes private folders; the output should be as readable as any other.
    await chmod(temporary, 0o777 & ~process.umask());
    for (const { name, bytes } of files) {
      throwIfAborted(signal, `Writing ${folder}`);
      await writeFile(join(temporary, name), bytes);
    }
    throwIfAborted(signal, `Writing ${folder}`);
    await replace(temporary, target);
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    throw outputError(error, folder);
  }
}

async function replace(temporary: string, target: string): Promise<void> {
  if ((await entriesOf(target)) === undefined) {
    await rename(temporary, target);
    return;
  }
  const old = `${temporary}-old`;
  await rename(target, old);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(old, target);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

async function entriesOf(folder: string): Promise<string[] | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) {
      throw new FileError('OUTPUT_EXISTS', `${folder} is a file, not a folder.`, {
        given: folder,
        expected: 'a folder that does not exist yet',
        nextStep: 'name another output folder',
      });
    }
    return await readdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    throw outputError(error, folder);
  }
}

/** Maps the file system's error codes; errors of ours pass through. */
export function outputError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FileError('OUTPUT_DISK_FULL', `The disk is full; ${path} was not written.`, {
      given: path,
      expected: 'enough free space for the whole output',
      nextStep: 'free some space, or name an output on another disk',
      cause: error,
    });
  }
  if (
    code === 'EACCES' ||
    code === 'EPERM' ||
    code === 'EROFS' ||
    code === 'ENOTDIR' ||
    code === 'ENAMETOOLONG'
  ) {
    return new FileError('OUTPUT_ACCESS', `${path} cannot be written (${code}).`, {
      given: path,
      expected: 'a place where this user may create files',
      nextStep: 'name another output, or change the permissions of the folder above it',
      cause: error,
    });
  }
  return error;
}
