import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * Small real files to damage: Keras's of the tests, and of each a model.json with its weights, once `convert` has made it.
 *
 * @returns {{ name: string, kind: 'bytes' | 'zip' | 'tfjs' | 'json', bytes: Uint8Array }[]}
 */
export function baseFiles(root) {
  const folders = ['tests/converters/corpus', 'tests/converters/goldens'].map((folder) => join(root, folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.gz'))
      .sort()
      .map((name) => ({
        name: name.slice(0, -3),
        bytes: new Uint8Array(gunzipSync(readFileSync(join(folder, name)))),
      })),
  );
  return files.map((file) => ({ ...file, kind: file.name.endsWith('.keras') ? 'zip' : 'bytes' }));
}
