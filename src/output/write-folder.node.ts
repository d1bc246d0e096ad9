import { closeSync, mkdirSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError, UsageError, throwIfAborted } from '../base/errors.ts';
import { writeAll } from './file-sink.node.ts';
import { outputError } from './output-errors.node.ts';
import { checkWritable, removeEmpty } from './parents.node.ts';
import type { OutputKind } from './place-folder.node.ts';
import { contentsOf, modelOutput, moveInto, swap } from './place-folder.node.ts';

export interface OutputFile {
  /** Inside the folder; `part/name` is in a folder of its own. */
  readonly name: string;
  readonly bytes: Uint8Array | string;
}

export interface WriteFolderOptions {
  /** Replace a folder that an earlier call wrote. Default false. */
  readonly force?: boolean;
  /** Default: a model. */
  readonly kind?: OutputKind;
  readonly signal?: AbortSignal;
}

/**
 * Checks, before any work is done, that `folder` may be written.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`; UsageError `USAGE_ARGUMENT` for an empty name
 */
export async function checkOutputFolder(
  folder: string,
  force = false,
  kind: OutputKind = modelOutput,
): Promise<void> {
  if (typeof folder !== 'string' || folder === '') {
    throw new UsageError('USAGE_ARGUMENT', 'The name of the output folder is missing.', {
      given: JSON.stringify(folder) ?? String(folder),
      expected: 'a folder that does not exist yet',
      nextStep: 'name an output folder',
    });
  }
  const target = resolve(folder);
  const entries = await entriesOf(target, folder, kind);
  await checkWritable(entries === undefined ? dirname(target) : target, folder);
  if (entries === undefined || entries.length === 0) return;
  const foreign = entries.filter((path) => !kind.owns(path));
  if (foreign.length > 0) {
    throw new FileError(
      'OUTPUT_EXISTS',
      `The folder ${folder} holds files that are not ${kind.what}; it is left alone.`,
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
 * Writes a whole folder or nothing: the files go into a temporary folder, which is then renamed. A folder that cannot
 * be renamed (the working directory, a mount point) or is there and empty is filled by renaming the files into it.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; UsageError `USAGE_ARGUMENT`;
 * AbortedError `ABORTED`
 */
export async function writeFolder(
  folder: string,
  files: Iterable<OutputFile> | AsyncIterable<OutputFile>,
  { force = false, kind = modelOutput, signal }: WriteFolderOptions = {},
): Promise<void> {
  await checkOutputFolder(folder, force, kind);
  // A link stands for the folder that it leads to.
  const target = await realpath(folder).catch(() => resolve(folder));
  let createdParent: string | undefined;
  let temporary: string | undefined;
  try {
    createdParent = await mkdir(dirname(target), { recursive: true });
    const inside = await isFilled(target);
    temporary = await mkdtemp(
      inside ? join(target, '.tmp-') : join(dirname(target), `.${basename(target)}.tmp-`),
    );
    // mkdtemp makes private folders; the output should be as readable as any other.
    await chmod(temporary, 0o777 & ~process.umask());
    // A file is written while the next one is made.
    let writing = Promise.resolve();
    try {
      for await (const { name, bytes } of files) {
        await writing;
        throwIfAborted(signal, `Writing ${folder}`);
        if (name.includes('/')) mkdirSync(join(temporary, dirname(name)), { recursive: true });
        writing = writeNew(join(temporary, name), bytes);
        // Until it is awaited nobody else sees its error.
        writing.catch(() => undefined);
      }
    } finally {
      await writing;
    }
    throwIfAborted(signal, `Writing ${folder}`);
    if (inside) await moveInto(temporary, target, kind);
    // Fails when something has appeared in the meantime.
    else if (!force) await rename(temporary, target);
    else {
      await checkOutputFolder(folder, force, kind);
      await swap(temporary, target, kind);
    }
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    if (createdParent !== undefined) await removeEmpty(dirname(target), createdParent);
    throw outputError(error, folder);
  }
}

/** Writes a file; it is being written when this returns. */
async function writeNew(file: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const descriptor = openSync(file, 'w');
  try {
    await writeAll(descriptor, bytes, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether the output goes into the existing folder `target`, instead of taking its place. */
async function isFilled(target: string): Promise<boolean> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return false;
  const isMountPoint = found.dev !== (await stat(dirname(target))).dev;
  return isMountPoint || target === process.cwd() || (await readdir(target)).length === 0;
}

async function entriesOf(target: string, folder: string, kind: OutputKind): Promise<string[] | undefined> {
  try {
    if (!(await stat(target)).isDirectory()) {
      throw new FileError('OUTPUT_EXISTS', `${folder} is a file, not a folder.`, {
        given: folder,
        expected: 'a folder that does not exist yet',
        nextStep: 'name another output folder',
      });
    }
    return await contentsOf(target, kind);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw outputError(error, folder);
  }
}
