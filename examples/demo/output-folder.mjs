// The folder with the report and the model. It is replaced only when everything in it is the demo's own.
import { chmod, lstat, readFile, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { DemoError } from './errors.mjs';
import { temporaryFolder } from './temporary-folders.mjs';

const marker = 'made-by-dovecote-demo.json';

/**
 * Makes sure that `folder` may be written: it is not there, empty, or an earlier output of the demo.
 *
 * @param {string} folder
 * @returns {Promise<'missing' | 'empty' | 'own'>}
 */
export async function checkOutput(folder) {
  const found = await lstat(folder).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw refuse(folder, `cannot be read (${error.code})`);
  });
  if (found === undefined) return 'missing';
  if (!found.isDirectory()) throw refuse(folder, 'is not a folder');
  const files = await filesIn(folder);
  if (files.length === 0) return 'empty';
  const own = await ownFiles(folder);
  if (own === undefined) throw refuse(folder, `holds something that is not the demo's (${files[0]})`);
  const foreign = files.find((file) => !own.has(file));
  if (foreign !== undefined) throw refuse(folder, `holds something that is not the demo's (${foreign})`);
  return 'own';
}

/** A folder beside `folder` to build the output in. */
export function stageOutput(folder) {
  return temporaryFolder(dirname(folder), `.${basename(folder)}-`);
}

/** Puts what was built in `staging` into the place of `folder`. */
export async function publishOutput(staging, folder) {
  const built = await filesIn(staging);
  await writeFile(join(staging, marker), `${JSON.stringify({ files: [...built, marker] }, undefined, 2)}\n`);
  // Temporary folders are private; this one should be as readable as any other.
  await chmod(staging, 0o777 & ~process.umask());
  const state = await checkOutput(folder);
  if (state === 'empty') await rmdir(folder);
  if (state !== 'own') return rename(staging, folder);
  const old = join(await temporaryFolder(dirname(folder), `.${basename(folder)}-old-`), 'output');
  await rename(folder, old);
  try {
    await rename(staging, folder);
  } catch (error) {
    // The old one would be gone with its temporary folder.
    await rename(old, folder);
    throw error;
  }
}

/** Everything below a folder that is no folder, and folders with nothing in them, with `/` between names. */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((entry) => !entries.some((other) => other.startsWith(entry + sep)))
    .map((entry) => entry.replaceAll(sep, '/'))
    .sort();
}

/** What an earlier run has listed, or undefined where none has left a readable list. */
async function ownFiles(folder) {
  try {
    const { files } = JSON.parse(await readFile(join(folder, marker), 'utf8'));
    return new Set(files);
  } catch {
    return undefined;
  }
}

function refuse(folder, why) {
  return new DemoError(
    `The demo writes its report to ${folder}, but that ${why}; nothing was changed.`,
    `move it away, or run the demo in another folder`,
  );
}
