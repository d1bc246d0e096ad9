import { mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError, reasonOf } from '../base/errors.ts';
import { outputError } from '../output/output-errors.node.ts';
import type { CheckpointFile } from '../platform.ts';

/** Written aside, flushed to the disk and then renamed, so that no kill and no loss of power leaves half a file. */
export function checkpointFileNode(path: string): CheckpointFile {
  const part = `${path}.part`;
  return {
    path,
    async read() {
      try {
        return new Uint8Array(await readFile(path));
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
        throw new FileError('FILE_ACCESS', `The checkpoint ${path} cannot be read.`, {
          given: `${path} (${reasonOf(error)})`,
          expected: 'a file that this program may read',
          nextStep: 'change its permissions, or remove it to begin anew',
          cause: error,
        });
      }
    },
    async write(bytes) {
      try {
        await mkdir(dirname(path), { recursive: true });
        const file = await open(part, 'w');
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined);
        throw outputError(error, path);
      }
    },
    async remove() {
      await rm(part, { force: true });
      await rm(path, { force: true });
      // Only where nothing else is in it.
      await rmdir(dirname(path)).catch(() => undefined);
    },
  };
}
