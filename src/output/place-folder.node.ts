import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const modelFile = 'model.json';

/** Whether a file is one that our outputs are made of; a folder with anything else in it is never replaced. */
export function isOwnFile(name: string): boolean {
  return name === modelFile || name === 'training.json' || /^group\d+-shard\d+of\d+\.bin$/.test(name);
}

/** What the system says of a folder that is in use, or comes from another layer of a container's file system. */
const unmovable = new Set(['EBUSY', 'EXDEV']);

/**
 * Puts the folder `temporary` in the place of `target`, which is missing or an earlier output. Removes of the latter
 * only what is ours.
 */
export async function swap(temporary: string, target: string): Promise<void> {
  const old = `${temporary}-old`;
  const replaces = await rename(target, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      if (unmovable.has(error.code ?? '')) return undefined;
      throw error;
    },
  );
  if (replaces === undefined) {
    await moveInto(temporary, target);
    return;
  }
  try {
    await rename(temporary, target);
  } catch (error) {
    if (replaces) await rename(old, target);
    throw error;
  }
  if (!replaces) return;
  await Promise.all(
    (await readdir(old)).filter(isOwnFile).map((name) => rm(join(old, name), { force: true })),
  );
  await rmdir(old);
}

/**
 * Moves the files in `temporary`, a folder on the same disk, into the folder `target`, and removes the earlier output there. The
 * model.json comes last, so that no reader finds a model before all of it is there.
 */
export async function moveInto(temporary: string, target: string): Promise<void> {
  const files = (await readdir(temporary)).sort(modelFileLast);
  const old = join(temporary, 'old');
  await mkdir(old);
  const moved: [from: string, to: string][] = [];
  const move = async (from: string, to: string) => {
    await rename(from, to);
    moved.push([from, to]);
  };
  try {
    for (const name of (await readdir(target)).filter(isOwnFile).sort(modelFileLast).reverse()) {
      await move(join(target, name), join(old, name));
    }
    for (const name of files) await move(join(temporary, name), join(target, name));
  } catch (error) {
    for (const [from, to] of moved.reverse()) await rename(to, from);
    throw error;
  }
  await rm(temporary, { recursive: true, force: true });
}

function modelFileLast(left: string, right: string): number {
  return Number(left === modelFile) - Number(right === modelFile);
}
