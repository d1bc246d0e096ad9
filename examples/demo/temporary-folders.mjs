import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { DemoError } from './errors.mjs';

const folders = new Set();

// However the program ends: after its work, by an error, by Ctrl-C.
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new folder `<parent>/<prefix>XXXXXX` that is gone when the program ends. */
export async function temporaryFolder(parent, prefix) {
  try {
    const folder = await mkdtemp(join(parent, prefix));
    folders.add(folder);
    return folder;
  } catch (error) {
    throw new DemoError(
      `The demo cannot write into ${parent} (${error.code ?? error.message}).`,
      'run it where you may write, and set TMPDIR to a folder with some space if the temporary folder is the problem',
    );
  }
}
