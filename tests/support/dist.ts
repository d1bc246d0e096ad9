import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import lockfile from 'proper-lockfile';

const run = promisify(execFile);

export const rootFolder = fileURLToPath(new URL('../..', import.meta.url));

const sources = ['src', 'zoo', 'converters', 'tsup.config.ts', 'tsconfig.json'];
const products = [
  'node.js',
  'index.js',
  'browser.js',
  'worker.js',
  'converters.js',
  'embedded.js',
  'efficientnet-lite0.int8.safetensors',
  'cli.js',
  'node.d.ts',
  'index.d.ts',
  'browser.d.ts',
  'worker.d.ts',
  'converters.d.ts',
  'embedded.d.ts',
];

/** Path of a file of the built package. */
export function distFile(name: string): string {
  return join(rootFolder, 'dist', name);
}

/**
 * Builds `dist` when it is missing or older than the sources. For `beforeAll`; test files that run at the same time
 * share one build.
 */
export async function ensureBuilt(): Promise<void> {
  if (isFresh()) return;
  const cache = join(rootFolder, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const release = await lockfile.lock(rootFolder, {
    lockfilePath: join(cache, 'dovecote-build.lock'),
    retries: { retries: 300, minTimeout: 500, maxTimeout: 500 },
  });
  try {
    if (!isFresh()) await build();
  } finally {
    await release();
  }
}

async function build(): Promise<void> {
  try {
    await run(process.execPath, [join(rootFolder, 'node_modules/tsup/dist/cli-default.js')], {
      cwd: rootFolder,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the package does not build:\n${stdout}\n${stderr}`, { cause: error });
  }
}

function isFresh(): boolean {
  const built = products.map(distFile);
  if (!built.every((path) => existsSync(path))) return false;
  const oldest = Math.min(...built.map((path) => statSync(path).mtimeMs));
  return sources.every((source) => newestIn(join(rootFolder, source)) <= oldest);
}

function newestIn(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestIn(join(path, name))));
}
