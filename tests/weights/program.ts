/** Run in a child process by the tests: fetches one file and prints what happens, one JSON object a line. */
import { DovecoteError } from '../../src/base/errors.ts';
import type { RemoteFile } from '../../src/platform.ts';
import { downloadToCache, type CacheOptions } from '../../src/weights/index.node.ts';

const { file, options } = JSON.parse(process.argv[2]!) as { file: RemoteFile; options: CacheOptions };
const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const path = await downloadToCache(file, {
    ...options,
    onNotice: (notice) => say({ notice }),
    onProgress: ({ done }) => say({ done }),
  });
  say({ path });
} catch (error) {
  if (!(error instanceof DovecoteError)) throw error;
  say({ code: error.code, message: error.message });
}
