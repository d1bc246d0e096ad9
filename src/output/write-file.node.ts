import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ByteSink } from '../../converters/index.ts';
import { FileError, UsageError } from '../base/errors.ts';
import { FileSink } from './file-sink.node.ts';
import { outputError } from './output-errors.node.ts';
import { checkWritable, removeEmpty } from './parents.node.ts';

export interface WriteFileOptions {
  /** Replace a file that is there. Default false. */
  readonly force?: boolean;
}

/**
 * Checks, before any work is done, that `file` may be written.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`; UsageError `USAGE_ARGUMENT` for an empty name
 */
export async function checkOutputFile(file: string, force = false): Promise<void> {
  if (typeof file !== 'string' || file === '') {
    throw new UsageError('USAGE_ARGUMENT', 'The name of the output file is missing.', {
      given: JSON.stringify(file) ?? String(file),
      expected: 'a file that does not exist yet',
      nextStep: 'name an output file',
    });
  }
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw outputError(error, file);
  });
  if (found !== undefined && !found.isFile()) {
    throw new FileError('OUTPUT_EXISTS', `${file} is not a file.`, {
      given: file,
      expected: 'a file that does not exist yet',
      nextStep: 'name another output file',
    });
  }
  if (found !== undefined && !force) throw exists(file);
  await checkWritable(dirname(resolve(file)), file);
}

function exists(file: string): FileError {
  return new FileError('OUTPUT_EXISTS', `The file ${file} exists already; nothing was written.`, {
    given: file,
    expected: 'a file that does not exist yet',
    nextStep: 'name another output file, or ask to replace it (`--force`, or `force: true`)',
  });
}

/** Gives the finished file its name, and fails where something of that name has appeared in the meantime. */
async function place(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw error;
    // File systems without hard links.
    if ((await stat(target).catch(() => undefined)) !== undefined) throw exists(target);
    await rename(temporary, target);
    return;
  }
  await rm(temporary);
}

/**
 * Writes a whole file or nothing: `fill` writes into a temporary file beside it, which then gets its name.
 *
 * @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; UsageError `USAGE_ARGUMENT`; what `fill` throws
 */
export async function writeFileWhole(
  file: string,
  fill: (sink: ByteSink) => void | Promise<void>,
  { force = false }: WriteFileOptions = {},
): Promise<void> {
  await checkOutputFile(file, force);
  const target = resolve(file);
  const temporary = join(dirname(target), `.${basename(target)}.tmp-${randomBytes(4).toString('hex')}`);
  let createdParent: string | undefined;
  try {
    createdParent = await mkdir(dirname(target), { recursive: true });
    const descriptor = openSync(temporary, 'wx+');
    const sink = new FileSink(descriptor);
    try {
      await fill(sink);
    } finally {
      await sink.drain().finally(() => closeSync(descriptor));
    }
    if (force) await rename(temporary, target);
    else await place(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    if (createdParent !== undefined) await removeEmpty(dirname(target), createdParent);
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(file) : outputError(error, file);
  }
}
