import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const modelFile = 'model.json';

/** What the folders of one kind of output are made of; a folder with anything else in it is never replaced. */
export interface OutputKind {
  /** In messages: `a model`. */
  readonly what: string;
  /** Whether a file is one of them, by its path inside the folder, with `/`; the path of a folder in it ends with `/`. */
  readonly owns: (path: string) => boolean;
}

export const modelOutput: OutputKind = {
  what: 'a model',
  owns: (name) =>
    name === modelFile || name === 'training.json' || /^group\d+-shard\d+of\d+\.bin$/.test(name),
};

/** What is in a folder, by path; of the folders in it, which end with `/`, those are opened that are of its kind. */
export async function contentsOf(folder: string, { owns }: OutputKind): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const contents = entries.map(async (entry) => {
    if (!entry.isDirectory()) return [entry.name];
    const path = `${entry.name}/`;
    const inside = owns(path) ? await readdir(join(folder, entry.name), { withFileTypes: true }) : [];
    return [path, ...inside.map((each) => path + each.name + (each.isDirectory() ? '/' : ''))];
  });
  return (await Promise.all(contents)).flat();
}

/** What the system says of a folder that is in use, or comes from another layer of a container's file system. */
const unmovable = new Set(['EBUSY', 'EXDEV']);

/**
 * Puts the folder `temporary` in the place of `target`, which is missing or an earlier output. Removes of the latter
 * only what is ours.
 */
export async function swap(temporary: string, target: string, kind: OutputKind): Promise<void> {
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
    await moveInto(temporary, target, kind);
    return;
  }
  try {
    await rename(temporary, target);
  } catch (error) {
    if (replaces) await rename(old, target);
    throw error;
  }
  if (!replaces) return;
  const own = (await contentsOf(old, kind)).filter((path) => kind.owns(path));
  await Promise.all(
    own.filter((path) => !path.endsWith('/')).map((path) => rm(join(old, path), { force: true })),
  );
  await Promise.all(own.filter((path) => path.endsWith('/')).map((path) => rmdir(join(old, path))));
  await rmdir(old);
}

/**
 * Moves the files in `temporary`, a folder on the same disk, into the folder `target`, and removes the earlier output there. The
 * model.json comes last, so that no reader finds a model before all of it is there.
 */
export async function moveInto(temporary: string, target: string, kind: OutputKind): Promise<void> {
  const files = (await readdir(temporary)).sort(modelFileLast);
  const old = join(temporary, 'old');
  await mkdir(old);
  const moved: [from: string, to: string][] = [];
  const move = async (from: string, to: string) => {
    await rename(from, to);
    moved.push([from, to]);
  };
  try {
    const earlier = (await readdir(target)).filter((name) => kind.owns(name) || kind.owns(`${name}/`));
    for (const name of earlier.sort(modelFileLast).reverse()) {
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
